// Attacks: the table of calls, by racing many answers and dropping the losers.
// Expect sync: never_settled
// Expect async: rpc_limit_exceeded
(async () => { for (;;) await Promise.race([host.rpc('later', 1), host.rpc('never', 2)]); })();
