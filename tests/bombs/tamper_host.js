// Attacks: `host`, by every way there is to change a frozen object.
// Expect: ok
const attempts = [
    () => { 'use strict'; host.rpc = 1; }, () => { 'use strict'; delete host.on; },
    () => Object.defineProperty(host, 'rpcSync', { value: 1 }), () => Object.setPrototypeOf(host, {}),
    () => { 'use strict'; host.rpc.call = 1; }, () => Object.defineProperty(host.rpc, 'name', { value: 'x' }),
    () => { 'use strict'; Object.assign(host, { extra: 1 }); }, () => new host.rpc('echo'),
];
let refused = 0;
for (const attempt of attempts) try { attempt(); } catch { refused++; }
refused === attempts.length && typeof host.rpcSync === 'function';
