// Attacks: the stack, inside the compiler of patterns.
// Expect: js_error SyntaxError | js_error RangeError | js_error InternalError | stack_overflow | cpu_limit_exceeded
new RegExp('('.repeat(200000) + ')'.repeat(200000));
