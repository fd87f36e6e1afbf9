// Attacks: the caller, with a function deep inside of a result.
// Expect: not_serializable
({ call: [1n, new Map([[1, { toString() { return '' } }]])] });
