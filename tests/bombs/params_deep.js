// Attacks: the host's reader of parameters, with a tree that is nested very deeply.
// Expect: ok
let deep = 1, code;
for (let i = 0; i < 1000; i++) deep = [deep];
try { host.rpcSync('tree', deep); } catch (error) { code = error.code; }
code === 'invalid_params';
