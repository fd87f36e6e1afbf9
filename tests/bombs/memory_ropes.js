// Attacks: memory, with ropes: strings that are cheap to make and dear to look at.
// Expect: memory_limit_exceeded | js_error RangeError | js_error InternalError | cpu_limit_exceeded
let rope = 'a'.repeat(1000);
for (let i = 0; i < 22; i++) rope = rope + 'b' + rope;
rope.charCodeAt(5) + rope.length;
