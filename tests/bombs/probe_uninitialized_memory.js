// Attacks: memory that others have used, by reading what a fresh buffer holds.
// Limits: cpu_ms=2000
// Expect: ok
const words = new Uint32Array(1 << 20);
words.every(word => word === 0);
