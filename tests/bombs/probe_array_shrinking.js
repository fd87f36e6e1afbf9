// Attacks: the engine's memory, with arrays that shrink while natives walk over them.
// Expect: ok
let survived = 0;
for (const attack of [
    a => a.map(() => { a.length = 0; }), a => a.sort(() => { a.length = 1; return 1; }), a => a.splice(0, { valueOf() { a.length = 0; return 9; } }),
    a => a.indexOf(5, { valueOf() { a.length = 0; return 0; } }), a => a.fill(0, { valueOf() { a.length = 0; return 0; } }),
    a => a.concat({ get length() { a.length = 0; return 3; }, [Symbol.isConcatSpreadable]: true }), a => a.flat({ valueOf() { a.length = 0; return 9; } }),
    a => JSON.stringify(a, (key, value) => { a.length = 0; return value; }), a => a.toSpliced(0, { valueOf() { a.length = 0; return 2; } }),
    a => Reflect.apply(Math.max, null, Object.defineProperty(a, '0', { get() { a.length = 0; return 1; } })),
]) { try { attack(Array.from({ length: 1000 }, (_, i) => ({ i }))); } catch {} survived++; }
survived === 10;
