// Attacks: the next call, with jobs that are still queued when this one ends.
// Limits: wall_ms=60
// Expect sync: ok
// Expect async: wall_limit_exceeded
globalThis.later = 0;
Promise.resolve().then(() => new Promise(() => {})).then(() => { globalThis.later++; });
host.rpc('never').then(() => { globalThis.later++; });
true;
