// Attacks: the error's code, with the very error that QuickJS throws when memory is out.
// Expect: js_error
throw Object.assign(new InternalError('out of memory'), { native: 'memory', stack: '' });
