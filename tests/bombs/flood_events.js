// Attacks: the table of events, by registering the same name and new names without end.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
for (let i = 0; ; i++) host.on('event', () => i), host.on(`event${i}`, () => i);
