// Attacks: the thread, by blocking it in `Atomics.wait`. Nothing here may block, whether `Atomics` exists or not.
// Expect: ok
let blocked = false;
try { blocked = Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000) === 'timed-out'; } catch {}
!blocked;
