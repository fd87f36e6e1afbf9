// Labelled loops, switch fallthrough, finally, closures in loops, comma, void, optional chaining, logical assignment.
const log = [];
outer: for (let i = 0; i < 4; i++) {
  for (let j = 0; j < 4; j++) {
    if (j === 2) continue outer;
    if (i === 2) break outer;
    log.push(`${i}${j}`);
  }
}
block: { log.push("in"); if (log.length) break block; log.push("never"); }
const kind = (n) => { switch (n) { case 1: log.push("one"); case 2: return "few"; default: return "many"; } };
log.push(kind(1), kind(2), kind(9));
const f = () => { try { return log.push("try"), "from try"; } finally { log.push("finally"); } };
log.push(f(), (() => { for (;;) { try { return 1; } finally { break; } } return "overridden"; })());
const closures = [];
for (let i = 0; i < 3; i++) closures.push(() => i);
for (var k = 0; k < 3; k++) closures.push(() => k);
const o = { a: { b: null, f() { return this.b; } } };
let n = null, z = 0, s = "set";
n ??= "filled"; z ||= "or"; s &&= "and";
do { z += "!"; } while (z.length < 5);
({ log, closures: closures.map((c) => c()), chain: [o?.a?.b?.c, o.x?.[0], o.a.f?.(), o.nope?.(), delete o?.a], n, z, s, power: (-2) ** 2, nullish: 0 ?? 1 });
