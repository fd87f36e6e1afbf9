// Attacks: the dispatch of events, with a handler whose answer is a trap.
// Then: dispatch
// Expect: cpu_limit_exceeded
host.on('event', () => new Proxy({}, { get(target, key) { for (;;); }, ownKeys() { for (;;); } }));
true;
