// Attacks: the CPU, by spinning on a shared flag that nobody will ever set, with every way to wait for it.
// Expect: cpu_limit_exceeded
const flag = new Int32Array(new SharedArrayBuffer(4));
while (Atomics.load(flag, 0) === 0) {
    Atomics.pause();
    Atomics.compareExchange(flag, 0, 0, 0);
    try { Atomics.wait(flag, 0, 0); } catch {}
}
