// Attacks: the making of stack traces, by asking for endless ones and by replacing what makes them.
// Expect: js_error | cpu_limit_exceeded
Error.stackTraceLimit = Infinity;
Error.prepareStackTrace = (error, frames) => { throw frames; };
(function dig(depth) { if (depth) dig(depth - 1); else throw new Error('x'); })(500);
