// Attacks: the stack, with conversions that call themselves.
// Expect: js_error RangeError
const value = { toString() { return `${this}`; }, valueOf() { return this + 1; } };
`${value}` + (value + 1);
