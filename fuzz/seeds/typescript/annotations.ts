let count: number = 1, names: string[] = [], pair: [a: string, b?: number] = ["x"];
const total: Map<string, Set<Array<number>>> = new Map();
var nothing: undefined | null = null, big: bigint = 1n, key: symbol = Symbol(), anything: any, unsure: unknown;
const text: `a${string}b` = "axb"; const limit: number = HERE;
