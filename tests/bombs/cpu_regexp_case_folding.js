// Attacks: the CPU and memory, with classes of the whole of Unicode under `v` and `i`.
// Expect: cpu_limit_exceeded | memory_limit_exceeded | js_error SyntaxError
for (let i = 0; ; i++) new RegExp(`[[\\p{L}--[a-${String.fromCodePoint(0x1000 + i % 0xc000)}]]&&\\P{Lu}]+`, 'vi').test('É');
