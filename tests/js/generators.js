// Generators: laziness, delegation, two-way values, early return, cleanup.
function* naturals() { let n = 0; while (true) yield n++; }
function* take(count, source) { for (const value of source) { if (count-- <= 0) return; yield value; } }
console.log([...take(5, naturals())]);
function* talk() { const a = yield "first"; try { yield a * 2; } finally { console.log("cleaned"); } }
const t = talk();
console.log(t.next(), t.next(21), t.return("early"), t.next());
function* inner() { const got = yield 1; return got + 1; }
function* outer() { const result = yield* inner(); yield result; }
const o = outer();
console.log(o.next().value, o.next(41).value, o.next().done);
const thrower = (function* () { try { yield 1; } catch (e) { yield `caught ${e}`; } })();
thrower.next();
console.log(thrower.throw("x").value);
const tree = { v: 1, l: { v: 2 }, r: { v: 3, l: { v: 4 } } };
function* walk(node) { if (!node) return; yield* walk(node.l); yield node.v; yield* walk(node.r); }
[...walk(tree)];
