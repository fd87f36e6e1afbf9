var a = 1                               , b = (a       ).c, d = [1     , 2         ], e = { f: 1           };
const g = a        ? 1 : 2, h = a        && b        || d       , i = `${a          }`;
for (const x of [1]            ) {}
const j = 1           < 2, k = 1           == 1, l = typeof a          , m = 2 * 3           + 4;
if (m !== 10) throw m;
const n = a                                         , o = HERE          ;
