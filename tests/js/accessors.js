// Getters, setters, descriptors, freezing, sealing, inheritance of accessors, prototypes.
const account = { _n: 1, get n() { return this._n; }, set n(v) { this._n = v * 2; }, ["com" + "puted"]: 1, get ["g" + 1]() { return "g"; } };
account.n = 5;
const child = Object.create(account, { own: { value: 1, enumerable: false } });
child.n = 1;
console.log(account.n, child.n, Object.keys(child), child.own, Object.hasOwn(child, "n"), account.computed, account.g1);
console.log(Object.getOwnPropertyDescriptor(account, "_n"), typeof Object.getOwnPropertyDescriptor(account, "n").get);
const frozen = Object.freeze({ a: { b: 1 } });
frozen.a.b = 2;
console.log(frozen.a.b, (() => { "use strict"; try { frozen.c = 1; } catch (e) { return e.name; } })(), Object.isSealed(frozen), Object.isFrozen("text"));
const counter = { get next() { Object.defineProperty(this, "next", { value: "cached" }); return "computed"; } };
console.log(counter.next, counter.next);
const proto = { __proto__: { inherited: 1 }, own: 2 };
const all = [];
for (const key in proto) all.push(key);
console.log(all, proto.__proto__.inherited, Object.fromEntries(Object.entries({ a: 1 }).map(([k, v]) => [k + k, v])));
Object.assign({}, { get lazy() { return "read"; } }, null, [9]);
