// Private fields and methods, accessors, statics, inheritance, new.target and super across awaits.
const tick = v => host.rpc('tick', v);
class Account {
  static #count = 0;
  static { this.born = 'static block' }
  #cents = 0; #log = [];
  constructor(owner) { this.owner = owner; Account.#count++; this.kind = new.target.name }
  get cents() { return this.#cents }
  set cents(v) { this.#log.push(v); this.#cents = v }
  async #settle(by) { const before = this.#cents; await tick(by); this.cents = before + by; return this }
  async add(by) { return (await this.#settle(by)).#log.length }
  static get count() { return Account.#count }
  static owns(o) { return #cents in o }
}
class Savings extends Account {
  #rate = 2;
  async add(by) { const n = await super.add(by * this.#rate); await tick(n); return super.cents + n }
  *[Symbol.iterator]() { yield* [this.#rate, this.cents] }
}
const a = new Account('ada'), s = new Savings('bob');
console.log(await a.add(5), await s.add(10), await s.add(1));
a.cents = 1;
await tick('later');
[a.cents, [...s], Account.count, Account.owns(s), Account.owns({}), s.kind, Account.born, s instanceof Account];
