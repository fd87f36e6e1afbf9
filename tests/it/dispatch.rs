//! Events: from the embedder to the handler that a script registered.

use belljar::{Answer, Blame, Call, Error, Limits, Reply, Router, Turn, Value};
use serde_json::json;

use crate::support::{assert_usable, block_on, jar, jar_with_router, runtime, thrown};

#[test]
fn an_event_reaches_its_handler_and_brings_back_what_it_returns() {
    let mut jar = jar();
    jar.eval("host.on('greet', p => `hi ${p.name}`)").unwrap();
    assert_eq!(jar.dispatch("greet", &json!({ "name": "Ada" })).unwrap().get::<String>().unwrap(), "hi Ada");
    assert_eq!(block_on(jar.dispatch_async("greet", &json!({ "name": "Bob" }))).unwrap().as_str(), r#""hi Bob""#);
}

#[test]
fn an_async_handler_of_an_event_is_awaited() {
    let router = Router::new().handle_async("later", |_: Call, n: u32| async move {
        tokio::task::yield_now().await;
        Ok(n + 1)
    });
    let mut jar = jar_with_router(&router);
    jar.eval("host.on('e', async n => { const m = await host.rpc('later', n); return host.rpc('later', m) })").unwrap();
    assert_eq!(block_on(jar.dispatch_async("e", &1)).unwrap().as_str(), "3");
    assert_eq!(jar.dispatch("e", &1), Err(Error::NeverSettled { pending: vec!["later".into()] }));
    jar.eval("host.on('e', async n => n)").unwrap();
    assert_eq!(jar.dispatch("e", &1).unwrap().as_str(), "1");
}

#[test]
fn a_handler_keeps_its_state_from_event_to_event() {
    let mut jar = jar();
    jar.eval("{ let sum = 0; host.on('add', n => sum += n) }").unwrap();
    for expected in ["1", "3", "6"] {
        let n = jar.stats().calls;
        assert_eq!(jar.dispatch("add", &n).unwrap().as_str(), expected);
    }
}

#[test]
fn the_newest_handler_of_an_event_counts() {
    let mut jar = jar();
    jar.eval("host.on('e', () => 1); host.on('e', () => 2)").unwrap();
    assert_eq!(jar.dispatch("e", &()).unwrap().as_str(), "2");
    jar.eval("host.on('e', () => { host.on('e', () => 4); return 3 })").unwrap();
    assert_eq!(jar.dispatch("e", &()).unwrap().as_str(), "3");
    assert_eq!(jar.dispatch("e", &()).unwrap().as_str(), "4");
}

#[test]
fn an_event_without_a_handler_is_named() {
    let mut jar = jar();
    jar.eval("host.on('known', () => 1)").unwrap();
    for name in ["unknown", "", "known ", "KNOWN", "toString", "__proto__", "constructor", "hasOwnProperty", "0", "\0"]
    {
        for ended in [jar.dispatch(name, &()), block_on(jar.dispatch_async(name, &()))] {
            let Err(Error::NoSuchEvent { name: named, registered, .. }) = &ended else { panic!("{ended:?}") };
            assert_eq!((named.as_str(), registered.as_slice()), (name, ["known".to_owned()].as_slice()));
            assert_eq!(ended.unwrap_err().blame(), Blame::Caller);
        }
    }
    assert_eq!(jar.dispatch("known", &()).unwrap().as_str(), "1");
}

#[test]
fn an_event_is_the_scripts_fault_where_it_has_registered_none() {
    let mut jar = jar();
    let error = jar.dispatch("paid", &()).unwrap_err();
    assert_eq!((error.code(), error.blame()), ("no_such_event", Blame::Script));
    assert_eq!(error.to_string(), r#"no handler is registered for the event "paid", nor for any other"#);
    let step = block_on(jar.step_dispatch_async("paid", &())).unwrap_err();
    assert_eq!(step, error);
}

#[test]
fn an_event_can_have_any_name() {
    let mut jar = jar();
    let names = [
        "",
        "0",
        "4294967295",
        "-1",
        "a b",
        "größe \u{1f514}",
        "\0",
        "a\0b",
        "__proto__",
        "constructor",
        "toString",
        "\u{2028}",
    ];
    for (number, name) in names.iter().enumerate() {
        let quoted = serde_json::to_string(name).unwrap();
        jar.eval(format!("host.on({quoted}, () => {number})")).unwrap();
    }
    for (number, name) in names.iter().enumerate() {
        assert_eq!(jar.dispatch(name, &()).unwrap().get::<usize>().unwrap(), number, "{name:?}");
    }
}

#[test]
fn a_handler_must_be_a_function_and_a_name_a_string() {
    let mut jar = jar();
    for script in [
        "host.on('e')",
        "host.on('e', 1)",
        "host.on('e', {})",
        "host.on(1, () => 1)",
        "host.on()",
        "host.on(Symbol('e'), () => 1)",
    ] {
        assert_eq!(thrown(jar.eval(script)).name, "TypeError", "{script}");
    }
    assert_eq!(jar.dispatch("e", &()).unwrap_err().code(), "no_such_event");
}

#[test]
fn params_of_every_shape_arrive() {
    let mut jar = jar();
    jar.eval(
        "host.on('type', p => Array.isArray(p) ? 'array' : p === null ? 'null' : typeof p); host.on('same', p => p)",
    )
    .unwrap();
    for (params, kind) in [
        (json!(null), "null"),
        (json!(true), "boolean"),
        (json!(1.5), "number"),
        (json!("a\u{0}\u{1f514}\u{2028}"), "string"),
        (json!([1, [2, [3]]]), "array"),
        (json!({ "__proto__": { "x": 1 }, "constructor": null, "": 2 }), "object"),
    ] {
        assert_eq!(jar.dispatch("type", &params).unwrap().get::<String>().unwrap(), kind);
        assert_eq!(jar.dispatch("same", &params).unwrap().get::<serde_json::Value>().unwrap(), params);
    }
    assert_eq!(jar.dispatch("type", &()).unwrap().as_str(), r#""null""#);
}

#[test]
fn params_can_be_the_result_of_another_call() {
    let mut jar = jar();
    jar.eval("host.on('same', p => p)").unwrap();
    let result: Value = jar.eval("({ a: [1, { b: null }] })").unwrap();
    assert_eq!(jar.dispatch("same", &result).unwrap(), result);
}

#[test]
fn a_handler_that_throws_is_an_error_of_the_script() {
    let mut jar = jar();
    jar.eval(
        "host.on('throw', p => { throw new RangeError(p) }); host.on('reject', async p => { throw new RangeError(p) })",
    )
    .unwrap();
    for event in ["throw", "reject"] {
        for error in [thrown(jar.dispatch(event, "no")), thrown(block_on(jar.dispatch_async(event, "no")))] {
            assert_eq!((error.name.as_str(), error.message.as_str()), ("RangeError", "no"));
            assert!(error.stack.unwrap().contains("script.js:1:"));
        }
    }
    assert_usable(&mut jar);
}

#[test]
fn a_handler_runs_without_a_this() {
    let mut jar = jar();
    jar.eval("host.on('strict', function () { 'use strict'; return this === undefined }); host.on('sloppy', function () { return this === globalThis })")
        .unwrap();
    assert_eq!(jar.dispatch("strict", &()).unwrap().as_str(), "true");
    assert_eq!(jar.dispatch("sloppy", &()).unwrap().as_str(), "true");
}

#[test]
fn any_callable_can_be_a_handler() {
    let router = Router::new().handle("echo", |_: &Call, value: Value| Ok(value));
    let mut jar = jar_with_router(&router);
    jar.eval(
        "host.on('bound', host.rpcSync.bind(null, 'echo')); host.on('proxy', new Proxy(p => p, {}));
         host.on('class', class {}); host.on('generator', function* () { yield 1 }); host.on('native', Math.abs)",
    )
    .unwrap();
    assert_eq!(jar.dispatch("bound", &[1]).unwrap().as_str(), "[1]");
    assert_eq!(jar.dispatch("proxy", &[1]).unwrap().as_str(), "[1]");
    assert_eq!(thrown(jar.dispatch("class", &())).name, "TypeError");
    let error = jar.dispatch("generator", &()).unwrap_err();
    assert_eq!(error.to_string(), "result: a Generator cannot cross");
    assert_eq!(jar.dispatch("native", &-3).unwrap().as_str(), "3");
}

#[test]
fn reset_forgets_the_handlers() {
    let mut jar = jar();
    jar.eval("host.on('e', () => 1)").unwrap();
    jar.reset().unwrap();
    assert_eq!(jar.dispatch("e", &()).unwrap_err().code(), "no_such_event");
    assert_usable(&mut jar);
}

#[test]
fn the_events_that_scripts_registered_are_listed_in_order() {
    let mut jar = jar();
    assert!(jar.events().unwrap().is_empty());
    jar.eval("for (const name of ['b', 'a', '7', 'größe', '\\u0000\"', 'a']) host.on(name, () => 1)").unwrap();
    assert_eq!(jar.events().unwrap(), ["\0\"", "7", "a", "b", "größe"]);
    let snapshot = jar.snapshot().unwrap();
    let mut restored = runtime().restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
    assert_eq!(restored.events().unwrap().len(), 5);
    assert_usable(&mut jar);
}

#[test]
fn the_list_of_events_is_bounded() {
    let mut jar = jar();
    jar.eval("host.on('x'.repeat(1000), () => 1); host.on('y'.repeat(1001), () => 1)").unwrap();
    assert_eq!(jar.events().unwrap(), ["x".repeat(1000)]);
    jar.eval("for (let i = 0; i < 5000; i++) host.on('event ' + i, () => 1)").unwrap();
    assert_eq!(jar.events().unwrap().len(), 999);
    assert_usable(&mut jar);
}

#[test]
fn events_are_told_of_a_paused_call_and_after_a_limit() {
    let router = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
    let limits = Limits { fuel: Some(5_000_000), ..Limits::default() };
    let mut jar = runtime().instance(&router, &limits).unwrap();
    jar.eval("host.on('late', () => 1); for (;;);").unwrap_err();
    assert_eq!(jar.events().unwrap(), ["late"]);
    let before = jar.stats();
    let turn = block_on(jar.step_eval_async("await host.rpc('ask')")).unwrap();
    let Turn::Paused(paused) = turn else { panic!("nobody has answered yet") };
    let id = paused.pending()[0].id;
    assert_eq!(jar.events().unwrap(), ["late"]);
    assert_eq!(jar.stats().calls, before.calls + 1);
    let turn = block_on(jar.resume_async([(id, Answer::Result(Value::of(&5).unwrap()))])).unwrap();
    assert!(matches!(turn, Turn::Done(value) if value.as_str() == "5"));
}
