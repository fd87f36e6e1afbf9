//! Values that JSON has no form for, on their way out of scripts and into them.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use belljar::js::{BigInt, Bytes, Date, Map, Set};
use belljar::{Answer, Call, Error, Limits, Recording, Reply, Router, Snapshot, Turn, Value};
use serde::{Deserialize, Serialize};

use crate::support::{assert_usable, block_on, jar, jar_with_router, runtime};

fn value_of(script: &str) -> Value {
    jar().eval(script).unwrap()
}

/// Every kind of value, as an expression.
const KINDS: [&str; 33] = [
    "undefined",
    "[undefined, null]",
    "({ a: undefined })",
    "NaN",
    "-Infinity",
    "-0",
    "[-0, 0, 1.5, 2147483648, 1e300]",
    "10n",
    "[-(2n ** 200n), 0n]",
    "new Date(1e12)",
    "new Date(NaN)",
    "/a+\\/b/giu",
    "new RegExp('')",
    "new Map([[1, 'a'], ['b', { c: new Map }], [null, undefined], [{ k: 1 }, 2n]])",
    "new Set([1, 'a', NaN, new Set])",
    "new Uint8Array([1, 2, 255]).buffer",
    "new Uint8Array([1, 2, 3]).subarray(1)",
    "new Float64Array([1.5, NaN, -0])",
    "new BigInt64Array([-1n, 2n ** 62n])",
    "new Float16Array([1.5])",
    "new DataView(new ArrayBuffer(8), 2, 4)",
    "new Uint8Array(new ArrayBuffer(4, { maxByteLength: 16 }))",
    "new TypeError('wrong', { cause: [1n] })",
    "Object.assign(new RangeError('far'), { code: 'E_FAR', at: new Date(0) })",
    "new AggregateError([new Error('one'), 2], 'many')",
    "[Object(1), Object('s'), Object(false), Object(7n)]",
    "[1, , 3, , ]",
    "Object.assign([1, 2], { name: 'list' })",
    "'half \\ud800 of a pair'",
    "({ '\\udfff': 1, '': 2, __proto__: null, ['__proto__']: { x: 1 } })",
    "(() => { const own = { list: [] }; own.own = own; own.list.push(own, own.list); return own })()",
    "(() => { const shared = {}; return [shared, { shared }, new Map([[shared, shared]])] })()",
    "(() => { const buffer = new ArrayBuffer(4); return [new Uint8Array(buffer), new Uint16Array(buffer, 2), buffer] })()",
];

/// Compares two values deeply, with the objects that they share: `same(a, b)` is a text that says where they differ.
const SAME: &str = r#"
globalThis.same = (() => {
    const classOf = value => Object.prototype.toString.call(value);
    return function same(one, other, path = 'value', seen = new Map(), back = new Map()) {
        if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null)
            return Object.is(one, other) ? '' : `${path}: ${String(one)} is not ${String(other)}`;
        if (seen.has(one) || back.has(other))
            return seen.get(one) === other && back.get(other) === one ? '' : `${path}: what is shared differs`;
        seen.set(one, other); back.set(other, one);
        if (classOf(one) !== classOf(other)) return `${path}: ${classOf(one)} is not ${classOf(other)}`;
        const inner = (a, b, step) => same(a, b, path + step, seen, back);
        if (one instanceof Date) return Object.is(one.getTime(), other.getTime()) ? '' : `${path}: times differ`;
        if (one instanceof RegExp) return String(one) === String(other) ? '' : `${path}: expressions differ`;
        if (one instanceof Number || one instanceof String || one instanceof Boolean || one instanceof BigInt)
            return inner(one.valueOf(), other.valueOf(), '.valueOf()');
        if (one instanceof Map || one instanceof Set) return inner([...one], [...other], '.entries');
        if (one instanceof ArrayBuffer) {
            if (one.byteLength !== other.byteLength || one.resizable !== other.resizable || one.maxByteLength !== other.maxByteLength)
                return `${path}: sizes differ`;
            return inner([...new Uint8Array(one)], [...new Uint8Array(other)], '.bytes');
        }
        if (ArrayBuffer.isView(one)) {
            if (one.byteOffset !== other.byteOffset || one.byteLength !== other.byteLength) return `${path}: windows differ`;
            return inner(one.buffer, other.buffer, '.buffer');
        }
        if (one instanceof Error) {
            if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return `${path}: prototypes differ`;
            for (const name of ['message', 'cause'])
                if (Object.hasOwn(one, name) !== Object.hasOwn(other, name)) return `${path}: only one has ${name}`;
            return inner(one.message, other.message, '.message') || inner(one.stack, other.stack, '.stack') || inner(one.cause, other.cause, '.cause');
        }
        const names = Object.keys(one);
        if (names.join('\0') !== Object.keys(other).join('\0') || one.length !== other.length && Array.isArray(one)) return `${path}: names differ`;
        for (const name of names) {
            const why = inner(one[name], other[name], `.${name}`);
            if (why) return why;
        }
        return '';
    };
})();
0"#;

