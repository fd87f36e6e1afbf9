// Attacks: the CPU, with a chain of iterator helpers over an iterator that never ends.
// Expect: cpu_limit_exceeded
Iterator.from({ next: () => ({ done: false }) }).filter(() => false).map(x => x).flatMap(x => [x]).drop(1).toArray();
