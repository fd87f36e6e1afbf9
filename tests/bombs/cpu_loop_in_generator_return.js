// Attacks: the unwinding of a stopped call, with iterators whose `return` never returns.
// Expect: cpu_limit_exceeded
const endless = { [Symbol.iterator]: () => ({ next: () => ({}), return() { for (;;); } }) };
for (const a of endless) for (const b of endless) for (;;);
