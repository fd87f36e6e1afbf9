// Attacks: the CPU, with scopes that are Proxies and claim to have every name.
// Expect: cpu_limit_exceeded
new Function('scope', 'with (scope) { while (anything) other++ }')(new Proxy({}, { has: () => true, get: (t, key) => key !== Symbol.unscopables }));
