const a = { b   (c   )    { return c }, get d()         { return 1 }, set d(v        ) { }, async e()                { }, *f()            { }, async *g   () { } };
var get     , set     , async     ;
const h = { i:    (x   )    => x, [`j`          ]: 1          , "k"()       { }, 12: null , ...(a       ), get, set, async, l: function    ()    { return 1        } }, m = { async: 1, get: 2, set: 3 };
const { n, o: { p } = {}       , ...q }      = h       , [r = 1          , , ...s]           = [];
const t = { u: HERE           };
