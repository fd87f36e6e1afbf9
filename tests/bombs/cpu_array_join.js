// Attacks: the CPU, inside `Array.prototype.join`, which does not ask whether to go on.
// Expect: cpu_limit_exceeded
new Array(4294967295).join('');
