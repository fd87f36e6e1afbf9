// Attacks: the CPU, inside `Array.prototype.indexOf` over a sparse array.
// Expect: cpu_limit_exceeded
new Array(4294967295).indexOf(1);
