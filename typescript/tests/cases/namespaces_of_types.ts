namespace A { export type B = 1; interface C {} }
namespace D.E { export declare const a: number; namespace F { type G = 1 } }
module H { }
namespace I {}
const last: A.B = HERE;
