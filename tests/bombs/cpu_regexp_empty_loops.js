// Attacks: the CPU, with quantifiers over what matches nothing.
// Expect: cpu_limit_exceeded | js_error SyntaxError | js_error InternalError
new RegExp('(?:(?:a?){1000}){1000}(?:(?:b*)*)*$').exec('a'.repeat(1000) + 'c');
