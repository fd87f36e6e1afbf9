function add(a: number, b?: number, ...rest: number[]): number { return a + (b ?? 0) + rest.length; }
async function later<T>(value: T): Promise<T> { return value; }
function* each<T extends object>(list: T[]): Generator<T, void, unknown> { yield* list; }
const named = function inner<const T>(this: Window, { a, b: [c] = [1] }: { a: T; b?: number[] }): void {};
function crashes(a: number = 1, b: string): never { return HERE; }
crashes(1, "");
