// Attacks: the host's memory, with many large parameters that wait at the same time.
// Expect: memory_limit_exceeded | rpc_limit_exceeded | cpu_limit_exceeded
const large = 'x'.repeat(1000000);
for (;;) host.rpc('never', large);
