// Attacks: the stack, with a function that calls itself.
// Expect: js_error RangeError
(function dig() { dig(); })();
