// Attacks: the stack, from every level of a recursion that catches its own end.
// Expect: cpu_limit_exceeded
(function dig() { try { dig(); } catch { dig(); } })();
