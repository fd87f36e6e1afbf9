// Attacks: the CPU, with a live graph that makes every collection slow and garbage that asks for many.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
const live = [];
for (let i = 0; i < 60000; i++) live.push({ last: live[live.length - 1] });
for (;;) { const a = {}, b = { a }; a.b = b; }
