// Attacks: the caller's patience, with a thenable that never settles.
// Expect: never_settled
const never = { then() {} };
Promise.resolve(never);
