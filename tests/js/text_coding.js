// TextEncoder and TextDecoder, as the Encoding Standard has them, for UTF-8.
const hex = bytes => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
const points = text => [...text].map(one => one.codePointAt(0).toString(16)).join(' ')
const error = run => { try { return run() } catch (e) { return e.name } }
const encoder = new TextEncoder(), decoder = new TextDecoder()

console.log('encode', hex(encoder.encode('a\u00e9\u20ac\u{1f600}\0')), encoder.encode().length, encoder.encode(undefined).length)
console.log('encode converts', hex(encoder.encode(null)), hex(encoder.encode(12)), hex(encoder.encode({ toString: () => 'x' })))
console.log('lone surrogates', hex(encoder.encode('\ud800')), hex(encoder.encode('a\udc00b\ud83d\ude00\ud83d')), hex(encoder.encode('\ud7ff\ue000\ud800\ud800')))
const made = encoder.encode('abc')
console.log('made', made instanceof Uint8Array, made.constructor === Uint8Array, made.byteOffset, made.buffer.byteLength)

const into = (text, size) => {
    const target = new Uint8Array(size).fill(1), { read, written } = encoder.encodeInto(text, target)
    return `${read} ${written} ${hex(target)}`
}
for (const size of [0, 1, 2, 3, 4, 5, 9]) console.log('into', size, '|', into('\u00e9\u20aca', size), '|', into('\u{1f600}b', size), '|', into('\ud800b', size))
const view = new Uint8Array(8)
console.log('into a part', JSON.stringify(encoder.encodeInto('wxyz', view.subarray(2, 5))), hex(view))
console.log('into', error(() => encoder.encodeInto('a', new Uint8ClampedArray(1))), error(() => encoder.encodeInto('a', new Int8Array(1))), error(() => encoder.encodeInto('a', new ArrayBuffer(1))), error(() => encoder.encodeInto('a')), error(() => encoder.encodeInto()))
console.log('into a shared one', JSON.stringify(encoder.encodeInto('ab', new Uint8Array(new SharedArrayBuffer(2)))))

const bytes = (...all) => new Uint8Array(all)
console.log('decode', JSON.stringify(decoder.decode(encoder.encode('a\u00e9\u20ac\u{1f600}\0'))), JSON.stringify(decoder.decode()), JSON.stringify(decoder.decode(undefined)), JSON.stringify(decoder.decode(new ArrayBuffer(2))))
const part = encoder.encode('0123456789')
for (const of of [part.buffer, part, part.subarray(2, 4), new DataView(part.buffer, 3, 2), new Uint16Array(part.buffer, 4, 2), new DataView(part.buffer, 8)])
    console.log('of', of.constructor.name, decoder.decode(of))
const shared = new Uint8Array(new SharedArrayBuffer(2))
shared.set([104, 105])
console.log('of a shared one', decoder.decode(shared), decoder.decode(shared.buffer))
for (const wrong of [null, 1, 'text', {}, [104], true, Symbol()]) console.log('of', typeof wrong, error(() => decoder.decode(wrong)))
const moved = encoder.encode('moved')
moved.buffer.transfer()
console.log('of what has moved', JSON.stringify(decoder.decode(moved)), JSON.stringify(decoder.decode(moved.buffer)))

const wrong = [
    [0xff], [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x9f, 0x98], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80], [0xf0, 0x9f, 0x41], [0x61, 0xf0, 0x9f, 0x98, 0x62], [0xfe, 0xff], [0xef, 0xbf, 0xbe], [0xe2, 0x82, 0xe2, 0x82, 0xac],
]
const strict = new TextDecoder('utf-8', { fatal: true })
for (const all of wrong) console.log('wrong', hex(all), '|', points(decoder.decode(bytes(...all))), '|', error(() => points(strict.decode(bytes(...all)))))
console.log('fatal', strict.decode(encoder.encode('right')), strict.fatal, decoder.fatal)

const mark = [0xef, 0xbb, 0xbf], keeps = new TextDecoder('utf-8', { ignoreBOM: true })
console.log('mark', points(decoder.decode(bytes(...mark, 0x61))), '|', points(keeps.decode(bytes(...mark, 0x61))), '|', points(decoder.decode(bytes(...mark, ...mark))), '|', points(decoder.decode(bytes(0x61, ...mark))), '|', points(decoder.decode(bytes(...mark))), '|', points(decoder.decode(bytes(0xef, 0xbb))), keeps.ignoreBOM, decoder.ignoreBOM)

