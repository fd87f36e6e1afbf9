// Attacks: the log, with one line that is too long.
// Expect: console_limit_exceeded | message_too_large
console.log('x'.repeat(1 << 20), 'y'.repeat(1 << 20));
