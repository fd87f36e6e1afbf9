// Getters, setters, frozen and sealed objects, descriptors, prototypes made by hand.
const tick = v => host.rpc('tick', v);
let stored = 1;
const base = { get v() { return stored }, set v(x) { stored = x * 10 }, hello() { return 'base ' + this.name } };
const o = { __proto__: base, name: 'o', hello() { return super.hello() + '!' } };
const frozen = Object.freeze({ inner: { n: 1 } }), sealed = Object.seal({ x: 1 });
Object.defineProperty(o, 'secret', { value: 7, writable: true });
await tick('made');
o.v = 5; frozen.inner.n = 2; sealed.x = 2;
try { (() => { 'use strict'; frozen.inner = 0 })() } catch (e) { console.log(e.name) }
await tick('changed');
const cycle = { o }; cycle.self = cycle;
const order = { b: 1, 2: 'x', a: 2, 1: 'y' };
await tick('cycle');
order.c = 3; delete order.b;
[o.v, o.hello(), Object.keys(o).join(), o.secret, frozen.inner.n, sealed.x, cycle.self.self.o === o,
  Object.keys(order).join(), Object.isFrozen(frozen), base.isPrototypeOf(o), [1, , 3].length];
