// Attacks: the CPU and memory, inside `split`, `replaceAll` and `padEnd` of large strings.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const text = 'ab'.repeat(2 ** 18);
for (;;) text.replaceAll('a', 'b').split('b').length, 'x'.padEnd(2 ** 19, 'yz');
