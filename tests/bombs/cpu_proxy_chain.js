// Attacks: the CPU and the stack, with a Proxy around a Proxy, many times over.
// Expect: js_error RangeError | js_error InternalError | cpu_limit_exceeded | stack_overflow
let proxy = {};
for (let i = 0; i < 20000; i++) proxy = new Proxy(proxy, {});
proxy.x;
