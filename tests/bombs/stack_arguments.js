// Attacks: the stack, with calls that spread more arguments than fit on it.
// Limits: cpu_ms=2000
// Expect: js_error RangeError | js_error InternalError | stack_overflow
((...all) => all.length)(...new Array(60000).fill(1)) + Math.max.apply(null, new Array(1e6).fill(1));
