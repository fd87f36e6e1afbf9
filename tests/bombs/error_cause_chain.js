// Attacks: the report of an error, with a chain of causes that ends in itself.
// Expect: js_error | cpu_limit_exceeded
let error = new Error('first');
for (let i = 0; i < 50000; i++) error = new Error(`after ${i}`, { cause: error });
const last = new Error('last');
last.cause = last;
error.cause = last;
throw error;
