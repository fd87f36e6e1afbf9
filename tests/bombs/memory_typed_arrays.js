// Attacks: memory outside of the garbage collected heap, with buffers.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
const all = [];
for (;;) all.push(new Uint8Array(1 << 20).fill(1));
