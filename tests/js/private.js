// Private fields, methods, accessors, statics and brand checks.
class Vault {
  #secret = 1;
  static #made = 0;
  static #make() { return ++Vault.#made; }
  constructor() { Vault.#make(); }
  get #double() { return this.#secret * 2; }
  set #double(value) { this.#secret = value / 2; }
  #add(n) { this.#secret += n; return this; }
  bump(n) { this.#add(n); this.#double = this.#double + 2; return this.#secret; }
  static is(value) { return #secret in value; }
  static made() { return Vault.#made; }
}
const vault = new Vault();
console.log(vault.bump(4), Vault.is(vault), Vault.is({}), Vault.made());
try { Vault.prototype.bump.call({}, 1); } catch (e) { console.log(e.name); }
console.log(Object.keys(vault), JSON.stringify(vault));
try { eval("vault.#secret"); } catch (e) { console.log(e.name); }
[vault.bump(0)];
