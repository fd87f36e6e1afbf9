// Views on one buffer, endianness, clamping, copying, resizing, half floats.
const buffer = new ArrayBuffer(8);
const view = new DataView(buffer);
view.setUint16(0, 0x1234);
view.setFloat32(4, 1.5, true);
console.log([...new Uint8Array(buffer)], view.getUint16(0, true), view.getFloat32(4, true));
console.log([...new Uint8ClampedArray([300, -5, 1.5])], [...new Int8Array([200])], [...Uint16Array.from("123", Number)]);
const numbers = Float64Array.of(3, 1, 2);
console.log([...numbers.toSorted()], [...numbers.with(0, 9)], numbers.at(-1), numbers.findLast((n) => n > 1), [...numbers.subarray(1)]);
const copy = numbers.slice();
copy.set([7], 1);
console.log([...numbers], [...copy], numbers.buffer === copy.buffer);
const resizable = new ArrayBuffer(2, { maxByteLength: 4 });
const tracking = new Uint8Array(resizable);
resizable.resize(4);
const moved = resizable.transfer();
console.log(tracking.length, resizable.detached, moved.byteLength, new Float16Array([1.1])[0]);
try { new Uint32Array(buffer, 1); } catch (e) { console.log(e.name); }
[numbers.join(), Object.prototype.toString.call(numbers), ArrayBuffer.isView(view)];
