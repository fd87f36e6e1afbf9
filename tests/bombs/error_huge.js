// Attacks: the report of an error, with a message and a name that are far too long.
// Expect: js_error | message_too_large | memory_limit_exceeded
const error = new Error('x'.repeat(3 << 20));
error.name = 'y'.repeat(1 << 20);
throw error;
