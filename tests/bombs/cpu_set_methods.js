// Attacks: the CPU, in the set methods, with an argument that lies about its size and never ends.
// Expect: cpu_limit_exceeded
const liar = { size: 1, has: () => true, keys: () => ({ next: () => ({ done: false, value: 1 }) }) };
new Set([1, 2, 3]).isSupersetOf(liar);
