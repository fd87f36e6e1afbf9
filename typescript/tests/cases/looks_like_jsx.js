const a =    (x   ) => x;
const b =     (x   ) => x;
const c =                    (x   ) => x;
const d =      (x     ) => x;
const e =      a;
const f =         (         "x");
const g =    (   (y   ) => y);
const h = a        (1) < b        (2);
const i =        ["a", "b"], j =      HERE;
