// Attacks: the report of an error, with getters that run for ever.
// Expect: cpu_limit_exceeded
throw Object.defineProperties(new Error(), {
    name: { get() { for (;;); } }, message: { get() { for (;;); } }, stack: { get() { for (;;); } },
});
