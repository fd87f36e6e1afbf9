// Attacks: the CPU, inside the parsing and printing of dates.
// Expect: cpu_limit_exceeded
const text = '2020-01-01T00:00:00'.padEnd(2 ** 18, ' ');
for (;;) Date.parse(text), new Date(8.64e15).toString(), new Date(NaN).getTime();
