abstract class A<T> {
    abstract a: string; abstract b?: number
    abstract c(): void
    protected abstract readonly d: T
    abstract get e(): string; abstract set e(value: string)
    public abstract f<U>(u: U): U;
    g() { return this.c }
    abstract override h(): void
}
const C = class { }
abstract class D extends A<string> { }
var abstract: A<any> = HERE;
