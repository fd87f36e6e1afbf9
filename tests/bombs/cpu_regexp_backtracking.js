// Attacks: the CPU, with a pattern whose backtracking is exponential.
// Expect: cpu_limit_exceeded
/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(50));
