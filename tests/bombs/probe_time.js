// Attacks: what a script may know of the machine, by counting between two readings of the clock until it is stopped.
// Expect: cpu_limit_exceeded
let ticks = 0, before = performance.now();
for (;;) if (performance.now() !== before) { ticks++; before = performance.now(); }
