// Attacks: the settling of the result, with a thenable that resolves to a thenable for ever.
// Expect: cpu_limit_exceeded
const again = () => ({ then(resolve) { resolve(again()); } });
Promise.resolve(again());
