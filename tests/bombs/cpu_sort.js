// Attacks: the CPU, inside `sort` of strings without a comparator.
// Expect: cpu_limit_exceeded
const text = 'x'.repeat(2000);
const all = Array.from({ length: 4000 }, (_, i) => text + (i * 7919 % 4001));
for (;;) all.toSorted();
