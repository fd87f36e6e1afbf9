// Attacks: the CPU, in `replace` and `matchAll` with an `exec` that never has enough.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const pattern = /x/g;
pattern.exec = () => ['', ''];
'x'.replace(pattern, 'y');
