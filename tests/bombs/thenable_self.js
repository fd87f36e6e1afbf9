// Attacks: the settling of the result, with a promise that is resolved with itself.
// Expect: js_error TypeError
let resolve;
const self = new Promise(r => { resolve = r; });
resolve(self);
self;
