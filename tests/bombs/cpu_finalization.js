// Attacks: the CPU, through what the garbage collector calls when an object dies.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const registry = new FinalizationRegistry(function again() { registry.register({}, 1); for (;;); });
for (;;) registry.register({}, 1), new WeakRef({});
