// Attacks: the CPU, inside `String.raw` of a template that claims to be long.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
String.raw({ raw: { length: 2 ** 40 } });
