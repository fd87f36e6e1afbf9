// The newer array methods, holes, sorting, copies that leave the original alone.
const list = [3, 1, 10, 2];
console.log(list.toSorted(), list.toSorted((a, b) => a - b), list.toReversed(), list.with(1, "w"), list.toSpliced(1, 2, "s"), list);
console.log(list.findLast((n) => n < 10), list.findLastIndex((n) => n > 100), list.at(-2), [1, [2, [3, [4]]]].flat(Infinity), [1, 2].flatMap((n) => [n, n]));
console.log([1, 2, 3, 4, 5].copyWithin(0, 3), Array(3).fill().map((_, i) => i), Array.from({ length: 2, 0: "a", 1: "b" }), Array.of(7).length);
console.log([, 1].map((n) => n), 0 in [, 1], [, 1].indexOf(undefined), [, 1].includes(undefined), [NaN].includes(NaN), [NaN].indexOf(NaN));
const stable = Array.from({ length: 200 }, (_, n) => ({ n, key: n % 3 })).sort((a, b) => a.key - b.key);
console.log(stable.every((o, i) => i === 0 || stable[i - 1].key < o.key || stable[i - 1].n < o.n));
const sparse = [];
sparse[5] = 1;
sparse.length = 3;
console.log(sparse.length, [1, 2, 3].lastIndexOf(3), [[1, 2], [3, 4]].map(([a, b]) => a * b), [1, 2, 3].reduceRight((a, n) => a + n, ""));
try { [].reduce((a) => a); } catch (e) { console.log(e.name); }
try { [1].with(5, 1); } catch (e) { console.log(e.name); }
[..."añb"].join("|") + Object.keys(["x", , "y"]);
