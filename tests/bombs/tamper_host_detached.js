// Attacks: `host`, by calling its functions on other objects and in odd ways.
// Expect: ok
const { rpcSync, on } = host;
const detached = rpcSync.call(null, 'echo', 1) === 1 && Reflect.apply(rpcSync, globalThis, ['echo', 2]) === 2;
let refused = 0;
for (const bad of [() => on(), () => on('x'), () => on('x', 1), () => on({ toString() { throw 1; } }, () => 1)]) try { bad(); } catch { refused++; }
detached && refused === 4;
