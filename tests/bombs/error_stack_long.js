// Attacks: the report of an error, with a stack trace of a million lines.
// Expect: js_error | message_too_large | memory_limit_exceeded | cpu_limit_exceeded
const error = new Error('x');
error.stack = '    at f (x.js:1:1)\n'.repeat(1000000);
throw error;
