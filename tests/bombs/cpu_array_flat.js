// Attacks: the CPU and the stack, inside `flat` of an array that holds itself.
// Expect: cpu_limit_exceeded | js_error RangeError | js_error InternalError | stack_overflow | memory_limit_exceeded
const self = [];
self.push(self, self);
self.flat(Infinity);
