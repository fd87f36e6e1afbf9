// Attacks: the host, with parameters that are Proxies that never end.
// Expect: cpu_limit_exceeded | memory_limit_exceeded | message_too_large
host.rpcSync('echo', new Proxy([], { get: (target, key) => key === 'length' ? 2 ** 32 - 1 : 'x' }));
