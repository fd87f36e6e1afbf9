// Attacks: the host, with more calls than there may be.
// Expect: rpc_limit_exceeded
for (;;) host.rpcSync('echo', 1);
