//! Bad input from the embedder: each gives a named error, nothing is lost, and the instance is usable afterwards.

use std::time::Duration;

use belljar::{Call, Limits, Router, Runtime, Script};
use serde::{Serialize, Serializer};

use crate::support::{assert_usable, block_on, jar, jar_with_router, runtime, thrown};

#[test]
fn source_that_is_not_utf_8_is_refused() {
    for bytes in [&b"'\xff'"[..], b"\xc0\x80", b"'\xed\xa0\x80'", b"1 + \xf0\x9f\x94", b"\xff\xfe1\0"] {
        assert_eq!(Script::from_utf8(bytes).unwrap_err().code(), "invalid_input", "{bytes:?}");
    }
    let script = Script::from_utf8("'größe'".as_bytes()).unwrap().named("bytes.js");
    assert_eq!(jar().eval(script).unwrap().as_str(), r#""größe""#);
}

#[test]
fn empty_source_is_a_script_that_does_nothing() {
    let mut jar = jar();
    assert!(jar.eval("").unwrap().is_undefined());
    assert!(block_on(jar.eval_async("")).unwrap().is_undefined());
    assert!(jar.run(&runtime().compile("").unwrap()).unwrap().is_undefined());
    assert!(jar.eval(Script::from_utf8(b"").unwrap()).unwrap().is_undefined());
    assert_usable(&mut jar);
}

#[test]
fn source_over_the_limit_is_refused_and_source_at_the_limit_is_not() {
    let limits = Limits { source_bytes: 1000, ..Limits::default() };
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    let of = |length: usize| " ".repeat(length - 1) + "7";
    assert_eq!(jar.eval(of(1000)).unwrap().as_str(), "7");
    assert_eq!(jar.eval(of(1001)).unwrap_err().code(), "source_too_large");
    assert_eq!(block_on(jar.eval_async(of(1001))).unwrap_err().code(), "source_too_large");
    let program = runtime().compile(format!("'{}'", "x".repeat(2000))).unwrap();
    assert_eq!(jar.run(&program).unwrap_err().code(), "source_too_large");
    assert_eq!(block_on(jar.run_async(&program)).unwrap_err().code(), "source_too_large");
    assert_eq!(runtime().compile(of((10 << 20) + 1)).unwrap_err().code(), "source_too_large");
    assert_usable(&mut jar);
}

#[test]
fn nul_in_source_is_a_character_like_any_other() {
    let mut jar = jar();
    assert_eq!(jar.eval("'a\0b'.length").unwrap().as_str(), "3");
    assert_eq!(block_on(jar.eval_async("`\0`.charCodeAt(0)")).unwrap().as_str(), "0");
    assert_eq!(jar.eval("1 // \0 comment \0\n + 1").unwrap().as_str(), "2");
    // The text after a NUL is not cut off.
    for script in ["1 \0 + 1", "\0", "1;\0 throw 'reached'"] {
        assert_eq!(thrown(jar.eval(script)).name, "SyntaxError", "{script:?}");
    }
    assert_usable(&mut jar);
}

#[test]
fn nul_in_the_name_of_a_script_is_refused() {
    let mut jar = jar();
    for name in ["\0", "a\0b.js", "a.js\0"] {
        let script = Script::new("1").named(name);
        assert_eq!(jar.eval(&script).unwrap_err().code(), "invalid_input");
        assert_eq!(block_on(jar.eval_async(&script)).unwrap_err().code(), "invalid_input");
        assert_eq!(runtime().compile(&script).unwrap_err().code(), "invalid_input");
    }
    assert_usable(&mut jar);
}

#[test]
fn a_script_can_have_any_other_name() {
    let mut jar = jar();
    for name in ["", " ", "größe \u{1f514}.js", "../../x", "%s%n", "a\nb", "<eval>", "native"] {
        let stack = thrown(jar.eval(Script::new("throw new Error('x')").named(name))).stack.unwrap();
        assert!(stack.contains(&format!("{name}:1:")), "{stack:?}");
    }
}

struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it has no form"))
    }
}

#[test]
fn params_that_do_not_serialize_are_refused() {
    let mut jar = jar();
    jar.eval("var seen = 0; host.on('e', () => ++seen)").unwrap();
    assert_eq!(jar.dispatch("e", &Unserializable).unwrap_err().code(), "invalid_input");
    assert_eq!(block_on(jar.dispatch_async("e", &Unserializable)).unwrap_err().code(), "invalid_input");
    assert_eq!(jar.dispatch("e", &()).unwrap().as_str(), "1");
}

