// Attacks: the CPU and memory, with a small graph whose JSON doubles at every level.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
let value = 'lol';
for (let i = 0; i < 40; i++) value = [value, value];
JSON.stringify(value);
