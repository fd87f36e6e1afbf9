// Attacks: the error's code, with an imitation of what unwinds a stopped call.
// Expect: js_error
throw Object.assign(new InternalError('interrupted'), { uncatchable: true, [Symbol.toStringTag]: 'Interrupt' });