const streamed = (decoder, ...parts) => {
    const out = parts.map((part, index) => points(decoder.decode(bytes(...part), { stream: index < parts.length - 1 })))
    return out.join(' , ')
}
const emoji = [0xf0, 0x9f, 0x98, 0x80]
for (let first = 0; first <= 4; first++) for (let second = first; second <= 4; second++)
    console.log('stream', first, second, streamed(decoder, [0x61, ...emoji.slice(0, first)], emoji.slice(first, second), [...emoji.slice(second), 0x62]))
console.log('stream', streamed(decoder, ...emoji.map(byte => [byte]), []))
console.log('stream that is cut off', streamed(decoder, [0xf0, 0x9f], [0x98]), '|', streamed(decoder, [0xf0], []), '|', streamed(decoder, [0xf0, 0x9f], [0x61]), '|', streamed(decoder, [0xe2], [0xe2, 0x82], [0xac]))
for (let at = 0; at <= 3; at++) console.log('stream with a mark', at, streamed(decoder, mark.slice(0, at), [...mark.slice(at), 0x61], mark), '|', streamed(keeps, mark.slice(0, at), mark.slice(at)))
console.log('stream, then not', streamed(decoder, [0xf0, 0x9f], []), '|', points(decoder.decode(bytes(...mark, 0x62))))
console.log('stream, fatal', streamed(strict, [0xf0, 0x9f], [0x98, 0x80]), '|', error(() => streamed(strict, [0xf0, 0x9f], [])), '|', strict.decode(bytes(0x61)), '|', error(() => streamed(strict, [0xff], [0x61])))
console.log('last call flushes', points(decoder.decode(bytes(0xe2), { stream: true })), '|', points(decoder.decode()), '|', points(decoder.decode()))

for (const label of ['utf-8', 'UTF-8', 'utf8', ' Utf8\n\t', 'unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'x-unicode20utf8', undefined]) console.log('label', JSON.stringify(label), new TextDecoder(label).encoding)
for (const label of ['', 'utf-7', 'utf\u20138', 'utf-8\0', '\u00a0utf-8', null, {}]) console.log('label', JSON.stringify(label), error(() => new TextDecoder(label).encoding))
console.log('options', error(() => new TextDecoder('utf-8', 1)), error(() => new TextDecoder('utf-8', null).fatal), error(() => new TextDecoder('utf-8', { fatal: 1, ignoreBOM: '' }).fatal), error(() => decoder.decode(bytes(), 1)), error(() => decoder.decode(bytes(), null)))
const order = []
new TextDecoder({ toString: () => { order.push('label'); return 'utf-8' } }, { get ignoreBOM() { order.push('ignoreBOM') }, get fatal() { order.push('fatal') } })
decoder.decode(bytes(), { get stream() { order.push('stream') } })
console.log('order', order.join(' '))

for (const of of [TextEncoder, TextDecoder]) {
    console.log(of.name, of.length, typeof of, error(() => of()), String(new of), JSON.stringify(new of), Object.keys(of.prototype).sort().join(' '))
    for (const [key, { value, get, set, writable, enumerable, configurable }] of Object.entries(Object.getOwnPropertyDescriptors(of.prototype)))
        console.log(key, value === undefined ? [get.name, get.length, typeof set] : [value.name, value.length], writable, enumerable, configurable)
    const global = Object.getOwnPropertyDescriptor(globalThis, of.name), prototype = Object.getOwnPropertyDescriptor(of, 'prototype')
    console.log(global.writable, global.enumerable, global.configurable, prototype.writable, prototype.enumerable, prototype.configurable)
}
console.log('of another class', error(() => encoder.encode.call(decoder, 'a')), error(() => decoder.decode.call(encoder)), error(() => TextDecoder.prototype.fatal), error(() => encoder.encode.call({}, 'a')), error(() => Object.getOwnPropertyDescriptor(TextEncoder.prototype, 'encoding').get.call(1)))
class Mine extends TextDecoder { decode(...all) { return `<${super.decode(...all)}>` } }
const mine = new Mine('utf8', { fatal: true })
console.log('subclass', mine.decode(bytes(0x61)), mine.fatal, mine instanceof Mine, mine instanceof TextDecoder)
function Bare() {}
Bare.prototype = null
console.log('reflect', Reflect.construct(TextDecoder, [], Bare) instanceof TextDecoder, Reflect.construct(TextEncoder, [], Map) instanceof Map)

const long = '\u20acuro and \u{1f600} '.repeat(20000), coded = encoder.encode(long)
console.log('long', coded.length, decoder.decode(coded) === long, into(long, 3))
let text = ''
for (let at = 0; at < coded.length; at += 997) text += decoder.decode(coded.subarray(at, at + 997), { stream: true })
text + decoder.decode() === long
