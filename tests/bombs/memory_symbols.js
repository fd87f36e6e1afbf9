// Attacks: memory, with symbols in the registry that are never let go.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
const ballast = 'x'.repeat(1000);
for (let i = 0; ; i++) Symbol.for(ballast + i);
