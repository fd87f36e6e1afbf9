const a      = { b: null, f: (x     ) => x };
a?.b?.c .d?.[0] .e; a.f?.        (1); a?.f        ("x"); a.f         (1); a?.["b"] ;
const c = a ?.5:1, d         = a?.f (HERE);
