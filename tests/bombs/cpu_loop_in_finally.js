// Attacks: the unwinding of a stopped call, with loops in every `catch` and `finally` on the way out.
// Expect: cpu_limit_exceeded
(function dig(depth) {
    try { if (depth) dig(depth - 1); else for (;;); } catch { for (;;); } finally { for (;;); }
})(50);
