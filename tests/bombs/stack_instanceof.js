// Attacks: the stack, with `instanceof` on itself and a species that asks for itself.
// Expect: js_error RangeError | js_error InternalError
class Loop { static [Symbol.hasInstance](value) { return value instanceof Loop; } }
({}) instanceof Loop;
