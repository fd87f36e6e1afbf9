// Attacks: the CPU, with a comparator that contradicts itself and grows the array that is being sorted.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const list = [3, 1, 2];
for (;;) list.sort(() => { list.push(list.length); return Math.random() - 0.5; });
