const a = { b<T>(c: T): T { return c }, get d(): number { return 1 }, set d(v: number) { }, async e(): Promise<void> { }, *f(): Generator { }, async *g<T>() { } };
var get: any, set: any, async: any;
const h = { i: <T>(x: T): T => x, [`j` as string]: 1 as number, "k"(): void { }, 12: null!, ...(a as any), get, set, async, l: function <T>(): T { return 1 as any } }, m = { async: 1, get: 2, set: 3 };
const { n, o: { p } = {} as any, ...q }: any = h as any, [r = 1 as number, , ...s]: number[] = [];
const t = { u: HERE as number };
