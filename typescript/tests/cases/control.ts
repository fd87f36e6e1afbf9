for (let i: number = 0, j = 1 as number; i < 1; i++) { } for (const [a, b] of new Map<string, number>()) { } for (const k in {} as object) { }
for (var x = ("a" in {}) as boolean; !1;) { }
switch (1 as number) { case 1 as number: { break } case (2): type A = 1; break; default: let z: number }
try { throw 1 as any } catch (error: unknown) { } finally { } try { } catch { }
outer: while (true as boolean) { do { break outer } while (false as boolean) }
if (1 as any) { } else if (2 as any) { } else { }
const a = HERE as any;
