function f(a: string): string;
function f(a: number): number
function f(a: any): any { return a; }
async function g(): Promise<void>
async function g() {}
export_();
function export_(): void
function export_() {}
class A {
    constructor(a: string);
    constructor(a: number)
    constructor(a: any) {}
    m(a: string): void;
    m(a: number): void
    m(a: any) {}
    static s?(): void
    static s() {}
    async *[Symbol.iterator](): AsyncGenerator<1>
    async *[Symbol.iterator]() {}
}
const last: A = new A(HERE);
