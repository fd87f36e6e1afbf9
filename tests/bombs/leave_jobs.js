// Attacks: the next call, with jobs that are still queued when this one ends.
// Expect: ok
globalThis.later = 0;
Promise.resolve().then(() => new Promise(() => {})).then(() => { globalThis.later++; });
host.rpc('never').then(() => { globalThis.later++; });
true;
