// Buffers, views on them, and what they share.
const tick = v => host.rpc('tick', v);
const buffer = new ArrayBuffer(16, { maxByteLength: 64 }), bytes = new Uint8Array(buffer), view = new DataView(buffer);
const floats = new Float64Array(buffer, 8, 1), growing = new Uint16Array(buffer);
view.setFloat64(8, Math.PI); bytes.set([1, 2, 3, 255]);
await tick('views are open');
floats[0] *= 2; view.setInt16(0, -2, true);
buffer.resize(32);
await tick('resized');
growing[15] = 65535;
const big = new BigInt64Array([2n ** 62n, -1n]), clamped = Uint8ClampedArray.of(-5, 300, 1.5);
const sub = bytes.subarray(2, 6), copy = bytes.slice(2, 6);
await tick('parts');
sub[0] = 99;
const moved = new Uint8Array([7, 8]).buffer, target = moved.transfer(4);
await tick('detached');
console.log([...bytes.slice(0, 6)], [...copy], floats[0].toFixed(6), view.getUint16(30));
[growing.length, String(big), [...clamped], moved.detached, [...new Uint8Array(target)], bytes.findLast(x => x)];
