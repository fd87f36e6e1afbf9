type A = string | number
type B<T extends A = string, out U = T, in out V = U> = { [K in keyof T as `x${string & K}`]?: T[K] } & { -readonly [K in T & string]-?: U }
type C = | "a" | "b"
type D<T> = T extends (infer U extends string)[] ? U : T extends { a: infer V } ? V : never
type E = typeof import("x") | import("y").Z<string> | import("z", { with: { "resolution-mode": "import" } }).W
type F = abstract new (...args: any[]) => object; type G = new <T>(a: T) => T
type H = [a: string, b?: number, ...rest: boolean[]] | [string?, ...A[]] | readonly string[] | []
type I = symbol; type J = keyof typeof globalThis; type K = typeof this
type L = (this: Date, { a, b: [c] }: any, [d]: [1], e?: string, ...f: any[]) => asserts this is string
type M = `a${"b" | `c${number}`}d`; type N = -1 | 1n | 0x10 | true | null | void | undefined | "s"
type O = A["x"]["y"][number][]; type P = ((a: A) => B<A>)[] | (A); type Q = typeof A.b.c<string>
type R = { a: 1, b?: 2; readonly c: 3
    d(): void; e?<T>(a: T): T; get f(): string; set f(v: string); new (a: 1): 2; (a: 1): 2; <T>(a: T): T; [g: string]: any; readonly [h: number]: any
    [Symbol.iterator](): Iterator<any>; "quoted": 1; 12: 2; get: 1; set?: 2; readonly: 3; new: 4; [`x`]?: 5 }
type S = (a: A extends B<A> ? 1 : 2) => a is A extends B<A> ? 1 : 2
declare const t: unique symbol; const last: A = HERE;
