// Attacks: the stack, with a Proxy that is its own prototype and its own handler.
// Expect: js_error RangeError | js_error InternalError
const handler = {};
const proxy = new Proxy(handler, handler);
Object.setPrototypeOf(handler, proxy);
proxy.x;
