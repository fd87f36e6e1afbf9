// Well-known symbols, the registry, symbols as keys.
class Temperature {
  constructor(c) { this.c = c; }
  [Symbol.toPrimitive](hint) { return hint === "string" ? `${this.c}C` : this.c; }
  static [Symbol.hasInstance](value) { return typeof value?.c === "number"; }
}
const t = new Temperature(20);
console.log(`${t}`, t + 1, t > 19, { c: 1 } instanceof Temperature);
console.log(Symbol.for("k") === Symbol.for("k"), Symbol.keyFor(Symbol.for("k")), Symbol("d").description, Symbol("a") === Symbol("a"));
const range = { *[Symbol.iterator]() { yield 1; yield 2; } };
console.log([...range], Math.max(...range), Array.from(range, (n) => n * 2));
const spreadable = { length: 2, 0: "x", 1: "y", [Symbol.isConcatSpreadable]: true };
console.log(["w"].concat(spreadable), "a-b".split({ [Symbol.split]: (s) => [s, "mine"] }));
class Stack extends Array { static get [Symbol.species]() { return Array; } }
console.log(new Stack(1, 2).map((n) => n) instanceof Stack, Object.prototype.toString.call({ [Symbol.toStringTag]: "Tag" }));
try { Symbol() + ""; } catch (e) { console.log(e.name); }
with ({ hidden: 1, shown: 2, [Symbol.unscopables]: { hidden: true } }) { console.log(typeof hidden, shown); }
Object.getOwnPropertySymbols({ [Symbol("s")]: 1 }).length;
