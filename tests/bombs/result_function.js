// Attacks: the caller, with results that have no JSON form.
// Expect: not_serializable
({ call: 1n });
