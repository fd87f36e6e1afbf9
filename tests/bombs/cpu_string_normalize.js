// Attacks: the CPU, inside Unicode normalization and case mapping.
// Expect: cpu_limit_exceeded
const accents = 'a' + '\u0315\u0300\u05ae\u0300\u0062'.repeat(40000);
for (;;) accents.normalize('NFKD').normalize('NFC').toUpperCase().toLowerCase();
