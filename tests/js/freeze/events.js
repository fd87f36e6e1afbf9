// Handlers of events that were registered before, and the global scope that they see.
const tick = v => host.rpc('tick', v);
var global = 1; globalThis.added = () => ++global;
host.on('first', n => n + global);
eval('var fromEval = 5');
const compiled = new Function('a', 'return a * global');
await tick('registered');
global = 10; added();
await tick('changed');
host.on('second', async n => n * await tick(2));
[global, fromEval, compiled(3), typeof host.on, Object.isFrozen(host), typeof globalThis.tick, delete globalThis.added, typeof added];
