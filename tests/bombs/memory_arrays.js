// Attacks: memory, with arrays of arrays.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
const all = [];
for (;;) all.push(new Array(1000).fill(all));
