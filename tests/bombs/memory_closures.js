// Attacks: memory, with closures that keep each other alive.
// Expect: memory_limit_exceeded | cpu_limit_exceeded
let last = () => 0;
for (;;) { const before = last, ballast = [1, 2, 3]; last = () => before() + ballast.length; }
