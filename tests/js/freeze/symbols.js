// Symbols stay themselves: own ones, registered ones, well-known ones, and as keys.
const tick = v => host.rpc('tick', v);
const own = Symbol('own'), shared = Symbol.for('shared');
const o = {
  [own]: 1, [shared]: 2, plain: 3,
  *[Symbol.iterator]() { yield this[own]; yield this[shared] },
  [Symbol.toPrimitive]: hint => hint === 'number' ? 42 : 'text',
  get [Symbol.toStringTag]() { return 'Tagged' },
};
class Even { static [Symbol.hasInstance](n) { return n % 2 === 0 } }
await tick('made');
console.log(o[own], o[Symbol.for('shared')], o[Symbol('own')], own.description, Symbol.keyFor(shared));
await tick('again');
[[...o], +o, `${o}`, String(Object.prototype.toString.call(o)), 4 instanceof Even,
  Object.getOwnPropertySymbols(o).length, await tick(o), Object(own).valueOf() === own];
