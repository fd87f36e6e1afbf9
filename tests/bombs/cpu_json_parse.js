// Attacks: the CPU, inside `JSON.parse` with a reviver that parses again and again.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const text = '[' + '[1,{"a":[2]}],'.repeat(20000) + '1]';
for (;;) JSON.parse(text, function (key, value) { if (Array.isArray(value)) value.length = 1; return value; });
