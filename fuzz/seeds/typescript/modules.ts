import a from "a";
import { b, type C, d as e, type F as G, type H } from "b";
import { type I } from "c";
import { type J, type K, } from "d"
import type L from "e";
import type { M, N as O } from "f";
import type * as P from "g"
import type from "h"; import type, { q } from "i"; import { type } from "j"; import { type as r } from "k"; import { type as } from "l"; import { type as as } from "m"; import { type as as s } from "n"
import type from_ from "o"; import type from from "p"; import type Q = require("q");
import * as t from "r"; import u, * as v from "s"; import "t"; import w from "u" with { type: "json" }; import { "x y" as x, type "y z" as y } from "v";
export { a, type C, e as f, type G as default }; export { type H }; export type { L, M } from "f"; export type { N as O };
export * from "w"; export * as z from "x"; export type * from "y"; export type * as aa from "z"
export type R = 1; export interface S { } export declare const bb: number; export declare function cc(): void
export abstract class T<U> { abstract a(): void } export default abstract class V { }
export function dd(a: string): void; export function dd(a: any): void { } export async function ee<T>(): Promise<T> { return 1 as T }
export const ff: number = 1, gg = <T>(a: T): T => a; export let hh!: string; export namespace W { type X = 1 } export declare namespace Y { const a: 1 }
