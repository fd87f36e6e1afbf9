class A {
    a = 1
    ;       *b() { }
    c;       
    ["d"] = 2
    e ;       
    *f() { }
    get;       
    g() { }
    static;       
    h() { }
    i = 1
    ;                
                    
    ["l"] = 3
    m
    ;      ["n"] = 4
    o  = 5
    ;        in = 6
    ;        
    p() { }
}
const a      = new A();
if (a.d !== 2 || a.l !== 3 || a.n !== 4 || typeof a.g !== "function" || typeof a.h !== "function" || !("get" in a) || a.in !== 6) throw a;
HERE;
