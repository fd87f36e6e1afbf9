// Attacks: the CPU, with bulk instructions on typed arrays: `fill`, `set`, `copyWithin`, `sort`.
// Expect: cpu_limit_exceeded
const bytes = new Uint8Array(8 << 20), floats = new Float64Array(bytes.buffer);
for (;;) bytes.fill(1), bytes.copyWithin(1, 0), floats.set(floats.subarray(1)), floats.sort();
