declare const a: number, b: string;
declare let c
declare var d: any
declare function e(a: string): void;
declare function e(a: number): void
declare class F<T> extends G<T> implements H { private a; constructor(b: string); static c: number; get d(): string; e(): void; [f: string]: any }
declare abstract class I { abstract a(): void }
declare enum J { A = 1, B = "x".length, C }
declare const enum K { A }
declare namespace L.M { const a: number; function b(): void; enum N { A } namespace O { let x: 1 } export { a } }
declare module "x" { import y from "y"; export default y; export = y; export as namespace Z }
declare module "z";
declare module P { }
declare global { interface Window { a: 1 } var q: number }
declare type R = 1; declare interface S { }
declare function t(): Promise<void>
const last: number = HERE;
