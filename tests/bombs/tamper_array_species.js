// Attacks: the plumbing, with species, iterators and spreads that lie.
// Expect: ok
Object.defineProperty(Array, Symbol.species, { get() { throw new Error('species'); } });
Array.prototype[Symbol.iterator] = function* () { for (;;) yield 'forged'; };
Object.defineProperty(Promise, Symbol.species, { get() { throw new Error('species'); } });
host.rpcSync('echo', [1, 2])[1] === 2;
