const f =    (a      ) => f       , a = 1, b = 2, c = 3;
f        ("x"); f         (1); f          (2); f            (3); f     `x`; new Map                       (); new Set        ;
const g = f        , h = [f   , f   ], j = f                     (f), k = f                (1);
if (a < b || a > c) { } const l = a < b, n = (a < b, (c > a));
const o = a < (b >> c), p = f                      (1), q = f        ()                        , r = f   (HERE);
