// Fields, statics, accessors, inheritance, `super`, `new.target`, static blocks.
class Animal {
  static #count = 0;
  static kinds = [];
  static { this.kinds.push("base"); }
  name = "nobody";
  constructor(name) { this.name = name ?? this.name; Animal.#count++; this.target = new.target.name; }
  get loud() { return this.name.toUpperCase(); }
  set loud(value) { this.name = value.toLowerCase(); }
  speak() { return `${this.name} makes a sound`; }
  static get count() { return Animal.#count; }
}
class Dog extends Animal {
  legs = 4;
  speak() { return `${super.speak()}: woof`; }
  get [Symbol.toStringTag]() { return "Dog"; }
}
const rex = new Dog("Rex");
rex.loud = "MAX";
console.log(rex.speak(), String(rex), rex instanceof Animal);
console.log(new Animal().name, Animal.count, Animal.kinds, rex.target);
const Mixed = (Base) => class extends Base { extra() { return "mixed"; } };
console.log(new (Mixed(Dog))("a").extra());
try { Dog(); } catch (e) { console.log(e.name); }
try { new (class extends Animal { constructor() {} })(); } catch (e) { console.log(e.name); }
console.log(class {}.name === "", (class Named {}).name);
({ keys: Object.keys(rex), own: Object.getOwnPropertyNames(Dog.prototype) });
