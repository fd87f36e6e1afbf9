// Atomics on every kind of integer, as one thread sees them: wrap-around, BigInt, bounds, what is refused, and waiting for nobody.
const kinds = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
for (const Kind of kinds) {
    const of = Kind.name.startsWith("Big") ? BigInt : Number;
    const array = new Kind(new SharedArrayBuffer(16), 8, 1);
    const seen = [Atomics.store(array, 0, of(-3)), Atomics.load(array, 0), Atomics.add(array, 0, of(5)), Atomics.sub(array, 0, of(4))];
    seen.push(Atomics.or(array, 0, of(6)), Atomics.and(array, 0, of(12)), Atomics.xor(array, 0, of(255)), Atomics.exchange(array, 0, of(7)));
    seen.push(Atomics.compareExchange(array, 0, of(8), of(1)), Atomics.compareExchange(array, 0, of(7), of(9)), array[0]);
    console.log(Kind.name, ...seen);
}
const bytes = new Uint8Array(2), wide = new BigInt64Array(1);
console.log(Atomics.store(bytes, 1, 258.9), bytes[1], Atomics.compareExchange(bytes, 1, 514, -1), bytes[1], Object.is(Atomics.store(bytes, 1, -0), 0));
console.log(Atomics.store(wide, 0, 2n ** 70n + 1n), wide[0], Atomics.store(wide, 0, "12"), Atomics.store(wide, 0, { valueOf: () => true }), wide[0]);
const refused = (what, f) => { try { console.log(what, f()); } catch (e) { console.log(what, e.name, e.message); } };
refused("floats", () => Atomics.load(new Float64Array(1), 0));
refused("clamped", () => Atomics.load(new Uint8ClampedArray(1), 0));
refused("array", () => Atomics.add([1], 0, 1));
refused("view", () => Atomics.load(new DataView(new ArrayBuffer(8)), 0));
refused("proxy", () => Atomics.load(new Proxy(bytes, {}), 0));
for (const index of [-1, 2, 2 ** 31, 2 ** 40, 2 ** 53, "1", 1.9, NaN, undefined, 1n]) refused(`index ${String(index)}`, () => Atomics.load(bytes, index));
refused("number for BigInt", () => Atomics.store(wide, 0, 1));
refused("BigInt for number", () => Atomics.store(bytes, 0, 1n));
refused("detached", () => { const gone = new Int8Array(1); gone.buffer.transfer(); return Atomics.load(gone, { valueOf() { throw 1; } }); });
refused("detached meanwhile", () => { const going = new Int8Array(1); return Atomics.add(going, 0, { valueOf: () => (going.buffer.transfer(), 1) }); });
refused("shrunk meanwhile", () => {
    const shrinking = new Int8Array(new ArrayBuffer(2, { maxByteLength: 2 }));
    return Atomics.exchange(shrinking, 1, { valueOf: () => (shrinking.buffer.resize(1), 1) });
});
refused("immutable", () => Atomics.store(new Int8Array(new ArrayBuffer(1).transferToImmutable()), 0, 1));
const shared = new Int32Array(new SharedArrayBuffer(8));
refused("wait", () => Atomics.wait(shared, 0, 0, 10));
refused("wait, unequal", () => Atomics.wait(shared, 0, 1));
refused("wait, not shared", () => Atomics.wait(new Int32Array(1), 0, 0));
refused("wait, not waitable", () => Atomics.wait(new Uint32Array(shared.buffer), 0, 0));
refused("notify", () => [Atomics.notify(shared, 1), Atomics.notify(new BigInt64Array(1), 0, -5)]);
refused("pause", () => [Atomics.pause(), Atomics.pause(undefined), Atomics.pause(3), Atomics.pause(-1e300)]);
for (const hint of [0.5, NaN, Infinity, null, "1", 1n]) refused(`pause ${String(hint)}`, () => Atomics.pause(hint));
console.log([1, 2, 3, 4, 8, 8.5, 16, "4", NaN, -1, undefined].map(Atomics.isLockFree));
console.log(Object.prototype.toString.call(Atomics), Reflect.ownKeys(Atomics), Object.keys(Atomics), typeof Atomics.waitAsync);
refused("called", () => Atomics());
refused("constructed", () => new Atomics.add(bytes, 0, 1));

// What it uses of the language is not what a script leaves of it.
const { load, add, store } = Atomics, own = new BigInt64Array(new SharedArrayBuffer(8));
const mine = () => { throw new Error("mine"); };
for (const key of ["buffer", "length", "byteLength"]) {
    Object.defineProperty(Object.getPrototypeOf(Int8Array.prototype), key, { get: mine });
    Object.defineProperty(own, key, { get: mine });
}
Object.defineProperty(SharedArrayBuffer.prototype, "constructor", { get: mine });
BigInt.asIntN = mine;
Object.setPrototypeOf(own, new Proxy({}, { get: mine, set: mine, has: mine }));
delete globalThis.Atomics;
[String(store(own, 0, "5")), String(add(own, 0, 1n)), String(load(own, 0)), typeof Atomics];
