// Attacks: the host, with JSON that doubles at every level.
// Expect: cpu_limit_exceeded | memory_limit_exceeded | message_too_large
let value = 'lol';
for (let i = 0; i < 40; i++) value = [value, value];
JSON.stringify(value);
