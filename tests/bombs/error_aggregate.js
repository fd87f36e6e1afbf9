// Attacks: the report of an error, with one that holds itself ten thousand times.
// Expect: js_error | memory_limit_exceeded | message_too_large
const error = new AggregateError([], 'many');
error.errors = new Array(10000).fill(error);
error.cause = error.errors;
throw error;
