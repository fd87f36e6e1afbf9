// Map, Set, their order and equality, set algebra, grouping, weak references.
const map = new Map([["a", 1], [NaN, 2], [0, 3]]);
map.set(-0, "zero").delete("a");
console.log([...map], map.get(NaN), map.size);
const set = new Set([3, 1, 3, 2]);
for (const n of set) if (n < 3) set.add(n + 10);
console.log([...set], set.has(12));
const odd = new Set([1, 3, 5]), small = new Set([1, 2, 3]);
console.log([...odd.union(small)], [...odd.intersection(small)], [...odd.difference(small)], [...odd.symmetricDifference(small)], odd.isSubsetOf(small));
console.log(Object.groupBy([1, 2, 3], (n) => (n % 2 ? "odd" : "even")), [...Map.groupBy(["a", "bb"], (s) => s.length)]);
const key = {};
const weak = new WeakMap([[key, "held"]]);
console.log(weak.get(key), new WeakSet([key]).has(key), new WeakRef(key).deref() === key, typeof new FinalizationRegistry(() => {}));
try { weak.set("text", 1); } catch (e) { console.log(e.name); }
const visited = [];
map.forEach((value, k, self) => visited.push([k, value, self === map]));
visited;
