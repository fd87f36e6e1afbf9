// Attacks: the CPU, inside `encodeURIComponent`, `decodeURIComponent` and `escape`.
// Expect: cpu_limit_exceeded
const text = 'é'.repeat(2 ** 17);
for (;;) unescape(escape(decodeURIComponent(encodeURIComponent(text))));
