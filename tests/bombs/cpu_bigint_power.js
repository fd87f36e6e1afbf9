// Attacks: the CPU, inside one multiplication of BigInts that takes seconds.
// Expect: cpu_limit_exceeded | memory_limit_exceeded | js_error RangeError
let n = 3n ** 200000n;
for (;;) n = n * n;
