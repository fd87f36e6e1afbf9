// Attacks: the CPU, inside the quadratic conversion of a BigInt to text and back.
// Expect: cpu_limit_exceeded
for (;;) BigInt('9'.repeat(100000)).toString(7);
