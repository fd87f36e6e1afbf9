//! The guest implements `Atomics` itself, because QuickJS leaves it out on targets without threads. It must behave as
//! in native QuickJS.

use belljar::{Limits, Router};

use crate::native::Native;
use crate::support::{jar, runtime};

/// Formats values for the scripts below.
const NOTE: &str = r"
    const notes = [], note = (...words) => notes.push(words.join(' '));
    const write = value => typeof value === 'bigint' ? value + 'n' : Object.is(value, -0) ? '-0' : String(value);
    const attempt = (what, f) => { try { note(what, write(f())); } catch (e) { note(what, '!', e.name, e.message); } };
    const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
        BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array];
    const names = Reflect.ownKeys(Atomics).filter(name => typeof Atomics[name] === 'function');
";

/// Every function on every kind of array, shared or not, at valid and invalid indexes, with operands of every type.
const OPERATIONS: &str = r"
    const operands = [0, -0, 1, -1, 127, 128, 255, 256, -129, 65535, 2 ** 31, 2 ** 32 - 1, 2 ** 53, -1e300, 1.9, -1.9, NaN, Infinity,
        0n, 1n, -1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n) - 1n, 2n ** 200n, true, null, undefined, '7', '0x10', 'x', '', Symbol.iterator,
        { valueOf: () => 5 }, { valueOf: () => 5n }, { toString: () => '300' }, { valueOf() { throw new EvalError('asked'); } }, []];
    const indexes = [0, 3, 4, -1, 1.5, '2', NaN, undefined, 2 ** 31, 2 ** 32, 2 ** 53, 1n, Symbol.iterator, { valueOf: () => 1 }];
    for (const Kind of kinds) for (const Buffer of [ArrayBuffer, SharedArrayBuffer]) for (const name of names) {
        if (['isLockFree', 'pause'].includes(name)) continue;
        const array = new Kind(new Buffer(40), 8, 4);
        const go = (index, ...rest) => {
            attempt([Kind.name, Buffer.name, name, write(index), ...rest.map(write)], () => Atomics[name](array, index, ...rest));
            note(Array.from(array, write));
        };
        for (const index of indexes) go(index, Kind.name.startsWith('Big') ? 1n : 1);
        for (const operand of operands) {
            go(1, operand);
            if (name === 'compareExchange') go(1, array[1], operand), go(1, operand, operand), go(1, operand, array[1]);
            if (name === 'wait') go(1, array[1], operand);
        }
    }
    for (const operand of operands) for (const name of ['isLockFree', 'pause'])
        attempt([name, write(operand)], () => Atomics[name](operand));
    for (const size of [1, 2, 3, 4, 5, 8, 16, 4.9, -8, 2 ** 32 + 4]) attempt(size, () => Atomics.isLockFree(size));
";

/// The order in which arguments are converted, and what a script can change in between.
const ORDER: &str = r"
    const make = {
        fixed: () => new ArrayBuffer(16),
        resizable: () => new ArrayBuffer(16, { maxByteLength: 32 }),
        shared: () => new SharedArrayBuffer(16),
        detached: () => new ArrayBuffer(16),
    };
    const deeds = {
        nothing() {}, detach: buffer => buffer.transfer?.(), shrink: buffer => buffer.resize?.(4), grow: buffer => buffer.resize?.(32),
        empty: buffer => buffer.resize?.(0), fail() { throw new EvalError('failed'); },
    };
    for (const Kind of kinds) for (const kind in make) for (const name of names) for (const deed in deeds) for (let when = 0; when < 4; when++) {
        const tracking = when % 2 && kind === 'resizable', buffer = make[kind]();
        const array = tracking ? new Kind(buffer) : new Kind(buffer, 0, 16 / Kind.BYTES_PER_ELEMENT);
        if (kind === 'detached') buffer.transfer();
        if (when === 3) try { deeds[deed](buffer); } catch {}
        const order = [], value = Kind.name.startsWith('Big') ? 1n : 1;
        const asked = (at, what) => ({ valueOf() { order.push(at); if (when === at) deeds[deed](buffer); return what; } });
        attempt([Kind.name, kind, name, deed, when], () => Atomics[name](array, asked(0, 1), asked(1, value), asked(2, value)));
        note(order, array.length, Array.from({ length: array.length }, (_, at) => write(array[at])));
    }
    for (const array of [undefined, null, 1, 'x', {}, [], new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), new Proxy(new Int32Array(1), {}),
        Object.create(new Int32Array(1)), () => 1]) for (const name of names)
        attempt(name, () => Atomics[name](array, { valueOf() { note('index'); return 0; } }, { valueOf() { note('value'); return 0; } }));
    for (const name of names) attempt([name, 'nothing'], () => Atomics[name]());
