export default interface A { a: 1 }
export default function f(a: string): void
export default function f(a: any): void { }
