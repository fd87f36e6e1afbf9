// Attacks: the CPU and memory, inside `Array.from` of something that claims to be long.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
Array.from({ length: 2 ** 32 - 1 });
