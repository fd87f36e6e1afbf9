// Attacks: memory, with replies that are larger than what was asked.
// Expect: memory_limit_exceeded | rpc_limit_exceeded | cpu_limit_exceeded
const all = [];
for (;;) all.push(host.rpcSync('large'));
