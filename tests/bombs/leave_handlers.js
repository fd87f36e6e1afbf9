// Attacks: the host, with calls that are in flight when the script has ended.
// Limits: wall_ms=60
// Expect sync: ok
// Expect async: wall_limit_exceeded
for (let i = 0; i < 50; i++) host.rpc('never', { i }).catch(() => { for (;;); });
true;
