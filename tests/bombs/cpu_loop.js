// Attacks: the CPU, with the plainest loop.
// Expect: cpu_limit_exceeded
for (;;) {}
