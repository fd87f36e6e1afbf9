// Patterns, defaults, rest and spread, computed keys, swaps, holes.
const { a, b: { c = 5, ...deep } = {}, ["d" + 1]: e = "default", ...rest } = { a: 1, b: { x: 2, y: 3 }, f: 4, g: 5 };
const [first, , third = 3, ...others] = [1, 2, undefined, 4, 5];
let x = 1, y = 2;
[x, y] = [y, x];
const f = ({ name, tags: [tag] = [] } = {}, ...more) => [name, tag, more.length];
console.log(f(), f({ name: "n", tags: ["t"] }, 1, 2));
const entries = Object.entries({ p: 1, q: 2 }).map(([key, value]) => `${key}=${value}`);
for (const { length, [length - 1]: last } of ["abc", "de"]) console.log(length, last);
const merged = { ...{ a: 1, b: 2 }, b: 3, ...null, ...[7] };
const order = [];
const { [(order.push("key"), "k")]: v = order.push("default") } = {};
({ a, c, deep, e, rest, first, third, others, x, y, entries, merged, order, max: Math.max(...[1, 5, 2]) });
