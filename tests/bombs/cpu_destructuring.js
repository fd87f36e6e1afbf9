// Attacks: the CPU, by destructuring an iterator whose `next` is a getter that does all the work.
// Expect: cpu_limit_exceeded
const [a, ...rest] = { [Symbol.iterator]: () => ({ get next() { for (;;); } }) };
