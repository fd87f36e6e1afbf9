// Attacks: memory, with one string that doubles.
// Expect: memory_limit_exceeded | js_error RangeError | js_error InternalError | cpu_limit_exceeded
let text = 'x';
const kept = [];
for (;;) kept.push(text += text + 1);
