// Attacks: the engine's memory, with objects that come back to life while they are being collected.
// Expect: ok
let registry = new FinalizationRegistry(held => { globalThis.risen = held; });
for (let i = 0; i < 5000; i++) { const ref = new WeakRef({ i }); registry.register({ ref }, ref); const map = new WeakMap(); const key = {}; map.set(key, { key, map }); }
registry = null;
true;
