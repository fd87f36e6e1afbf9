// Attacks: the CPU, inside division and remainder of BigInts.
// Expect: cpu_limit_exceeded
const a = 7n ** 60000n, b = 5n ** 30000n;
for (;;) a / b, a % b;
