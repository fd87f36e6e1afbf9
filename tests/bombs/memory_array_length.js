// Attacks: memory, with an index that makes a small array look enormous.
// Expect: memory_limit_exceeded | cpu_limit_exceeded | js_error RangeError
const sparse = [];
for (let i = 0; ; i++) sparse[2 ** 31 + i] = i, sparse.unshift(0);
