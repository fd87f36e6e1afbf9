const a = true ? (1) : (c) => c, b = 1;
const d = a ? (x        )         => x : (y        )         => y;
const e = a ? (b) : y => y, x = 1;
const f = a ? (x, y = 1) => x : null;
const g = a ? (x)         => x : 2;
const h = a ? a ? (x) : (b) : (z)         => z, y = 1;
const i = (a ? (x) : 1)          , j = !a ? (x) : HERE;
