// Attacks: the CPU, inside `lastIndexOf` with the worst needle for its haystack.
// Expect: cpu_limit_exceeded
const hay = 'x'.repeat(2 ** 20), needle = 'x'.repeat(2 ** 19) + 'y';
for (;;) hay.indexOf(needle), hay.lastIndexOf('y' + needle);
