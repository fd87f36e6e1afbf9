// Attacks: the queue of jobs, with a chain that never ends.
// Expect: cpu_limit_exceeded
(function again() { Promise.resolve().then(again); })();
