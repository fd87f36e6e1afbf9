// Attacks: the CPU, with source that is compiled over and over.
// Expect: cpu_limit_exceeded
const source = 'x => {' + 'if (x) { x++ } else { x-- };'.repeat(2000) + '}';
for (;;) (0, eval)(source);
