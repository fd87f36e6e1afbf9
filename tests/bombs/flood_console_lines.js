// Attacks: the log, with lines without end, at every level.
// Expect: console_limit_exceeded
for (;;) console.log('line'), console.warn({ a: [1] }), console.error(new Error('e')), console.debug();
