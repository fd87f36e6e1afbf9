interface A { a: string }
interface B<T, U = T> extends A, C.D<T> { b(c: T): U }
interface F {} interface G {} const last: A = HERE;
