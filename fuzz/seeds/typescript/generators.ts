function* a(): Generator<number, void, unknown> { const b: number = yield 1 as any; yield* [2] as number[]; yield; const c = (yield) as any; yield <any>3; yield (d: number): number => d }
async function e(): Promise<void> { await (1 as any); await <any>2; for await (const f of [] as any) { } const g = await Promise.all<any>([]) as any[]; (await 1)! }
if ([...a()].length !== 6) throw "wrong";
const last: number = HERE;
