// Attacks: the CPU, inside the conversions of typed arrays to text and back.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const bytes = new Uint8Array(1 << 19);
for (;;) Uint8Array.fromBase64(bytes.toBase64()), Uint8Array.fromHex(bytes.toHex());
