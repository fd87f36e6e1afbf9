// Attacks: the plumbing, with setters and getters that everything inherits.
// Expect: ok
let caught = 0;
const keys = ['then', 'id', 'code', 'message', 'done', 'length', 'name', 'stack', 'cause', 'toJSON', '0', 'value', 'get'];
const trap = { __proto__: null, configurable: true, get() { caught++; }, set() { caught++; } };
for (let i = 0; i < keys.length; i++) Object.defineProperty(Object.prototype, keys[i], trap);
const before = caught, answer = host.rpcSync('echo', 7), after = caught;
for (let i = 0; i < keys.length; i++) delete Object.prototype[keys[i]];
answer === 7 && before === after;
