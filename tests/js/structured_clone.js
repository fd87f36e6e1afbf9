// The cases of the structured clone tests of the web platform, as far as they need no document.
const failed = [];
const check = (name, is) => { if (!is) failed.push(name) };
const throws = (name, make, kind = 'DataCloneError') => {
    try { make(); failed.push(`${name}: nothing was thrown`) }
    catch (error) { if (error.name !== kind) failed.push(`${name}: ${error.name}: ${error.message}`) }
};
const sameValue = (name, value) => check(name, Object.is(structuredClone(value), value));

// Primitives, and primitives in boxes.
for (const value of [undefined, null, true, false, '', 'this is a sample string', '\ud800', '\udc00', '\uffff', 0.2, 0, -0, NaN, Infinity, -Infinity, 9007199254740992, -9007199254740994, 0n, -0n, -9007199254740994n, -9007199254740994n * 9007199254740994n])
    sameValue(`primitive ${String(value)}`, value);
for (const value of [true, false, '', 'text', '\ud800', 0, -0, NaN, Infinity, 9007199254740994, -9007199254740994n]) {
    const clone = structuredClone(Object(value));
    check(`boxed ${String(value)}`, typeof clone === 'object' && Object.getPrototypeOf(clone) === Object(value).constructor.prototype && Object.is(clone.valueOf(), value));
}
const many = structuredClone([undefined, null, true, 'x', 0.2, -0, 1n]), named = structuredClone({ u: undefined, n: null, z: -0 });
check('an array of primitives', many.length === 7 && 0 in many && many[0] === undefined && Object.is(many[5], -0));
check('an object of primitives', 'u' in named && named.n === null && Object.is(named.z, -0));

// Dates and expressions.
for (const time of [0, -8.64e15, 8.64e15, NaN]) check(`date ${time}`, Object.is(structuredClone(new Date(time)).getTime(), time));
for (const expression of [/foo/, /foo/gim, new RegExp('\\u0020'), new RegExp('/'), new RegExp('\\/'), new RegExp('\n'), new RegExp('\\n'), new RegExp('')]) {
    expression.lastIndex = 2;
    const clone = structuredClone(expression);
    check(`expression ${expression}`, clone.source === expression.source && clone.flags === expression.flags && clone.lastIndex === 0);
}

// Errors have a name of their language, a message of their own, and nothing else.
for (const error of [new Error(), new Error(''), new Error('m'), new EvalError('m'), new RangeError('m'), new ReferenceError('m'), new SyntaxError('m'), new TypeError('m'), new URIError('m')]) {
    error.foo = 'bar';
    const clone = structuredClone(error);
    check(`error ${error}`, Object.getPrototypeOf(clone) === Object.getPrototypeOf(error) && clone.name === error.name && Object.hasOwn(clone, 'message') === Object.hasOwn(error, 'message') && clone.message === error.message && clone.foo === undefined);
    check(`stack of ${error}`, clone.stack === error.stack && Object.keys(clone).length === 0);
}
const renamed = new TypeError('m'); renamed.name = 'Unknown';
check('an unknown name', structuredClone(renamed).constructor === Error && structuredClone(renamed).name === 'Error');
const inherited = Object.create(null, {}), noMessage = Object.defineProperty(new Error('m'), 'message', { get() { throw new Error('asked') } });
check('a message with a getter', !Object.hasOwn(structuredClone(noMessage), 'message'));
check('a cause', structuredClone(new Error('m', { cause: 1n })).cause === 1n);

// Arrays and objects.
const sparse = structuredClone(new Array(10)), odd = structuredClone(Object.assign([1], { foo: 'bar' }));
check('an array of holes', sparse.length === 10 && !(0 in sparse));
check('an array with names', odd.foo === 'bar' && odd.length === 1);
const frozen = structuredClone(Object.freeze({ a: Object.freeze([1]) }));
frozen.a.push(2);
check('nothing stays frozen', frozen.a.length === 2 && Object.isExtensible(frozen));
class Point { constructor() { this.x = 1 } get y() { return 2 } }
const point = structuredClone(new Point());
check('no class stays', Object.getPrototypeOf(point) === Object.prototype && point.x === 1 && !('y' in point));
check('no prototype', Object.getPrototypeOf(structuredClone(Object.create(null))) === Object.prototype);
check('inherited names', !('p' in structuredClone(Object.create({ p: 1 }))));
const hidden = Object.defineProperty({ seen: 1 }, 'hidden', { value: 2 });
check('hidden names', !('hidden' in structuredClone(hidden)));
check('getters become values', Object.getOwnPropertyDescriptor(structuredClone({ get a() { return 1 } }), 'a').value === 1);
check('symbols are left out', Object.getOwnPropertySymbols(structuredClone({ [Symbol('s')]: 1 })).length === 0);
throws('a getter that throws', () => structuredClone({ get a() { throw new RangeError('mine') } }), 'RangeError');
const vanishing = { get a() { delete this.b; return 1 }, b: 2 };
check('a member that vanishes', !('b' in structuredClone(vanishing)));
const order = [];
structuredClone({ get b() { order.push('b') }, get 1() { order.push('1') }, get a() { order.push('a') } });
check('the order of getters', order.join() === '1,b,a');
check('__proto__ is a name', Object.hasOwn(structuredClone(JSON.parse('{"__proto__":1}')), '__proto__'));
const noJson = structuredClone({ toJSON: 1, a: 2 });
check('toJSON is a name', noJson.toJSON === 1);
throws('a toJSON is a function', () => structuredClone({ toJSON() { return 1 } }));

