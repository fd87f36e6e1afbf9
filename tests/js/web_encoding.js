// Encodings that only the decoder has.
const decode = (label, bytes, options) => new TextDecoder(label, options).decode(new Uint8Array(bytes));
console.log(decode("latin1", [0x80, 0xe9, 0x41, 0x9d]).length, decode("ISO-8859-1 ", [0x80, 0xe9]), new TextDecoder("ascii").encoding);
console.log(decode("utf-16", [0xff, 0xfe, 0x41, 0, 0x3d, 0xd8, 0, 0xde]), decode("utf-16be", [0xfe, 0xff, 0, 0x41], { ignoreBOM: true }).length);
const decoder = new TextDecoder("utf-16le");
let text = "";
for (const byte of [0x3d, 0xd8, 0, 0xde, 0x41]) text += decoder.decode(new Uint8Array([byte]), { stream: true });
console.log(text, JSON.stringify(decoder.decode()), JSON.stringify(decode("utf-16le", [0, 0xd8, 0x41])));
for (const wrong of [() => decode("utf-16le", [0], { fatal: true }), () => new TextDecoder("shift_jis")]) {
    try { wrong() } catch (error) { console.log(error.name, error.message) }
}
