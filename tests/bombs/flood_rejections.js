// Attacks: the host, with rejections that nobody handles, each with a large error.
// Expect: cpu_limit_exceeded | memory_limit_exceeded | message_too_large
(function again() { for (let i = 0; i < 100; i++) Promise.reject(new Error('x'.repeat(10000))); Promise.resolve().then(again); })();
