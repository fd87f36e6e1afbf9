// Attacks: the error's code, with an error that claims to be a limit.
// Expect: js_error
throw Object.assign(new RangeError('cpu time of 50 ms exceeded'), { code: 'cpu_limit_exceeded', kind: 'CpuTime', native: 'memory' });
