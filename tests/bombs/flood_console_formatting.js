// Attacks: the formatter of the console, with values that are deep, cyclic, enormous and full of traps.
// Expect: console_limit_exceeded | cpu_limit_exceeded | ok
const cycle = { list: new Array(1e6), map: new Map() };
cycle.self = cycle; cycle.map.set(cycle, cycle);
const trap = new Proxy({}, { get() { throw new Error('seen'); }, ownKeys() { throw new Error('listed'); } });
let deep = trap;
for (let i = 0; i < 10000; i++) deep = [deep];
console.log(cycle, deep, trap, [trap], new Map([[deep, trap]]), Object.create(null), Symbol('s'), -0, 10n ** 1000n);
true;
