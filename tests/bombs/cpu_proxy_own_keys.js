// Attacks: the CPU, in the quadratic check of what a Proxy's `ownKeys` returned.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const names = Array.from({ length: 30000 }, (_, i) => `k${i}`);
for (;;) Object.keys(new Proxy({}, { ownKeys: () => names }));
