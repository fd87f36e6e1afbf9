// Attacks: the CPU, inside `splice`, `copyWithin` and `reverse` of an object that only claims a length.
// Expect: cpu_limit_exceeded
const claims = { length: Number.MAX_SAFE_INTEGER };
Array.prototype.reverse.call(claims);
Array.prototype.copyWithin.call(claims, 0, 1);
Array.prototype.splice.call(claims, 0, 1);
