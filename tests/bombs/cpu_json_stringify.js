// Attacks: the CPU, inside `JSON.stringify` of a long sparse array.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
JSON.stringify(new Array(2 ** 31));
