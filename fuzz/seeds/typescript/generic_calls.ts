const f = <T>(a?: any) => f as any, a = 1, b = 2, c = 3;
f<string>("x"); f<A, B<C>>(1); f<{ a: 1 }>(2); f<() => void>(3); f<A[]>`x`; new Map<string, Array<number>>(); new Set<string>;
const g = f<string>, h = [f<A>, f<B>], j = f<(a: number) => void>(f), k = f<<T>(a: T) => T>(1);
if (a < b || a > c) { } const l = a < b, n = (a < b, (c > a));
const o = a < (b >> c), p = f<Array<Array<number>>>(1), q = f<string>() as Array<Array<number>>, r = f<A>(HERE);
