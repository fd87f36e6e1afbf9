// Attacks: the host, with one parameter that is too large.
// Expect: message_too_large
host.rpcSync('echo', 'x'.repeat(2 << 20));
