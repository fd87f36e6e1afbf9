// Attacks: the next call, by leaving a heap that is full to the last byte.
// Limits: cpu_ms=2000
// Expect: ok | memory_limit_exceeded
globalThis.hoard = [];
try { for (;;) hoard.push(new Array(100).fill(hoard)); } catch {}
try { for (;;) hoard.push({}); } catch {}
hoard.length > 0;
