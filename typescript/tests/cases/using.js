async function f()                {
    using a             = null       
    await using b = null       , c      = null
    for (using d of []         ) { }
}
