// Attacks: memory, with a pattern whose compiled form is far larger than its text.
// Expect: memory_limit_exceeded | js_error SyntaxError | js_error InternalError | cpu_limit_exceeded
const all = [];
for (let i = 1; ; i++) all.push(new RegExp(`(?:(?:(?:[a-z]{${i % 200 + 20}}){100}){100})`.repeat(20)));
