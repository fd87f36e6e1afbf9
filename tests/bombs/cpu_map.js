// Attacks: the CPU, in `Map.prototype.forEach` over a map that gets a new key for every key it loses.
// Expect: cpu_limit_exceeded
const map = new Map([[0, 0]]);
map.forEach((value, key) => { map.delete(key); map.set(key + 1, 0); });
