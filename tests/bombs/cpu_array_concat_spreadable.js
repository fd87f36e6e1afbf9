// Attacks: the CPU, inside `concat` of an object that claims to be a long array.
// Expect: cpu_limit_exceeded
[].concat({ length: 2 ** 40, [Symbol.isConcatSpreadable]: true });
