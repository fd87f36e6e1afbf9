// Attacks: the stack, inside `JSON.parse` and `JSON.stringify` of something a hundred thousand levels deep.
// Expect: js_error SyntaxError | js_error RangeError | js_error InternalError | stack_overflow | cpu_limit_exceeded
JSON.stringify(JSON.parse('['.repeat(100000) + ']'.repeat(100000)));
