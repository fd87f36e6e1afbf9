// Attacks: the lookup of globals, with a Proxy in the prototype chain of `globalThis`.
// Expect: ok | js_error TypeError
Object.setPrototypeOf(globalThis, new Proxy(Object.getPrototypeOf(globalThis), { get(target, key, receiver) { throw new Error('looked up'); } }));
true;
