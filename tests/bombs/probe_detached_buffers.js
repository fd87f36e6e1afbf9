// Attacks: the engine's memory, with buffers that shrink and move while natives work on them.
// Expect: ok
let survived = 0;
for (const attack of [
    b => new Uint8Array(b).fill({ valueOf() { b.resize(1); return 7; } }),
    b => new Uint8Array(b).set({ length: 4, get 0() { b.resize(0); return 1; } }, 4),
    b => new Uint8Array(b).sort(() => { b.resize(2); return 1; }),
    b => new Uint8Array(b).slice({ valueOf() { b.transfer(); return 1; } }),
    b => new DataView(b).setFloat64({ valueOf() { b.resize(1); return 0; } }, 1),
    b => new Uint8Array(b).copyWithin(0, { valueOf() { b.resize(3); return 1; } }),
    b => new Uint8Array(b).lastIndexOf(0, { valueOf() { b.resize(0); return 9; } }),
    b => new Uint8Array(b).with(0, { valueOf() { b.resize(0); return 9; } }),
]) { try { attack(new ArrayBuffer(16, { maxByteLength: 64 })); } catch {} survived++; }
survived === 8;
