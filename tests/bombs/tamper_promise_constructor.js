// Attacks: the plumbing of async calls, with a `then` and a `constructor` of its own on every promise.
// Expect: ok
Promise.prototype.then = function () { throw new Error('mine'); };
Object.defineProperty(Promise.prototype, 'constructor', { get() { throw new Error('mine'); } });
Promise.resolve = Promise.reject = Promise.all = () => { throw new Error('mine'); };
host.rpcSync('echo', true);
