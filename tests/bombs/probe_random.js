// Attacks: the seed of `Math.random`, by looking for one that repeats, and for a way to set it.
// Expect: ok
const seen = new Set();
for (let i = 0; i < 2000; i++) seen.add(Math.random());
Math.random = () => 4;
seen.size === 2000;
