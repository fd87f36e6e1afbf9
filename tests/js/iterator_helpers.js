// Iterator.prototype: lazy map, filter, take, drop, flatMap, and what ends a pipeline.
function* naturals() { let n = 0; try { while (true) yield n++; } finally { console.log("closed at", n); } }
console.log(naturals().filter((n) => n % 2).map((n) => n * n).drop(1).take(3).toArray());
console.log(naturals().some((n) => n > 3), naturals().take(4).every((n) => n < 4), naturals().find((n) => n > 5));
console.log([1, 2].values().flatMap((n) => [n, n]).toArray(), new Set([1, 2, 3]).values().reduce((a, b) => a + b));
const seen = [];
Iterator.from({ next: () => ({ done: seen.length > 2, value: seen.length }) }).forEach((n) => seen.push(n));
console.log(seen, naturals() instanceof Iterator);
try { naturals().take(-1); } catch (e) { console.log(e.name); }
[..."ab"].entries().map(([i, c]) => c + i).toArray();
