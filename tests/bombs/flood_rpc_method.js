// Attacks: the host, with names of methods that are long, odd or no text at all.
// Expect: ok
const codes = [];
for (const name of ['', '\0', '__proto__', 'constructor', '\ud800', 'x'.repeat(100000), '../echo', 'echo\n'])
    try { host.rpcSync(name); codes.push('answered'); } catch (error) { codes.push(error instanceof Error); }
codes.every(code => code === true) && codes.length === 8;
