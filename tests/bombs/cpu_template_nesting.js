// Attacks: the parser, with source nested a hundred thousand levels deep.
// Expect: js_error SyntaxError | js_error RangeError | js_error InternalError | stack_overflow | cpu_limit_exceeded
(0, eval)('('.repeat(100000) + ')'.repeat(100000));
