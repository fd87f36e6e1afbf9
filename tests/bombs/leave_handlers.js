// Attacks: the host, with calls that are in flight when the script has ended.
// Expect: ok
for (let i = 0; i < 50; i++) host.rpc('never', { i }).catch(() => { for (;;); });
true;
