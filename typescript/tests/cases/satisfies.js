const a = { b: 1 }                                 ;
const c = [1, 2]                                     ;
const d = ({}                 )       , e = a               ? 1 : 2;
const f = HERE                 ;
