//! The values of plain scripts, as text and as Rust types read from them. `crossing.rs` has what JSON has no form for.

use std::collections::BTreeMap;

use belljar::{Call, Error, Limits, Router, Value};
use serde::{Deserialize, Serialize};

use crate::support::{assert_usable, block_on, jar, jar_with_router, runtime};

/// The JSON of a script's value, which must be the same in every kind of call.
#[track_caller]
fn value_of(script: &str) -> Value {
    let mut jar = jar();
    let value = jar.eval(script).unwrap();
    assert_eq!(block_on(jar_fresh_eval_async(script)), value, "{script}");
    jar.reset().unwrap();
    assert_eq!(jar.run(&runtime().compile(script).unwrap()).unwrap(), value, "{script}");
    value
}

async fn jar_fresh_eval_async(script: &str) -> Value {
    jar().eval_async(script).await.unwrap()
}

#[test]
fn the_result_is_the_value_of_the_last_expression() {
    for (script, value) in [
        ("1 + 2", "3"),
        ("1; 2; 3", "3"),
        ("let a = 4; a", "4"),
        ("if (true) { 5 } else { 6 }", "5"),
        ("for (const n of [1, 2]) n * 10", "20"),
        ("switch (1) { case 1: 'one' }", r#""one""#),
        ("try { 7 } finally { 8 }", "7"),
        ("({ a: 1 })", r#"{"a":1}"#),
        ("'use strict'", r#""use strict""#),
        ("var x = 9; x", "9"),
        ("1, 2", "2"),
    ] {
        assert_eq!(value_of(script).as_str(), value, "{script}");
    }
}

#[test]
fn a_script_without_a_value_gives_undefined() {
    for script in
        ["", "  ", "// nothing", ";", "{}", "var a = 1", "function f() {}", "let b = 2", "1; undefined", "void 0"]
    {
        let value = value_of(script);
        assert!(value.is_undefined(), "{script}: {value}");
        assert_eq!((value.as_str(), value.as_json()), ("undefined", None));
        value.get::<()>().unwrap();
        assert_eq!(value.get::<Option<u32>>().unwrap(), None);
    }
}

#[test]
fn undefined_and_null_are_two_values() {
    assert!(!value_of("null").is_undefined());
    assert_eq!(value_of("null").as_str(), "null");
    assert_ne!(value_of("null"), value_of("undefined"));
    assert_eq!(value_of("[undefined, null]").as_str(), "[undefined,null]");
    assert_eq!(value_of("({ a: undefined, b: null })").as_str(), r#"{"a":undefined,"b":null}"#);
}

#[test]
fn numbers_are_written_as_javascript_writes_them() {
    for (script, json) in [
        ("-0", "-0"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("[NaN, -0, -Infinity]", "[NaN,-0,-Infinity]"),
        ("2147483647", "2147483647"),
        ("2147483648", "2147483648"),
        ("-2147483648", "-2147483648"),
        ("-2147483649", "-2147483649"),
        ("Number.MAX_SAFE_INTEGER", "9007199254740991"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1e21", "1e+21"),
        ("5e-324", "5e-324"),
        ("Number.MAX_VALUE", "1.7976931348623157e+308"),
        ("Object(7)", "Object(7)"),
    ] {
        assert_eq!(value_of(script).as_str(), json, "{script}");
    }
    assert_eq!(value_of("1.7976931348623157e308").get::<f64>().unwrap(), f64::MAX);
    assert_eq!(value_of("-2147483648").get::<i32>().unwrap(), i32::MIN);
}

#[test]
fn objects_that_are_only_properties_become_json() {
    for (script, json) in [
        ("({ get a() { return 1 } })", r#"{"a":1}"#),
        (
            "Object.create({ inherited: 1 }, { hidden: { value: 2 }, shown: { value: 3, enumerable: true } })",
            r#"{"shown":3}"#,
        ),
        ("new (class Point { x = 1; #secret = 2; y = 3; sum() {} })", r#"{"x":1,"y":3}"#),
        ("({ b: 1, a: 2, 1: 3 })", r#"{"1":3,"b":1,"a":2}"#),
        ("JSON.parse('{\"__proto__\": 1}')", r#"{"__proto__":1}"#),
        ("new Proxy({ a: [1] }, {})", r#"{"a":[1]}"#),
        ("[new Proxy([1, 2], { get: (of, name) => name === '1' ? 'two' : of[name] })]", r#"[[1,"two"]]"#),
        ("(function () { return arguments })(1, 2)", r#"{"0":1,"1":2}"#),
        ("JSON.rawJSON('1.5')", "1.5"),
        ("({ [Symbol('s')]: 1, g: 1 })", r#"{"g":1}"#),
        ("const slow = Array(100); for (let i = 99; i >= 0; i--) slow[i] = 1; slow.fill(0).slice(0, 3)", "[0,0,0]"),
    ] {
        assert_eq!(value_of(script).as_json(), Some(json), "{script}");
    }
}

#[test]
fn to_json_is_asked_at_every_depth_and_once() {
    assert_eq!(value_of("({ toJSON: () => ({ a: { toJSON: () => [1] } }) })").as_str(), r#"{"a":[1]}"#);
    assert_eq!(value_of("({ toJSON: () => ({ toJSON: 1 }) })").as_str(), r#"{"toJSON":1}"#);
    let own = "const own = Object.create({ toJSON() { return this } }); own.a = own; own";
    assert_eq!(value_of(own).as_str(), r#"{"a":<object 0>}"#);
    assert_eq!(value_of("[{ toJSON: key => `at ${key}` }]").as_str(), r#"["at 0"]"#);
    assert_eq!(
        value_of("({ a: { toJSON: key => new Date(0) } })").as_str(),
        r#"{"a":new Date("1970-01-01T00:00:00.000Z")}"#
    );
    assert!(value_of("({ toJSON: () => undefined })").is_undefined());
    let thrown = jar().eval("({ toJSON() { throw new Error('mine') } })");
    assert_eq!(thrown.unwrap_err().code(), "not_serializable");
    // A Date crosses as one, whatever its `toJSON` is.
    assert_eq!(
        value_of("Date.prototype.toJSON = () => 'mine'; [new Date(0)]").as_str(),
        r#"[new Date("1970-01-01T00:00:00.000Z")]"#
    );
}

#[test]
fn a_promise_of_a_promise_is_its_innermost_value() {
    assert_eq!(value_of("Promise.resolve(Promise.resolve([1]))").as_str(), "[1]");
    assert_eq!(value_of("(async () => (async () => 'deep')())()").as_str(), r#""deep""#);
    assert!(value_of("Promise.resolve()").is_undefined());
}

#[test]
fn a_promise_of_something_that_cannot_cross_is_an_error() {
    for script in ["Promise.resolve(() => 1)", "Promise.resolve([Promise.resolve(1)])", "(async () => Symbol('s'))()"] {
        assert_eq!(jar().eval(script).unwrap_err().code(), "not_serializable", "{script}");
        assert_eq!(block_on(jar().eval_async(script)).unwrap_err().code(), "not_serializable", "{script}");
    }
}

#[test]
fn half_a_surrogate_pair_stays_an_escape() {
    for script in ["'\\ud800'", "'\\udc00a'", "({ ['\\ud800']: 1 })"] {
        let value = value_of(script);
        assert!(value.as_str().contains("\\ud"), "{value}");
        assert_eq!(value.get::<String>().unwrap_err().code(), "wrong_shape");
    }
    assert_eq!(value_of("'\\ud83d\\udd14'").get::<String>().unwrap(), "\u{1f514}");
}

#[test]
fn text_comes_out_as_it_is() {
    let text = "\0\u{1}\u{1f}\" \\ / \u{7f} \u{2028} \u{feff} \u{fffd} \u{10ffff} größe";
    let quoted = serde_json::to_string(text).unwrap();
    assert_eq!(value_of(&quoted).get::<String>().unwrap(), text);
}

#[test]
fn results_are_read_as_rust_types() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Order {
        id: u64,
        lines: Vec<(String, f64)>,
        note: Option<String>,
        kind: Kind,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Plain,
    }
    let order: Order =
        value_of("({ id: 7, lines: [['a', 1], ['b', 2.5]], note: undefined, kind: 'plain' })").get().unwrap();
    assert_eq!(
        order,
        Order { id: 7, lines: vec![("a".into(), 1.0), ("b".into(), 2.5)], note: None, kind: Kind::Plain }
    );
    let map: BTreeMap<String, bool> = value_of("({ a: true })").get().unwrap();
    assert!(map["a"]);
    assert_eq!(value_of("'x'").get::<char>().unwrap(), 'x');
    assert_eq!(value_of("[1, 'a', null]").get::<serde_json::Value>().unwrap(), serde_json::json!([1, "a", null]));
}

#[test]
fn a_number_that_is_read_is_the_one_that_was_written() {
    let router = Router::new().handle("same", |_: &Call, number: f64| Ok(number));
    let mut jar = jar_with_router(&router);
    // A parser that converts with one multiplication reads these as a neighbouring double.
    let mut numbers =
        vec![-2.864258478304664e202, 3.7554285302901616e-277, 4_942_715_604_938_009.0 / 4.0, 5e-324, f64::MAX];
    let mut state = 9_u64;
    for _ in 0..1000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.push(f64::from_bits(state));
    }
    numbers.retain(|number| number.is_finite());
    for number in numbers {
        for script in [format!("{number:e}"), format!("host.rpcSync('same', {number:e})")] {
            assert_eq!(jar.eval(&script).unwrap().get::<f64>().unwrap().to_bits(), number.to_bits(), "{script}");
        }
    }
}

#[test]
fn a_shape_that_does_not_fit_names_the_path() {
    #[derive(Debug, Deserialize)]
    struct Order {
        #[serde(rename = "lines")]
        _lines: Vec<Line>,
    }
    #[derive(Debug, Deserialize)]
    struct Line {
        #[serde(rename = "price")]
        _price: f64,
    }
    let value = value_of("({ lines: [{ price: 1 }, { price: 'x' }] })");
    let Err(Error::Shape { message }) = value.get::<Order>() else { panic!("it should not fit") };
    assert!(message.contains("lines[1].price"), "{message}");
    for (script, code) in
        [("1.5", "wrong_shape"), ("-1", "wrong_shape"), ("'1'", "wrong_shape"), ("undefined", "wrong_shape")]
    {
        assert_eq!(value_of(script).get::<u32>().unwrap_err().code(), code, "{script}");
    }
}

#[test]
fn a_result_can_be_passed_on_without_being_read() {
    #[derive(Serialize, Deserialize)]
    struct Envelope {
        kind: String,
        body: Value,
    }
    let body = value_of("({ b: [1, { c: null }], a: 1e21 })");
    let text = serde_json::to_string(&Envelope { kind: "result".into(), body: body.clone() }).unwrap();
    assert_eq!(text, r#"{"kind":"result","body":{"b":[1,{"c":null}],"a":1e+21}}"#);
    assert_eq!(serde_json::from_str::<Envelope>(&text).unwrap().body, body);
    assert_eq!(serde_json::to_string(&value_of("undefined")).unwrap(), "null");
}

#[test]
fn json_from_elsewhere_is_checked() {
    assert_eq!(Value::from_json(" [1, 2] ").unwrap().get::<Vec<u8>>().unwrap(), [1, 2]);
    for text in ["", "undefined", "{", "[1,]", "nul", "1 2", "'a'", "NaN", "{a:1}", "\"\u{1}\""] {
        assert_eq!(Value::from_json(text).unwrap_err().code(), "invalid_input", "{text}");
    }
    assert_eq!(Value::of(&[1, 2]).unwrap().as_str(), "[1,2]");
}

#[test]
fn a_large_result_comes_whole() {
    let text: String = value_of("'0123456789'.repeat(200000)").get().unwrap();
    assert_eq!(text.len(), 2_000_000);
    let list: Vec<u32> = value_of("Array.from({ length: 100000 }, (_, n) => n)").get().unwrap();
    assert!(list.len() == 100_000 && list[99_999] == 99_999);
}

#[test]
fn a_result_of_exactly_the_limit_crosses() {
    let limits = Limits { message_bytes: 10_000, ..Limits::default() };
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    assert_eq!(jar.eval("'x'.repeat(9998)").unwrap().as_str().len(), 10_000);
    assert_eq!(jar.eval("'x'.repeat(9999)").unwrap_err().code(), "message_too_large");
    assert_usable(&mut jar);
}

#[test]
fn a_deep_result_is_text_that_needs_no_recursion_to_be_checked() {
    let nest = |depth: u32| format!("{{ let deep = []; for (let i = 1; i < {depth}; i++) deep = [deep]; deep }}");
    let value = jar().eval(nest(5000)).unwrap();
    assert_eq!(value.as_str(), format!("{}{}", "[".repeat(5000), "]".repeat(5000)));
    // Deserializing Rust types recurses, and stops before the stack overflows.
    assert_eq!(value.get::<serde_json::Value>().unwrap_err().code(), "wrong_shape");
}

#[test]
fn a_result_of_a_hundred_thousand_levels_is_a_named_error() {
    let script = "{ let deep = []; for (let i = 0; i < 100000; i++) deep = [deep]; deep }";
    let mut jar = jar();
    for ended in [jar.eval(script), {
        jar.reset().unwrap();
        block_on(jar.eval_async(script))
    }] {
        let error = ended.unwrap_err();
        assert!(matches!(error.code(), "stack_overflow" | "not_serializable"), "{error:?}");
    }
    jar.reset().unwrap();
    assert_usable(&mut jar);
}

#[test]
fn deep_text_from_the_host_is_an_error_and_not_a_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let reply = deep.clone();
    let router = Router::new().handle("deep", move |_: &Call, (): ()| Ok(Value::from_json(reply.clone()).unwrap()));
    let mut jar = jar_with_router(&router);
    jar.eval("host.on('e', () => 1)").unwrap();
    let params = Value::from_json(deep).unwrap();
    for attempt in 0..2 {
        let ended = if attempt == 0 { jar.eval("host.rpcSync('deep')") } else { jar.dispatch("e", &params) };
        let error = ended.unwrap_err();
        assert!(matches!(error.code(), "stack_overflow" | "js_error"), "{error:?}");
        jar.reset().unwrap();
        jar.eval("host.on('e', () => 1)").unwrap();
    }
    assert_usable(&mut jar);
}
