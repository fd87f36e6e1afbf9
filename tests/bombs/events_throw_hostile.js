// Attacks: the dispatch of events, with a handler that throws something whose every property is a trap.
// Then: dispatch
// Expect: js_error
host.on('event', () => { throw new Proxy(new Error('x'), { get() { throw new Error('y'); }, getPrototypeOf() { throw 1; } }); });
true;