fn echo() -> Router {
    Router::new().handle("echo", |_: &Call, value: Value| Ok(value)).handle_async(
        "later",
        |_: Call, value: Value| async {
            tokio::task::yield_now().await;
            Ok(value)
        },
    )
}

#[test]
fn every_kind_of_value_comes_back_as_it_left() {
    for kind in KINDS {
        let mut jar = jar_with_router(&echo());
        jar.eval(SAME).unwrap();
        let script = format!("const value = {kind}; same(value, host.rpcSync('echo', value))");
        assert_eq!(jar.eval(script.as_str()).unwrap().as_str(), r#""""#, "{kind}");
        let script = "same(value, await host.rpc('later', value))";
        assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#""""#, "{kind}");
        // Out as a result, in as the parameter of an event, out as the result of its handler.
        let value = jar.eval("value").unwrap();
        jar.eval("host.on('same', again => same(value, again)); host.on('echo', again => again)").unwrap();
        assert_eq!(jar.dispatch("same", &value).unwrap().as_str(), r#""""#, "{kind}: {value}");
        assert_eq!(jar.dispatch("echo", &value).unwrap(), value, "{kind}");
        assert_eq!(block_on(jar.dispatch_async("echo", &value)).unwrap(), value, "{kind}");
        // Read as a `Value` inside another, and written inside another.
        let nested = jar.dispatch("echo", &(1, &value, [&value, &value])).unwrap();
        let (_, again, _): (u8, Value, Value) = nested.get().unwrap();
        assert_eq!(again, value, "{kind}: {nested}");
    }
}

#[test]
fn programs_and_awaited_results_give_the_same_values() {
    // The stack of an error says how it was called.
    for kind in KINDS.into_iter().filter(|kind| !kind.contains("Error")) {
        let value = value_of(&format!("({kind})"));
        assert_eq!(block_on(jar().eval_async(&format!("await ({kind})"))).unwrap(), value, "{kind}");
        let program = runtime().compile(format!("({kind})").as_str()).unwrap();
        assert_eq!(jar().run(&program).unwrap(), value, "{kind}");
    }
}

#[test]
fn a_round_trip_is_a_structured_clone() {
    let mut jar = jar_with_router(&echo());
    jar.eval(SAME).unwrap();
    let script = r#"
        let state = 5;
        const next = n => { state = Math.imul(state, 1664525) + 1013904223 | 0; return (state >>> 8) % n };
        let made = [];
        const name = () => ['a', 'b', 'c', '7', '', '\ud83d', 'toJSON', 'length'][next(8)];
        const primitive = () => [undefined, null, true, next(1000) - 500, next(1e6) / 7, -0, NaN, Infinity, `text ${next(100)}`, 'é\ud800', BigInt(next(1e6)) ** BigInt(next(9)), ''][next(12)];
        const value = depth => {
            if (made.length && !next(6)) return made[next(made.length)];
            const keep = object => { made.push(object); return object };
            const inner = () => value(depth + 1), times = () => depth > 5 ? 0 : next(5);
            switch (next(depth > 6 ? 3 : 16)) {
                case 0: case 1: case 2: return primitive();
                case 3: return keep(new Date(next(1e9) * 1000));
                case 4: return keep(new RegExp(['a', '[b]', '(c)+'][next(3)], ['', 'g', 'iu'][next(3)]));
                case 5: { const map = keep(new Map); for (let i = times(); i > 0; i--) map.set(inner(), inner()); return map }
                case 6: { const set = keep(new Set); for (let i = times(); i > 0; i--) set.add(inner()); return set }
                case 7: { const buffer = keep(new ArrayBuffer(next(4) * 8)); if (next(2)) keep(new [Uint8Array, Int16Array, Float64Array, DataView][next(4)](buffer)); return buffer }
                case 8: return keep(new [Uint8Array, Uint8ClampedArray, Float32Array, BigUint64Array][next(4)](next(5)));
                case 9: { const error = keep(new [Error, TypeError, RangeError][next(3)](`m${next(9)}`)); if (next(2)) error.cause = inner(); return error }
                case 10: { const from = primitive(); return from === undefined || from === null ? from : keep(Object(from)) }
                case 11: { const list = keep([]); list.length = next(9); for (let i = times(); i > 0; i--) list[next(12)] = inner(); return list }
                case 12: case 13: { const list = keep([]); for (let i = times(); i > 0; i--) list.push(inner()); return list }
                default: { const object = keep({}); for (let i = times(); i > 0; i--) object[name()] = inner(); return object }
            }
        };
        const bad = [];
        for (let round = 0; round < 1500; round++) {
            made = [];
            const original = value(0);
            const clone = structuredClone(original), back = host.rpcSync('echo', original);
            const why = same(original, clone) || same(clone, back) || same(clone, structuredClone(back));
            if (why) bad.push(`round ${round}: ${why}`);
        }
        bad.slice(0, 5)"#;
    assert_eq!(jar.eval(script).unwrap().as_str(), "[]");
}

#[test]
fn values_are_read_as_the_types_that_are_asked_for() {
    assert_eq!(value_of("new Date(1.5e12)").get::<u64>().unwrap(), 1_500_000_000_000);
    assert_eq!(value_of("new Date(1.5e12)").get::<f64>().unwrap(), 1.5e12);
    assert_eq!(value_of("new Date(0)").get::<String>().unwrap(), "1970-01-01T00:00:00.000Z");
    assert_eq!(value_of("new Date(0)").get::<Date>().unwrap().to_system_time(), Some(SystemTime::UNIX_EPOCH));
    assert!(value_of("new Date(NaN)").get::<Date>().unwrap().0.is_nan());
    assert_eq!(value_of("5").get::<Date>().unwrap(), Date(5.0));
    assert_eq!(value_of("2n ** 63n").get::<u64>().unwrap(), 1 << 63);
    assert_eq!(value_of("-(2n ** 127n)").get::<i128>().unwrap(), i128::MIN);
    assert_eq!(value_of("2n ** 128n - 1n").get::<u128>().unwrap(), u128::MAX);
    assert_eq!(value_of("2n ** 128n").get::<String>().unwrap(), "340282366920938463463374607431768211456");
    assert_eq!(value_of("7n").get::<u8>().unwrap(), 7);
    assert_eq!(value_of("7").get::<BigInt>().unwrap(), BigInt(7));
    assert_eq!(value_of("/a/g").get::<String>().unwrap(), "/a/g");
    assert!(value_of("NaN").get::<f64>().unwrap().is_nan());
    assert_eq!(value_of("[-0]").get::<(f64,)>().unwrap().0.to_bits(), (-0.0_f64).to_bits());
    assert_eq!(value_of("-0").get::<i32>().unwrap(), 0);
    assert_eq!(value_of("new Uint8Array([1, 2])").get::<Bytes>().unwrap(), Bytes(vec![1, 2]));
    assert_eq!(value_of("new Uint8Array([1, 2]).buffer").get::<Vec<u8>>().unwrap(), [1, 2]);
    assert_eq!(value_of("new Uint8Array([1, 2, 3]).subarray(1)").get::<Bytes>().unwrap().0, [2, 3]);
    assert_eq!(value_of("new Int16Array([-1, 2])").get::<Vec<i32>>().unwrap(), [-1, 2]);
    assert_eq!(value_of("new Int16Array([-1])").get::<Bytes>().unwrap().0, [255, 255]);
    assert_eq!(value_of("new Float32Array([0.5])").get::<Vec<f64>>().unwrap(), [0.5]);
    assert_eq!(value_of("new Set([1, 2])").get::<Vec<u8>>().unwrap(), [1, 2]);
    assert_eq!(value_of("new Map([[[1], 'a']])").get::<HashMap<Vec<u8>, String>>().unwrap()[&vec![1]], "a");
    assert_eq!(value_of("new Map([[1, 'a']])").get::<Vec<(u8, String)>>().unwrap(), [(1, "a".to_owned())]);
    assert_eq!(value_of("new Map([['a', NaN]])").get::<BTreeMap<String, f64>>().unwrap().len(), 1);
    assert_eq!(value_of("({ 1: NaN })").get::<BTreeMap<u8, f64>>().unwrap().len(), 1);
    assert_eq!(value_of("[1, , 3]").get::<Vec<Option<u8>>>().unwrap(), [Some(1), None, Some(3)]);
    assert_eq!(value_of("[Object(1), Object('s')]").get::<(u8, String)>().unwrap(), (1, "s".to_owned()));
    assert_eq!(
        value_of("[undefined, null, undefined]").get::<(Option<u8>, Option<u8>, ())>().unwrap(),
        (None, None, ())
    );
    let shared: Vec<BTreeMap<String, u8>> = value_of("{ const one = { a: 1 }; [one, one] }").get().unwrap();
    assert_eq!(shared[0], shared[1]);
    let tree: serde_json::Value =
        value_of("({ a: [new Date(0), undefined, 2 ** 40, 1.5], b: new Set('x') })").get().unwrap();
    let json = serde_json::json!({ "a": ["1970-01-01T00:00:00.000Z", null, 1_099_511_627_776_u64, 1.5], "b": ["x"] });
    assert_eq!(tree, json);
}

#[test]
fn errors_are_read_as_what_they_have() {
    #[derive(Debug, Deserialize)]
    struct Lost {
        name: String,
        message: String,
        stack: String,
        code: Option<u8>,
        cause: Option<Box<Lost>>,
    }
    let script = "Object.assign(new TypeError('outer', { cause: new RangeError('inner') }), { code: 7, when: 1n })";
    let lost: Lost = value_of(script).get().unwrap();
    assert_eq!((lost.name.as_str(), lost.message.as_str(), lost.code), ("TypeError", "outer", Some(7)));
    assert!(lost.stack.contains("<eval>") || lost.stack.contains("at "), "{lost:?}");
    let cause = lost.cause.unwrap();
    assert_eq!((cause.name.as_str(), cause.message.as_str(), cause.code), ("RangeError", "inner", None));
    let named = value_of("new (class OrderError extends Error { name = 'OrderError' })('lost')");
    assert_eq!(named.get::<BTreeMap<String, Value>>().unwrap()["name"].as_str(), r#""OrderError""#);
}

#[test]
fn enums_and_structs_are_read_beside_values_without_a_json_form() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Shape {
        Empty,
        Circle(f64),
        Box { width: f64, tag: Option<String> },
        Line(u8, u8),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { at: f64 },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(f64),
        Text(String),
    }
    let script = "({ shapes: ['empty', { circle: NaN }, { box: { width: Infinity, tag: undefined } }, { line: [1, 2] }],
        tagged: { kind: 'A', at: -Infinity }, untagged: [Infinity, 'x'], unused: new Map([[new Map, [undefined]]]), last: 'z' })";
    #[derive(Debug, Deserialize)]
    struct All {
        shapes: Vec<Shape>,
        tagged: Tagged,
        untagged: Vec<Untagged>,
        last: char,
    }
    let all: All = value_of(script).get().unwrap();
    assert!(matches!(all.shapes[1], Shape::Circle(number) if number.is_nan()));
    assert_eq!(all.shapes[2], Shape::Box { width: f64::INFINITY, tag: None });
    assert_eq!((&all.shapes[0], &all.shapes[3]), (&Shape::Empty, &Shape::Line(1, 2)));
    assert_eq!(all.tagged, Tagged::A { at: f64::NEG_INFINITY });
    assert_eq!(all.untagged, [Untagged::Number(f64::INFINITY), Untagged::Text("x".into())]);
    assert_eq!(all.last, 'z');
    // And back: out of Rust, through a script, into Rust.
    let mut jar = jar();
    jar.eval("host.on('echo', value => value)").unwrap();
    let shapes = [
        Shape::Empty,
        Shape::Circle(f64::INFINITY),
        Shape::Line(1, 2),
        Shape::Box { width: 1.0, tag: Some("t".into()) },
    ];
    assert_eq!(jar.dispatch("echo", &shapes).unwrap().get::<Vec<Shape>>().unwrap(), shapes);
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Name,
    Pair(u8, u8),
}

