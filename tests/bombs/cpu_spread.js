// Attacks: the CPU and memory, by spreading an iterator that never ends.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
[...(function* () { for (;;) yield 1; })()];
