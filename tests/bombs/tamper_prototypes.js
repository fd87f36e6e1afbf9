// Attacks: the plumbing, by replacing what plumbing might use.
// Expect: ok
const mine = () => { throw new Error('mine'); };
const { ownKeys } = Reflect;
const owners = [Object, Array, Function, Promise, Map, Set, String, Error, RegExp, JSON, Reflect, Symbol];
for (let i = 0; i < owners.length * 2; i++) {
    const target = i % 2 ? owners[i >> 1].prototype ?? {} : owners[i >> 1], keys = ownKeys(target);
    for (let k = 0; k < keys.length; k++)
        try { if (typeof target[keys[k]] === 'function' && keys[k] !== 'constructor') target[keys[k]] = mine; } catch {}
}
host.rpcSync('echo', 1) === 1;
