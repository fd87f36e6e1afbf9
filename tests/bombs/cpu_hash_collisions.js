// Attacks: the CPU, with keys that are meant to fall into one bucket of a hash table.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const map = new Map();
for (let i = 0; ; i++) map.set(i * 2 ** 32, i), map.get(i * 2 ** 31);
