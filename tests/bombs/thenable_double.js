// Attacks: the settling of the result, with a thenable that resolves, rejects and throws.
// Expect: ok
const twice = { then(resolve, reject) { resolve(true); reject(new Error('late')); resolve(false); throw new Error('later'); } };
Promise.resolve(twice);
