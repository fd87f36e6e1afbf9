// Attacks: whoever reads the result, with one that is nested very deeply.
// Expect: not_serializable | cpu_limit_exceeded | stack_overflow | js_error RangeError
let deep = null;
for (let i = 0; i < 100000; i++) deep = { deep };
deep;