#[test]
fn params_over_the_limit_are_refused() {
    let limits = Limits { message_bytes: 1000, ..Limits::default() };
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    jar.eval("host.on('e', p => p.length)").unwrap();
    assert_eq!(jar.dispatch("e", &"x".repeat(997)).unwrap().as_str(), "997");
    assert_eq!(jar.dispatch("e", &"x".repeat(998)).unwrap_err().code(), "message_too_large");
    assert_eq!(block_on(jar.dispatch_async("e", &"x".repeat(998))).unwrap_err().code(), "message_too_large");
    assert_eq!(jar.dispatch(&"e".repeat(1000), &()).unwrap_err().code(), "message_too_large");
    assert_usable(&mut jar);
}

#[test]
fn unknown_events_and_methods_are_named_errors() {
    let mut jar = jar();
    assert_eq!(jar.dispatch("nobody", &()).unwrap_err().code(), "no_such_event");
    assert_eq!(jar.dispatch("no\0body", &()).unwrap_err().code(), "no_such_event");
    let code = jar.eval("try { host.rpcSync('no\\0body') } catch (e) { e.code }").unwrap();
    assert_eq!(code.as_str(), r#""unknown_method""#);
    assert_usable(&mut jar);
}

#[test]
fn names_with_nul_are_whole_names() {
    let router = Router::new().handle("a\0b", |call: &Call, (): ()| Ok(call.method().to_owned()));
    let mut jar = jar_with_router(&router);
    assert_eq!(jar.eval("host.rpcSync('a\\0b')").unwrap().get::<String>().unwrap(), "a\0b");
    assert_eq!(jar.eval("try { host.rpcSync('a') } catch (e) { e.code }").unwrap().as_str(), r#""unknown_method""#);
    jar.eval("host.on('a\\0b', () => 'whole'); host.on('a', () => 'front')").unwrap();
    assert_eq!(jar.dispatch("a\0b", &()).unwrap().as_str(), r#""whole""#);
    assert_eq!(jar.dispatch("a", &()).unwrap().as_str(), r#""front""#);
}

#[test]
fn results_that_do_not_serialise_leave_the_instance_as_it_was() {
    let mut jar = jar();
    jar.eval("var kept = 1").unwrap();
    for script in ["[() => 1]", "() => 1", "Symbol()", "[new WeakSet]", "({ get a() { throw 1 } })"] {
        assert_eq!(jar.eval(script).unwrap_err().code(), "not_serializable", "{script}");
    }
    assert_eq!(jar.eval("kept").unwrap().as_str(), "1");
    assert_usable(&mut jar);
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let refused = |limits: Limits| match runtime().instance(&Router::new(), &limits) {
        Ok(mut jar) => jar.eval("1").unwrap_err().code(),
        Err(error) => error.code(),
    };
    assert_eq!(refused(Limits { stack_bytes: 1 << 30, ..Limits::default() }), "invalid_input");
    assert_eq!(refused(Limits { memory_bytes: 1000, ..Limits::default() }), "invalid_input");
    assert_eq!(refused(Limits { memory_bytes: 0, ..Limits::default() }), "invalid_input");
    assert_eq!(Runtime::builder().max_instances(0).build().unwrap_err().code(), "invalid_input");
}

#[test]
fn limits_of_next_to_nothing_refuse_everything_with_their_own_names() {
    let nothing = Limits::default();
    for (limits, code) in [
        (Limits { cpu_time: Duration::from_nanos(1), ..nothing.clone() }, "cpu_limit_exceeded"),
        (Limits { wall_time: Duration::from_nanos(1), ..nothing.clone() }, "wall_limit_exceeded"),
        (Limits { fuel: Some(0), ..nothing.clone() }, "fuel_limit_exceeded"),
        (Limits { source_bytes: 0, ..nothing.clone() }, "source_too_large"),
        (Limits { message_bytes: 0, ..nothing.clone() }, "message_too_large"),
    ] {
        let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
        assert_eq!(jar.eval("for (let i = 0; i < 1e6; i++); 1").unwrap_err().code(), code);
        assert_eq!(block_on(jar.eval_async("for (let i = 0; i < 1e6; i++); 1")).unwrap_err().code(), code);
    }
}
