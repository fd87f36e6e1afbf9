// Attacks: the making of the result, with getters, `toJSON` and Proxies that never end or change their mind.
// Expect: cpu_limit_exceeded
({ get a() { return { toJSON: () => new Proxy([], { get: (t, key) => key === 'length' ? 2 ** 32 - 1 : 1 }) }; } });