#[test]
fn values_of_rust_come_back_exactly() {
    let mut jar = jar();
    jar.eval(
        "host.on('echo', value => value); host.on('kind', value => Object.prototype.toString.call(value).slice(8, -1))",
    )
    .unwrap();
    macro_rules! comes_back {
        ($($type:ty: $value:expr, $kind:literal);+ $(;)?) => {
            $({
                let value: $type = $value;
                assert_eq!(jar.dispatch("echo", &value).unwrap().get::<$type>().unwrap(), value);
                assert_eq!(jar.dispatch("kind", &value).unwrap().get::<String>().unwrap(), $kind);
            })+
        };
    }
    comes_back! {
        u64: u64::MAX, "BigInt";
        u64: (1 << 53) - 1, "Number";
        i64: i64::MIN, "BigInt";
        i128: i128::MIN, "BigInt";
        u128: u128::MAX, "BigInt";
        f64: f64::INFINITY, "Number";
        f64: -0.5, "Number";
        Vec<f64>: vec![f64::NEG_INFINITY, 1.0], "Array";
        Bytes: Bytes(vec![0, 255, 128]), "Uint8Array";
        Bytes: Bytes(Vec::new()), "Uint8Array";
        Date: Date(1.5e12), "Date";
        BigInt: BigInt(-5), "BigInt";
        BTreeMap<(u8, u8), f64>: BTreeMap::from([((1, 2), f64::INFINITY)]), "Map";
        BTreeMap<Key, u8>: BTreeMap::from([(Key::Name, 1), (Key::Pair(1, 2), 2)]), "Map";
        BTreeMap<u32, u64>: BTreeMap::from([(1, u64::MAX)]), "Object";
        Map<String, u8>: Map(vec![("b".into(), 1), ("a".into(), 2)]), "Map";
        Map<Option<u8>, Set<u8>>: Map(vec![(None, Set(vec![1])), (Some(1), Set(vec![]))]), "Map";
        Set<String>: Set(vec!["b".into(), "a".into()]), "Set";
        (u8, Option<Bytes>): (1, Some(Bytes(vec![1]))), "Array";
        Value: Value::UNDEFINED, "Undefined";
        (Value, Value): (Value::UNDEFINED, Value::from_json("[{\"a\":\"\\ud800\"},1000,true]").unwrap()), "Array";
        String: "text".into(), "String";
    }
    assert!(jar.dispatch("echo", &f64::NAN).unwrap().get::<f64>().unwrap().is_nan());
    assert_eq!(jar.dispatch("echo", &-0.0).unwrap().as_str(), "-0");
    assert!(jar.dispatch("echo", &Date(f64::NAN)).unwrap().get::<Date>().unwrap().0.is_nan());
    assert!(jar.dispatch("echo", &Date(9e15)).unwrap().get::<Date>().unwrap().0.is_nan(), "beyond what a Date can be");
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_123);
    assert_eq!(jar.dispatch("echo", &Date::from(now)).unwrap().get::<Date>().unwrap().to_system_time(), Some(now));
}

