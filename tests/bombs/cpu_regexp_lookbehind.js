// Attacks: the CPU, with lookbehind, back references and nested quantifiers over a long text.
// Expect: cpu_limit_exceeded
/(?<=^(x+x+)+)z/.exec('y' + 'x'.repeat(5000) + 'z');