// Identity.
const shared = {}, twice = structuredClone([shared, shared]), own = [];
own.push(own, { own });
const ownClone = structuredClone(own);
check('what is shared stays shared', twice[0] === twice[1]);
check('cycles', ownClone[0] === ownClone && ownClone[1].own === ownClone && ownClone !== own);
const map = new Map(); map.set(map, map);
const mapClone = structuredClone(map);
check('a map in itself', mapClone.get(mapClone) === mapClone && mapClone.size === 1);
const setOf = new Set(); setOf.add(setOf);
check('a set in itself', [...structuredClone(setOf)].length === 1);
check('entries', JSON.stringify([...structuredClone(new Map([[1, { a: [2] }], ['k', new Set([3])]]))]) === '[[1,{"a":[2]}],["k",{}]]');

// Buffers.
const bytes = new Uint8Array([1, 2, 3, 4]), views = structuredClone([bytes, new DataView(bytes.buffer, 1, 2), bytes.buffer]);
check('one buffer', views[0].buffer === views[2] && views[1].buffer === views[2] && views[1].byteOffset === 1 && views[1].byteLength === 2);
views[0][0] = 9;
check('a buffer of its own', bytes[0] === 1);
for (const View of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array]) {
    const clone = structuredClone(new View(3));
    check(View.name, Object.getPrototypeOf(clone) === View.prototype && clone.length === 3);
}
const resizable = new ArrayBuffer(4, { maxByteLength: 8 }), tracking = new Uint8Array(resizable, 1), fixed = new Uint8Array(resizable, 0, 2);
const [resized, tracks, stays] = structuredClone([resizable, tracking, fixed]);
resized.resize(8);
check('a buffer that grows', resized.maxByteLength === 8 && tracks.length === 7 && stays.length === 2);
resizable.resize(1);
throws('a view out of bounds', () => structuredClone(fixed));
throws('a shared buffer', () => structuredClone(new SharedArrayBuffer(1)));

// Transfer.
const moved = new Uint8Array([5, 6]), movedClone = structuredClone({ moved, also: moved.buffer }, { transfer: [moved.buffer] });
check('transferred', moved.length === 0 && moved.buffer.detached && movedClone.moved[1] === 6 && movedClone.also === movedClone.moved.buffer);
const unused = new ArrayBuffer(3);
structuredClone(1, { transfer: [unused] });
check('transferred and not used', unused.detached);
const growing = new ArrayBuffer(2, { maxByteLength: 4 });
check('a resizable one', structuredClone(growing, { transfer: [growing] }).maxByteLength === 4);
throws('twice', () => { const buffer = new ArrayBuffer(1); structuredClone(1, { transfer: [buffer, buffer] }) });
throws('already detached', () => structuredClone(1, { transfer: [unused] }));
throws('a detached one inside', () => structuredClone([unused]));
throws('a plain object', () => structuredClone(1, { transfer: [{}] }));
throws('a number', () => structuredClone(1, { transfer: [1] }), 'TypeError');
throws('no list', () => structuredClone(1, { transfer: 1 }), 'TypeError');
throws('options that are no object', () => structuredClone(1, 1), 'TypeError');
throws('no value', () => structuredClone(), 'TypeError');
const keptBuffer = new ArrayBuffer(1);
throws('a failure transfers nothing', () => structuredClone(() => 1, { transfer: [keptBuffer] }));
check('a failure leaves the buffer', !keptBuffer.detached);
check('any iterable', structuredClone(1, { transfer: new Set() }) === 1 && structuredClone(2, {}) === 2 && structuredClone(3, null) === 3);
const inGetter = new ArrayBuffer(1);
throws('detached by a getter', () => structuredClone({ get a() { inGetter.transfer(); return 1 } }, { transfer: [inGetter] }));

// What cannot be cloned.
for (const [name, value] of Object.entries({ function: () => 1, class: class {}, symbol: Symbol('s'), boxed: Object(Symbol('s')), promise: Promise.resolve(), weak: new WeakMap(), ref: new WeakRef({}), generator: (function* () {})(), iterator: [].values(), proxy: new Proxy({}, {}), native: new TextDecoder(), inside: [{ f() {} }] }))
    throws(name, () => structuredClone(value));
try { structuredClone({ a: [1, () => 1] }) } catch (error) { console.log(error.name, error.message) }

// The function itself.
const { value, ...how } = Object.getOwnPropertyDescriptor(globalThis, 'structuredClone');
console.log(value.name, value.length, how, 'prototype' in value);
failed;
