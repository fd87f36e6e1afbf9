// Attacks: the queue of jobs, with a job that queues itself twice.
// Expect: cpu_limit_exceeded | memory_limit_exceeded
(function again() { Promise.resolve().then(again); Promise.resolve().then(again); })();
