// Attacks: memory, with promises that wait for one another.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
let last = new Promise(() => {});
for (;;) last = last.then(() => 1).finally(() => 2);