#[test]
fn what_cannot_cross_is_named_with_its_path() {
    for (script, message) in [
        ("() => 1", "result: a function cannot cross"),
        ("Symbol('s')", "result: a symbol cannot cross"),
        ("({ users: [1, 2, { f() {} }] })", "result.users[2].f: a function cannot cross"),
        ("[new WeakMap]", "result[0]: a WeakMap cannot cross"),
        ("({ 'a b': [Promise.resolve()] })", "result[\"a b\"][0]: a Promise cannot cross"),
        ("new Map([[1, 2], ['k', Symbol()]])", "result.entry(1): a symbol cannot cross"),
        ("new Set([1, class {}])", "result.entry(1): a function cannot cross"),
        ("[new TextDecoder]", "result[0]: a TextDecoder cannot cross"),
        ("({ a: (function* () {})() })", "result.a: a Generator cannot cross"),
        ("[[].values()]", "result[0]: an Array Iterator cannot cross"),
        ("({ get a() { return { b: eval } } })", "result.a.b: a function cannot cross"),
        ("({ cause: new Error('x', { cause: () => 1 }) })", "result.cause.cause: a function cannot cross"),
        ("new Proxy(() => 1, {})", "result: a function cannot cross"),
        (
            "const buffer = new ArrayBuffer(8); buffer.transfer(); [buffer]",
            "result[0]: a detached ArrayBuffer cannot cross",
        ),
        ("new SharedArrayBuffer(8)", "result: a SharedArrayBuffer cannot cross"),
    ] {
        let error = jar().eval(script).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), ("not_serializable", message), "{script}");
    }
    let caught = jar_with_router(&echo()).eval("try { host.rpcSync('echo', [{ f() {} }]) } catch (e) { String(e) }");
    assert_eq!(caught.unwrap().as_str(), r#""TypeError: params[0].f: a function cannot cross""#);
}

