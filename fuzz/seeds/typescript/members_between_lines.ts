class A {
    a = 1
    private *b() { }
    c: number
    ["d"] = 2
    e!: string
    *f() { }
    get: string
    g() { }
    static: string
    h() { }
    i = 1
    declare j: number
    [k: string]: any
    ["l"] = 3
    m
    public ["n"] = 4
    o? = 5
    readonly in = 6
    p(): void
    p() { }
}
const a: any = new A();
if (a.d !== 2 || a.l !== 3 || a.n !== 4 || typeof a.g !== "function" || typeof a.h !== "function" || !("get" in a) || a.in !== 6) throw a;
HERE;
