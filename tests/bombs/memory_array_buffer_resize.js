// Attacks: memory, with buffers that reserve much and grow to it.
// Expect: memory_limit_exceeded | js_error RangeError | cpu_limit_exceeded | js_error TypeError
const all = [];
for (;;) { const buffer = new ArrayBuffer(1, { maxByteLength: 2 ** 30 }); buffer.resize(2 ** 20); all.push(buffer.transfer(2 ** 21)); }
