// Every trap, invariants, Reflect as its mirror.
const log = [];
const traps = new Proxy({}, { get: (_, trap) => (...args) => { log.push(trap); return Reflect[trap](...args); } });
const p = new Proxy(function target() {}, traps);
p.a = 1; p.a; "a" in p; delete p.a; p(); new p(); Object.keys(p);
Object.defineProperty(p, "b", { value: 1, configurable: true }); Object.getOwnPropertyDescriptor(p, "b");
Object.getPrototypeOf(p); Object.setPrototypeOf(p, null); Object.isExtensible(p); Object.preventExtensions(p);
console.log([...new Set(log)].sort());
const frozen = new Proxy(Object.freeze({ x: 1 }), { get: () => 2 });
try { frozen.x; } catch (e) { console.log(e.name); }
const defaults = new Proxy({}, { get: (t, k) => (k in t ? t[k] : `no ${String(k)}`) });
defaults.x = 1;
console.log(defaults.x, defaults.y);
const negative = new Proxy([1, 2, 3], { get: (t, k, r) => Reflect.get(t, typeof k === "string" && k < 0 ? t.length + +k : k, r) });
console.log(negative[-1], negative.length, Array.isArray(negative));
class Base { get who() { return this.name; } }
[Reflect.get(new Base(), "who", { name: "receiver" }), Reflect.ownKeys({ b: 1, 1: 1, [Symbol.iterator]: 1 }).map(String), Reflect.apply(Math.max, null, [1, 2]), Reflect.construct(Date, [0]).getTime()];
