// Attacks: the budget, by burning a little after every answer.
// Expect sync: never_settled
// Expect async: cpu_limit_exceeded | rpc_limit_exceeded
(async () => { for (;;) { for (let i = 0; i < 200000; i++); await host.rpc('later', 1); } })();
