// Attacks: the stack, with a getter that reads itself.
// Expect: js_error RangeError
({ get x() { return this.x; } }).x;
