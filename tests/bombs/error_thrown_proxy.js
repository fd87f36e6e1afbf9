// Attacks: the report of an error, with a Proxy as what was thrown.
// Expect: js_error
throw new Proxy(function () {}, { get() { throw new Error('trap'); }, getPrototypeOf() { throw new Error('trap'); }, ownKeys() { throw 1; } });
