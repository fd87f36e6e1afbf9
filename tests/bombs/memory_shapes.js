// Attacks: memory, with objects that have each a shape and names of their own.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
const all = [];
for (let i = 0; ; i++) all.push({ [`name${i}`]: i, [Symbol(i)]: i });
