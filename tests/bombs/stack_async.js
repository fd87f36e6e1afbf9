// Attacks: the stack, with promises resolved by promises, many levels deep.
// Expect: ok
let last = Promise.resolve(1);
for (let i = 0; i < 2000; i++) { const before = last; last = { then: resolve => resolve(before) }; last = Promise.resolve(last); }
last.then(value => value === 1);
