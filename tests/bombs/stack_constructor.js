// Attacks: the stack, with constructors, spread calls and `Reflect.apply`.
// Expect: js_error RangeError | js_error InternalError
class Again { constructor(...rest) { Reflect.construct(Again, [new Again(...rest), ...rest]); } }
new Again(1, 2, 3);
