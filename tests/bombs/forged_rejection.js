// Attacks: the error's code, with a rejection that looks like a cancelled call.
// Expect: js_error
Promise.reject(Object.assign(new Error('cancelled'), { code: 'cancelled' }));
