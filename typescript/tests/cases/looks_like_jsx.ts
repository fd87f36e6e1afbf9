const a = <T>(x: T) => x;
const b = <T,>(x: T) => x;
const c = <T extends unknown>(x: T) => x;
const d = <div>(x: div) => x;
const e = <any>a;
const f = <string>(<unknown>"x");
const g = <T>(<U>(y: U) => y);
const h = a<number>(1) < b<number>(2);
const i = <const>["a", "b"], j = <any>HERE;
