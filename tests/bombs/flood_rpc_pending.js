// Attacks: the host, with calls that pile up without an answer.
// Expect: rpc_limit_exceeded
for (;;) host.rpc('never', 1);