#[test]
fn json_is_refused_with_the_path_or_written_as_stringify_does() {
    for (script, exact, lossy) in [
        ("[undefined]", Err("value[0]: undefined has no JSON form"), Ok("[null]")),
        ("({ a: undefined, b: 1 })", Ok(r#"{"b":1}"#), Ok(r#"{"b":1}"#)),
        ("({ a: [1, NaN] })", Err("value.a[1]: NaN has no JSON form"), Ok(r#"{"a":[1,null]}"#)),
        ("[-0]", Ok("[-0]"), Ok("[0]")),
        ("[10n]", Err("value[0]: a BigInt has no JSON form"), Err("value[0]: a BigInt has no JSON form")),
        ("[new Date(0), /x/]", Err("value[1]: a RegExp has no JSON form"), Ok(r#"["1970-01-01T00:00:00.000Z",{}]"#)),
        ("[new Date(NaN)]", Err("value[0]: an invalid Date has no JSON form"), Ok("[null]")),
        ("({ users: [new Map([[1, 2]])] })", Err("value.users[0]: a Map has no JSON form"), Ok(r#"{"users":[{}]}"#)),
        ("[new Set([[1]]), 1]", Err("value[0]: a Set has no JSON form"), Ok("[{},1]")),
        ("[new Uint8Array([1, 2])]", Err("value[0]: a Uint8Array has no JSON form"), Ok(r#"[{"0":1,"1":2}]"#)),
        ("[new ArrayBuffer(2), 1]", Err("value[0]: an ArrayBuffer has no JSON form"), Ok("[{},1]")),
        ("[new DataView(new ArrayBuffer(2)), 1]", Err("value[0]: a DataView has no JSON form"), Ok("[{},1]")),
        (
            "[Object.assign(new TypeError('m', { cause: 1 }), { code: 7 })]",
            Err("value[0]: a TypeError has no JSON form"),
            Ok(r#"[{"code":7}]"#),
        ),
        ("[Object(1), Object('s')]", Ok(r#"[1,"s"]"#), Ok(r#"[1,"s"]"#)),
        ("[1, , 3]", Err("value: an array with holes or names has no JSON form"), Ok("[1,null,3]")),
        (
            "[[1, , [2, , 3]], [NaN]]",
            Err("value[0]: an array with holes or names has no JSON form"),
            Ok("[[1,null,[2,null,3]],[null]]"),
        ),
        (
            "const one = { a: 1 }; [one, [one], { one }]",
            Ok(r#"[{"a":1},[{"a":1}],{"one":{"a":1}}]"#),
            Ok(r#"[{"a":1},[{"a":1}],{"one":{"a":1}}]"#),
        ),
        (
            "const own = { a: [] }; own.a.push(own); own",
            Err("value.a[0]: an object that holds itself has no JSON form"),
            Err("value.a[0]: an object that holds itself has no JSON form"),
        ),
    ] {
        let value = value_of(script);
        assert_eq!(value.to_json().as_deref().map_err(Error::to_string), exact.map_err(String::from), "{script}");
        assert_eq!(value.to_json_lossy().as_deref().map_err(Error::to_string), lossy.map_err(String::from), "{script}");
        // The engine itself agrees, where it gives text.
        if let Ok(text) = lossy {
            let engine = format!("JSON.stringify((0, eval)({}))", serde_json::to_string(script).unwrap());
            let engine: String = jar().eval(engine.as_str()).unwrap().get().unwrap();
            assert_eq!(engine, text, "{script}");
        }
    }
}

#[test]
fn values_without_a_json_form_do_not_slip_into_json() {
    let value = value_of("[new Map]");
    let error = serde_json::to_string(&(1, &value)).unwrap_err();
    assert!(error.to_string().contains("value[0]: a Map has no JSON form"), "{error}");
    assert_eq!(serde_json::to_string(&(1, value_of("[new Date(0)]"))).unwrap(), r#"[1,["1970-01-01T00:00:00.000Z"]]"#);
    assert!(serde_json::to_string(&BigInt(1)).is_err());
}

#[test]
fn a_shape_that_does_not_fit_names_the_path() {
    for (script, message) in [
        ("({ a: [{ b: 1 }, { b: NaN }] })", "at a[1].b: invalid type: floating point `NaN`, expected u8"),
        ("({ a: [{ b: new Map }] })", "at a[0].b: invalid type: map, expected u8"),
        ("({ a: [{ b: 300n }] })", "at a[0].b: invalid value: integer `300`, expected u8"),
    ] {
        #[derive(Debug, Deserialize)]
        struct Row {
            #[serde(rename = "b")]
            _b: u8,
        }
        let error = value_of(script).get::<BTreeMap<String, Vec<Row>>>().unwrap_err();
        assert_eq!(error.to_string(), format!("the value has another shape: {message}"), "{script}");
    }
    #[derive(Debug, Deserialize)]
    struct Own {
        #[serde(rename = "own")]
        _own: Option<Box<Own>>,
    }
    let error = value_of("const own = {}; own.own = own; own").get::<Own>().unwrap_err();
    assert!(error.to_string().contains("an object that holds itself cannot be read"), "{error}");
    let lone = value_of("['\\ud800', 1n]").get::<(String, u8)>().unwrap_err();
    assert!(lone.to_string().contains("half of a surrogate pair"), "{lone}");
}

#[test]
fn a_value_that_refers_to_its_parts_very_often_is_bounded() {
    let value = value_of("let list = ['x']; for (let i = 0; i < 60; i++) list = [list, list]; list");
    assert!(value.as_str().len() < 2000, "{}", value.as_str().len());
    for error in [
        value.get::<serde_json::Value>().unwrap_err(),
        value.to_json().unwrap_err(),
        value.to_json_lossy().unwrap_err(),
    ] {
        assert!(matches!(error.code(), "wrong_shape" | "not_serializable"), "{error:?}");
    }
    let holes = value_of("const holes = [1]; holes.length = 4e9; holes");
    assert_eq!(holes.get::<Vec<Option<u8>>>().unwrap_err().code(), "wrong_shape");
    assert_eq!(holes.to_json_lossy().unwrap_err().code(), "not_serializable");
    assert_eq!(holes.as_str(), r#"Array(4000000000){"0":1}"#);
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    let nest =
        |depth: u32| format!("let deep = new Map; for (let i = 1; i < {depth}; i++) deep = new Map([[1, deep]]); deep");
    let value = value_of(&nest(10_000));
    assert!(value.as_str().starts_with("new Map([[1,new Map("));
    assert_eq!(value.get::<Value>().unwrap(), value);
    assert!(value.get::<Map<u8, serde::de::IgnoredAny>>().is_ok());
    assert_eq!(value.to_json_lossy().unwrap(), "{}");
    let mut jar = jar();
    let error = jar.eval(nest(10_001).as_str()).unwrap_err();
    assert!(error.to_string().contains("what is nested deeper than 10000 levels cannot cross"), "{error}");
    jar.reset().unwrap();
    jar.eval("host.on('depth', map => { let depth = 0; for (; map; map = map.get(1)) depth++; return depth })")
        .unwrap();
    assert_eq!(jar.dispatch("depth", &value).unwrap().as_str(), "10000");
    assert_usable(&mut jar);
}

#[test]
fn what_scripts_do_while_they_are_read_is_theirs_alone() {
    for (script, value) in [
        // Each getter changes what is being read.
        ("const map = new Map([[1, { get a() { map.clear(); map.set(2, 3); return 1 } }], [4, 5]])", "map"),
        ("const list = [{ get a() { list.length = 0; return 1n } }, 2, 3]", "list"),
        ("const object = { get a() { delete object.b; return 1n }, b: 2 }", "object"),
        ("const bytes = new Uint8Array(8)", "[{ get a() { bytes.buffer.transfer(); return 1n } }, 1]"),
        ("", "[{ get a() { return { get b() { return { c: 1n } } } } }]"),
        ("Array.prototype.toJSON = function () { return this.map(String) }", "[1, 2n]"),
        (
            "Map.prototype.forEach = Map.prototype.set = Set.prototype.add = () => { throw new Error('mine') }",
            "(() => { const map = new Map; return [map, new Date(0)] })()",
        ),
        ("Object.defineProperty(Object.prototype, '0', { set() { throw 1 }, configurable: true })", "[[1n]]"),
        ("globalThis.Map = globalThis.RegExp = globalThis.Date = undefined", "[/a/, 1n]"),
        ("Error.prepareStackTrace = () => { throw new Error('mine') }", "[new Error('x')]"),
    ] {
        let mut jar = jar_with_router(&echo());
        jar.eval(format!("{script}; 0").as_str()).unwrap();
        assert!(!jar.eval(value).unwrap().is_undefined(), "{script}");
        jar.reset().unwrap();
        jar.eval(format!("{script}; 0").as_str()).unwrap();
        jar.eval(format!("host.rpcSync('echo', {value})").as_str()).unwrap();
        assert_usable(&mut jar);
    }
    for script in [
        "[{ get a() { throw new RangeError('mine') } }, 1n]",
        "[new Proxy({}, { ownKeys() { throw new RangeError('mine') } })]",
    ] {
        let error = jar().eval(script).unwrap_err();
        assert!(error.to_string().contains("mine"), "{error}");
    }
}

#[test]
fn recordings_and_pauses_keep_values_without_a_json_form() {
    let params = "{ at: new Date(5), ids: new Set([1n]), bytes: new Uint8Array([1, 2, 3]) }";
    let script = format!(
        "const [a, b] = [await host.rpc('echo', {params}), host.rpcSync('echo', new Map([[1, undefined]]))]; [a, b]"
    );
    let recording = Recording::new();
    let mut first = runtime().build_instance().seed(1).start(&recording.record(&echo()), &Limits::default()).unwrap();
    let result = block_on(first.eval_async(&*script)).unwrap();
    assert_eq!(recording.calls()[1].params.as_str(), "new Map([[1,undefined]])");
    let stored = Recording::from_bytes(&recording.to_bytes()).unwrap();
    assert_eq!(stored.calls(), recording.calls());
    let replay = stored.replay();
    let mut again = runtime().build_instance().seed(1).start(&replay.router(), &Limits::default()).unwrap();
    assert_eq!(block_on(again.eval_async(&*script)).unwrap(), result);
    replay.finish().unwrap();

    let router = Router::new().handle("ask", |_: &Call, _: Value| Reply::pause());
    let mut jar = jar_with_router(&router);
    let script = format!("const answer = await host.rpc('ask', {params}); [answer instanceof Map, answer.get(1)]");
    let Turn::Paused(paused) = block_on(jar.step_eval_async(&*script)).unwrap() else { panic!("it waits") };
    let snapshot = Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
    let mut restored = runtime().restore(&snapshot, &router, &Limits::default()).unwrap();
    let pending = restored.pending()[0].clone();
    assert_eq!(
        pending.params.as_str(),
        r#"{"at":new Date("1970-01-01T00:00:00.005Z"),"ids":new Set([1n]),"bytes":Uint8Array(3)[1,2,3]}"#
    );
    let answer = Answer::result(&Map(vec![(1, Date(7.0))])).unwrap();
    let Turn::Done(value) = block_on(restored.resume_async([(pending.id, answer)])).unwrap() else {
        panic!("it is answered")
    };
    assert_eq!(value.as_str(), r#"[true,new Date("1970-01-01T00:00:00.007Z")]"#);
}

#[test]
fn the_limit_of_a_message_holds_for_the_binary_form() {
    let limits = Limits { message_bytes: 10_000, ..Limits::default() };
    let mut jar = runtime().instance(&echo(), &limits).unwrap();
    // A message has one byte before the view, which takes three before its length, the buffer one, and each length two.
    let most = 10_000 - 9;
    assert!(jar.eval(format!("new Uint8Array({most})")).is_ok());
    assert_eq!(jar.eval(format!("new Uint8Array({})", most + 1)).unwrap_err().code(), "message_too_large");
    assert_usable(&mut jar);
    assert_eq!(jar.eval("host.rpcSync('echo', new Uint8Array(9000)).length").unwrap().as_str(), "9000");
    let large = Router::new().handle("large", |_: &Call, (): ()| Bytes(vec![0; 20_000]));
    let mut jar = runtime().instance(&large, &limits).unwrap();
    let caught = jar.eval("try { host.rpcSync('large') } catch (e) { e.code }").unwrap();
    assert_eq!(caught.as_str(), r#""message_too_large""#);
    assert_usable(&mut jar);
}

#[test]
fn a_heap_that_is_too_small_for_a_copy_is_an_error() {
    let limits = Limits { js_heap_bytes: 4 << 20, memory_bytes: 64 << 20, ..Limits::default() };
    let mut jar = runtime().instance(&echo(), &limits).unwrap();
    for script in [
        "structuredClone(new Uint8Array(3 << 20))",
        "const all = Array.from({ length: 40000 }, () => ({ d: 1n })); structuredClone([all, all])",
    ] {
        let caught: String = jar
            .eval(format!("try {{ (() => {{ {script} }})(); 'no error' }} catch (error) {{ String(error) }}").as_str())
            .unwrap()
            .get()
            .unwrap();
        assert!(caught.contains("memory") || caught == "null" || caught == "no error", "{script}: {caught}");
        assert_usable(&mut jar);
    }
    assert_eq!(jar.eval("structuredClone(new Uint8Array(1 << 20)).length").unwrap().as_str(), "1048576");
}

#[test]
fn changed_messages_are_refused_or_are_values_like_others() {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 11_u64;
    let mut next = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    let mut jar = jar_with_router(&echo());
    let listen = "host.on('echo', value => host.rpcSync('echo', value))";
    jar.eval(listen).unwrap();
    let (mut read, mut refused) = (0, 0);
    for kind in KINDS {
        let recording = Recording::new();
        let mut recorded = jar_with_router(&recording.record(&echo()));
        recorded.eval(format!("host.rpcSync('echo', {kind}); 0").as_str()).unwrap();
        let stored = String::from_utf8(recording.to_bytes()).unwrap();
        let Some((before, rest)) = stored.split_once(r#""binary_params":""#) else { continue };
        let (message, after) = rest.split_once('"').unwrap();
        for round in 0..200 {
            let mut changed = message.as_bytes().to_vec();
            for _ in 0..=next(3) {
                // The first letters say that it is a message.
                let at = 2 + next(changed.len() - 2);
                changed[at] = LETTERS[next(64)];
            }
            let changed = String::from_utf8(changed).unwrap();
            let text = format!(r#"{before}"binary_params":"{changed}"{after}"#);
            let Ok(again) = Recording::from_bytes(text.as_bytes()) else {
                refused += 1;
                continue;
            };
            read += 1;
            let value = again.calls().swap_remove(0).params;
            assert_eq!(Recording::from_bytes(&again.to_bytes()).unwrap().calls(), again.calls());
            for json in [value.to_json(), value.to_json_lossy()].into_iter().flatten() {
                Value::from_json(json).unwrap();
            }
            let _ = (value.get::<serde_json::Value>(), value.get::<Bytes>(), value.get::<Vec<Option<f64>>>());
            assert_eq!(value.get::<Value>().unwrap(), value, "{value}");
            if round % 4 > 0 || value.is_undefined() {
                continue;
            }
            // A script may make other values of it, but then of those the same.
            match jar.dispatch("echo", &value) {
                Ok(once) => assert_eq!(jar.dispatch("echo", &once).unwrap(), once, "{value}"),
                Err(error) => {
                    assert!(matches!(error, Error::Js(_) | Error::Limit { .. }), "{value}: {error}");
                    jar.reset().unwrap();
                    jar.eval(listen).unwrap();
                }
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} were read, {refused} refused");
}
