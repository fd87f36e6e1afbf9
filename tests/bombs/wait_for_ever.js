// Attacks: the caller's patience, by waiting for an answer that does not come.
// Limits: wall_ms=60
// Expect sync: never_settled
// Expect async: wall_limit_exceeded
host.rpc('never');