";

/// The properties of the object and its functions.
const SHAPE: &str = r"
    const describe = (what, object, key) => {
        const { value, ...rest } = Object.getOwnPropertyDescriptor(object, key);
        note(what, String(key), typeof value, typeof value === 'function' || typeof value === 'object' ? '' : value, JSON.stringify(rest));
    };
    describe('global', globalThis, 'Atomics');
    for (const key of Reflect.ownKeys(Atomics)) {
        describe('Atomics', Atomics, key);
        const own = Atomics[key];
        if (typeof own !== 'function') continue;
        for (const inner of Reflect.ownKeys(own)) describe(key, own, inner);
        note(key, String(own), Object.getPrototypeOf(own) === Function.prototype, Object.isExtensible(own), 'prototype' in own);
        attempt(key, () => new own());
        attempt(key, () => Reflect.construct(Object, [], own));
    }
    note(Object.getPrototypeOf(Atomics) === Object.prototype, Object.isExtensible(Atomics), String(Atomics), Object.keys(Atomics).length);
";

/// Compares line by line, and returns the number of lines.
fn assert_as_native(script: &str) -> usize {
    let script = format!("(() => {{ {NOTE}\n{script}\nreturn notes.join('\\n'); }})()");
    let expected = Native::new().eval(&script).unwrap();
    let limits = Limits { cpu_time: std::time::Duration::from_secs(120), ..Limits::default() };
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    let found: String = jar.eval(script.as_str()).unwrap().get().unwrap();
    for (line, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
        assert_eq!(expected, found, "line {line}");
    }
    assert_eq!(expected.lines().count(), found.lines().count());
    expected.lines().count()
}

#[test]
fn every_operation_on_every_array_is_that_of_native_quickjs() {
    assert!(assert_as_native(OPERATIONS) > 10_000);
}

#[test]
fn checks_come_in_the_order_of_native_quickjs_whatever_a_script_does_between_them() {
    assert!(assert_as_native(ORDER) > 5_000);
}

#[test]
fn the_object_and_its_functions_look_as_in_native_quickjs() {
    assert!(assert_as_native(SHAPE) > 40);
}

#[test]
fn an_immutable_buffer_is_not_written_to() {
    let script = "const array = new Uint8Array(Uint8Array.of(1, 2).buffer.transferToImmutable());
        const attempt = f => { try { f(); } catch (error) { return String(error); } };
        [attempt(() => Atomics.add(array, 0, 1)), attempt(() => Atomics.store(array, 1, 9)), Atomics.load(array, 0), ...array]";
    let found: serde_json::Value = jar().eval(script).unwrap().get().unwrap();
    let refused = "TypeError: ArrayBuffer is immutable";
    assert_eq!(found, serde_json::json!([refused, refused, 1, 1, 2]));
}

#[test]
fn shared_memory_survives_a_snapshot() {
    let mut jar = jar();
    jar.eval("var cell = new BigInt64Array(new SharedArrayBuffer(8)); Atomics.store(cell, 0, 2n ** 62n); 0").unwrap();
    let snapshot = jar.snapshot().unwrap();
    let mut twin = runtime().restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
    for jar in [&mut jar, &mut twin] {
        let old: String = jar.eval("String(Atomics.add(cell, 0, 1n))").unwrap().get().unwrap();
        assert_eq!(old, (1_u64 << 62).to_string());
    }
}
