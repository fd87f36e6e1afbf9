async function f(): Promise<void> {
    using a: Disposable = null as any
    await using b = null as any, c: any = null
    for (using d of [] as any[]) { }
}
