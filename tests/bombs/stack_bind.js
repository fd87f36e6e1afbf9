// Attacks: the stack, with a function that is bound many times over.
// Expect: js_error RangeError | js_error InternalError | stack_overflow | memory_limit_exceeded | cpu_limit_exceeded
let bound = () => 1;
for (let i = 0; i < 50000; i++) bound = bound.bind(null);
bound();
