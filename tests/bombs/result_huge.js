// Attacks: the host, with a result that is too large.
// Limits: cpu_ms=2000
// Expect: message_too_large
'x'.repeat(4 << 20);
