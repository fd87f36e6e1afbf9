// Attacks: memory, with a generated program of many functions and constants.
// Expect: memory_limit_exceeded | js_error SyntaxError | js_error InternalError | cpu_limit_exceeded
const line = 'f.push(function () { return [1.5, "text", /x/, 2n, `t${0}`] });';
(0, eval)('const f = [];' + line.repeat(60000));
