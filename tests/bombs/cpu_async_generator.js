// Attacks: the CPU, with an async generator that never lets the queue of jobs run dry.
// Expect: cpu_limit_exceeded
(async () => { for await (const x of (async function* () { for (;;) yield 1; })()); })();
