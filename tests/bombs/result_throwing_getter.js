// Attacks: the making of the result, with a getter that throws.
// Expect: not_serializable
({ get a() { throw new TypeError('no'); } });
