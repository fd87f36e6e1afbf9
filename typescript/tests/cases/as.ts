var a = 1 as number as unknown as string, b = (a as any).c, d = [1 as 1, 2 as const], e = { f: 1 as number };
const g = a as any ? 1 : 2, h = a as any && b as any || d as any, i = `${a as string}`;
for (const x of [1] as number[]) {}
const j = 1 as number < 2, k = 1 as number == 1, l = typeof a as string, m = 2 * 3 as number + 4;
if (m !== 10) throw m;
const n = a as unknown as { b(c: number): string }[], o = HERE as number;
