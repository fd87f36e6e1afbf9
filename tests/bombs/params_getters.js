// Attacks: the host, with parameters that call back into it while they are being written.
// Expect: rpc_limit_exceeded | js_error RangeError | js_error InternalError | cpu_limit_exceeded | stack_overflow
const params = { toJSON() { return host.rpcSync('echo', params); } };
host.rpcSync('echo', params);
