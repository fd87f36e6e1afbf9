// Attacks: memory, by growing maps, sets and weak maps until a table cannot be doubled.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
const map = new Map(), set = new Set(), weak = new WeakMap(), keys = [];
for (let i = 0; ; i++) { const key = {}; keys.push(key); map.set(key, i); set.add(i); weak.set(key, key); }
