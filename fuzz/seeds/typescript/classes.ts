class A<T> implements B<T>, C.D { }
class E<T> extends A<T[]> implements B<T> { }
const F = class<T> extends A<T> { }, G = class H<T> implements B<T> { }
class I extends (A as any)<string> { }
class J extends (A as { new (): any }) { }
class K { constructor(a: string, b?: number) { } method<T>(this: K, a: T): this is L { return true } get x(): number { return 1 } set x(value: number) { } static { const y: number = 1 } }
class implements_ { static async *gen<T>(): AsyncGenerator<T> { } static async a(): Promise<void> { } "quoted"(): void { } 12(): void { } [`c`](): void { } #p(): void { } }
new K("a", HERE);
