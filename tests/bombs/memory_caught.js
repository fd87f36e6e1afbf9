// Attacks: memory, again and again, catching every refusal.
// Expect: cpu_limit_exceeded
for (;;) try { const all = []; for (;;) all.push(new Uint8Array(1 << 16)); } catch {}
