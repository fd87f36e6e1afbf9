//! What an embedder learns about an error or value that a script threw.

use belljar::{Blame, Call, Error, JsError, Reply, Router, RpcError, Script};

use crate::support::{assert_usable, block_on, jar, jar_with_router, runtime, thrown};

/// The error that this script throws, which must be the same in every kind of call.
#[track_caller]
fn thrown_by(script: &str) -> JsError {
    let mut jar = jar();
    let script = format!("{{ {script} }}");
    let error = thrown(jar.eval(&script));
    assert_eq!(thrown(block_on(jar.eval_async(&script))), error, "{script}");
    // A program has no source, so the line cannot be found.
    let mut in_program = thrown(jar.run(&runtime().compile(&script).unwrap()));
    in_program.locate(&Script::new(script.as_str()));
    assert_eq!(in_program, error, "{script}");
    assert_usable(&mut jar);
    error
}

#[test]
fn an_error_carries_its_name_and_its_message() {
    for (script, name, message) in [
        ("throw new Error('a')", "Error", "a"),
        ("throw new TypeError('b')", "TypeError", "b"),
        ("throw new RangeError()", "RangeError", ""),
        ("throw Object.assign(new Error('c'), { name: 'MyError' })", "MyError", "c"),
        ("throw new (class OwnError extends Error { get name() { return 'OwnError' } })('d')", "OwnError", "d"),
        ("throw new AggregateError([new Error('x')], 'e')", "AggregateError", "e"),
        ("throw Error('größe \\u{1f514} \\0 \" \\\\')", "Error", "größe \u{1f514} \0 \" \\"),
    ] {
        let error = thrown_by(script);
        assert_eq!((error.name.as_str(), error.message.as_str()), (name, message), "{script}");
        assert_eq!(error.thrown, None);
    }
}

#[test]
fn errors_of_the_engine_look_like_those_of_scripts() {
    for (script, name) in [
        ("null.x", "TypeError"),
        ("undefined()", "TypeError"),
        ("missing", "ReferenceError"),
        ("new Array(-1)", "RangeError"),
        ("decodeURIComponent('%')", "URIError"),
        ("JSON.parse('{')", "SyntaxError"),
        ("const f = () => f(); f()", "RangeError"),
        ("x; let x = 1", "ReferenceError"),
        ("const c = 1; c = 2", "TypeError"),
        ("Symbol() + ''", "TypeError"),
        ("1n + 1", "TypeError"),
        ("new RegExp('(')", "SyntaxError"),
    ] {
        assert_eq!(thrown_by(script).name, name, "{script}");
    }
}

#[test]
fn a_stack_names_the_script_the_functions_and_the_lines() {
    let source = "function inner() {\n  throw new Error('deep');\n}\nfunction outer() {\n  inner();\n}\nouter();";
    let script = Script::new(source).named("orders/größe.js");
    let mut jar = jar();
    for error in [
        thrown(jar.eval(&script)),
        thrown(block_on(jar.eval_async(&script))),
        thrown(jar.run(&runtime().compile(&script).unwrap())),
    ] {
        let stack = error.stack.unwrap();
        let lines: Vec<&str> = stack.lines().collect();
        for (line, (function, at)) in lines.iter().zip([("inner", "2:"), ("outer", "5:"), ("", "7:")]) {
            assert!(line.contains(function) && line.contains(&format!("orders/größe.js:{at}")), "{stack}");
        }
        assert_eq!(lines.len(), 3, "{stack}");
    }
}

#[test]
fn a_stack_survives_an_await() {
    let source = "async function work() {\n  await null;\n  throw new Error('later');\n}\nawait work();";
    let error = thrown(block_on(jar().eval_async(Script::new(source).named("async.js"))));
    assert!(error.stack.unwrap().contains("async.js:3:"));
}

#[test]
fn every_script_keeps_its_own_name() {
    let mut jar = jar();
    jar.eval(Script::new("function first() { throw new Error('x') }").named("first.js")).unwrap();
    let stack = thrown(jar.eval(Script::new("first()").named("second.js"))).stack.unwrap();
    assert!(stack.contains("first.js:1:") && stack.contains("second.js:1:"), "{stack}");
    jar.eval(Script::new("\n\nhost.on('e', () => first())").named("third.js")).unwrap();
    let stack = thrown(jar.dispatch("e", &())).stack.unwrap();
    assert!(stack.contains("first.js:1:") && stack.contains("third.js:3:"), "{stack}");
}

#[test]
fn a_syntax_error_names_the_line() {
    let script = Script::new("let a = 1;\nlet b = ;\n").named("broken.js");
    for error in [thrown(jar().eval(&script)), thrown(block_on(jar().eval_async(&script)))] {
        assert_eq!(error.name, "SyntaxError");
        assert!(error.stack.unwrap().contains("broken.js:2:"));
    }
    let Err(Error::Js(error)) = runtime().compile(&script) else { panic!("it should not compile") };
    assert!(error.stack.unwrap().contains("broken.js:2:"));
}

#[test]
fn a_cause_comes_with_its_own_causes() {
    let error = thrown_by("throw new Error('a', { cause: new TypeError('b', { cause: { code: 7 } }) })");
    let cause = error.cause.unwrap();
    assert_eq!((cause.name.as_str(), cause.message.as_str()), ("TypeError", "b"));
    assert!(cause.stack.is_some());
    assert_eq!(cause.cause.unwrap().thrown.unwrap().as_str(), r#"{"code":7}"#);
    assert!(thrown_by("throw new Error('a')").cause.is_none());
}

#[test]
fn a_circle_of_causes_ends() {
    let mut depth = 0;
    let mut error = thrown_by("const e = new Error('x'); e.cause = e; throw e");
    while let Some(cause) = error.cause {
        error = *cause;
        depth += 1;
        assert!(depth < 100);
    }
    assert!(depth > 1);
}

#[test]
fn what_is_no_error_comes_as_json() {
    for (script, json) in [
        ("throw 1.5", "1.5"),
        ("throw 'text'", r#""text""#),
        ("throw true", "true"),
        ("throw null", "null"),
        ("throw { code: 7, list: [1, null] }", r#"{"code":7,"list":[1,null]}"#),
        ("throw [1, [2]]", "[1,[2]]"),
        ("throw { toJSON: () => ({ shown: 1 }) }", r#"{"shown":1}"#),
        ("throw new Proxy({ a: 1 }, {})", r#"{"a":1}"#),
        ("throw '\\ud800'", r#""\ud800""#),
        ("throw Object.create(Error.prototype)", "{}"),
        (
            "throw { name: 'Error', message: 'no error', stack: 'mine' }",
            r#"{"name":"Error","message":"no error","stack":"mine"}"#,
        ),
    ] {
        let error = thrown_by(script);
        assert_eq!(error.thrown.unwrap().as_str(), json, "{script}");
        assert_eq!((error.name.as_str(), error.stack), ("", None), "{script}");
    }
}

#[test]
fn what_has_no_json_form_is_an_error_all_the_same() {
    for script in [
        "throw undefined",
        "throw Symbol('s')",
        "throw 10n",
        "throw () => 1",
        "throw class A {}",
        "const a = {}; a.a = a; throw a",
        "throw { toString() { throw 1 }, toJSON() { throw 2 } }",
        "throw { toJSON() { return undefined } }",
        "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy",
        "throw Object.create(null, { toJSON: { get() { throw 1 } } })",
    ] {
        let error = thrown_by(script);
        assert_eq!((error.name.as_str(), error.thrown), ("", None), "{script}");
    }
    assert_eq!(thrown_by("throw Symbol('s')").message, "s");
    assert_eq!(thrown_by("throw 10n").message, "10");
}

#[test]
fn hostile_getters_of_an_error_hide_what_they_guard_and_no_more() {
    let error = thrown_by(
        "throw Object.defineProperties(new Error('x'), {
            name: { get() { throw 1 } }, message: { get() { throw 2 } }, stack: { get() { throw 3 } }, cause: { get() { throw 4 } } })",
    );
    assert_eq!((error.stack, error.cause), (None, None));
    let error = thrown_by("throw Object.defineProperty(new TypeError('kept'), 'stack', { value: 5 })");
    assert_eq!((error.name.as_str(), error.message.as_str(), error.stack), ("TypeError", "kept", None));
    let error =
        thrown_by("throw Object.assign(new Error(), { message: { toString() { throw 1 } }, name: Symbol('n') })");
    assert_eq!(error.message, "");
    let error = thrown_by("throw Object.defineProperty(new Error('kept'), 'cause', { get() { throw 1 } })");
    assert_eq!((error.message.as_str(), error.cause), ("kept", None));
    thrown_by(
        "throw new Proxy(new Error('x'), { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 } })",
    );
}

#[test]
fn a_getter_of_an_error_runs_under_the_limits_of_the_call() {
    let limits = belljar::Limits { cpu_time: std::time::Duration::from_millis(30), ..Default::default() };
    let mut jar = runtime().instance(&belljar::Router::new(), &limits).unwrap();
    for script in [
        "throw Object.defineProperty(new Error('x'), 'message', { get() { for (;;); } })",
        "throw { toString() { for (;;); } }",
        "throw { toJSON() { for (;;); } }",
        "Promise.reject({ toJSON() { for (;;); } }); 1",
    ] {
        assert_eq!(jar.eval(script).unwrap_err().code(), "cpu_limit_exceeded", "{script}");
        assert_usable(&mut jar);
    }
}

#[test]
fn texts_of_an_error_are_bounded() {
    let error =
        thrown_by("throw Object.assign(new Error('m'.repeat(1e6)), { name: 'n'.repeat(1e6), stack: 's'.repeat(1e6) })");
    for text in [error.name, error.message, error.stack.unwrap()] {
        assert!((1000..100_000).contains(&text.len()), "{}", text.len());
    }
    let error = thrown_by("throw '\\u{1f514}'.repeat(1e5)");
    assert!(error.message.len() < 100_000);
}

#[test]
fn an_error_says_whose_fault_it_is() {
    let mut jar = jar();
    for (error, blame) in [
        (jar.eval("throw 1").unwrap_err(), Blame::Script),
        (jar.eval("[() => 10]").unwrap_err(), Blame::Script),
        (jar.eval("new Promise(() => {})").unwrap_err(), Blame::Script),
        (jar.eval(" ".repeat((10 << 20) + 1)).unwrap_err(), Blame::Limits),
        (jar.dispatch("nobody", &()).unwrap_err(), Blame::Script),
        (jar.eval("1").unwrap().get::<String>().unwrap_err(), Blame::Caller),
        (jar.eval(Script::new("1").named("a\0b")).unwrap_err(), Blame::Caller),
    ] {
        assert_eq!(error.blame(), blame, "{error:?}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn a_stack_of_nothing_but_space_is_none() {
    assert_eq!(thrown_by("throw Object.defineProperty(new Error('x'), 'stack', { value: ' \\n ' })").stack, None);
}

fn failing() -> Router {
    Router::new().handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("no_funds", "it failed")))
}

#[track_caller]
fn assert_stack(source: &str, expected: &[&str]) {
    let mut jar = jar_with_router(&failing());
    let error = thrown(block_on(jar.eval_async(Script::new(source).named("job.js"))));
    assert_eq!((error.message.as_str(), error.code()), ("it failed", Some("no_funds")), "{source}");
    assert_eq!(error.method(), Some("fail"));
    let stack = error.stack.unwrap_or_default();
    let lines: Vec<&str> = stack.lines().map(str::trim).collect();
    assert_eq!(lines, expected, "{source}");
    let e = block_on(jar.eval_async("await host.rpc('fail').catch(e => [e.code, e.method, Object.keys(e)])")).unwrap();
    assert_eq!(e.as_str(), r#"["no_funds","fail",[]]"#);
}

#[test]
fn an_error_of_a_handler_has_the_stack_of_the_call() {
    assert_stack("await host.rpc('fail')", &["at <eval> (job.js:1:12)"]);
    assert_stack("1;\nconst p = host.rpc('fail');\nawait null;\nawait p", &["at <eval> (job.js:2:16)"]);
    assert_stack(
        "function ask() {\n  return host.rpc('fail')\n}\n[1].map(ask);\nawait ask()",
        &["at ask (job.js:2:15)", "at <eval> (job.js:5:7)"],
    );
    assert_stack("host.rpcSync('fail')", &["at rpcSync (native)", "at <eval> (job.js:1:6)"]);
}

#[test]
fn the_functions_that_await_a_failed_call_are_in_its_stack() {
    let source = "async function inner() {\n  await null;\n  await host.rpc('fail')\n}\nasync function outer() {\n  await null;\n  \
                  return await inner()\n}\nawait outer()";
    assert_stack(source, &["at inner (job.js:3:14)", "at async outer (job.js:7:16)", "at async <eval> (job.js:9:7)"]);
    assert_stack(
        "const run = async () => { await 1; await host.rpc('fail').finally(() => 1) };\nawait run()",
        &["at run (job.js:1:47)", "at async <eval> (job.js:2:7)"],
    );
}

#[test]
fn the_stack_of_a_failed_call_holds_through_a_snapshot_and_deep_calls() {
    use belljar::{Answer, Limits, Turn};
    let router = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
    let mut jar = runtime().instance(&router, &Limits::default()).unwrap();
    let source = "const deep = n => n ? deep(n - 1) : host.rpc('ask');\nawait deep(100)";
    let Turn::Paused(paused) = block_on(jar.step_eval_async(Script::new(source).named("deep.js"))).unwrap() else {
        panic!("nobody has answered yet")
    };
    let answers: Vec<_> =
        paused.pending().iter().map(|call| (call.id, Answer::Error(RpcError::new("no", "refused")))).collect();
    let mut other = runtime().restore(paused.snapshot(), &router, &Limits::default()).unwrap();
    let Err(Error::Js(error)) = block_on(other.resume_async(answers)) else { panic!("it was refused") };
    let stack = error.stack.unwrap();
    assert_eq!(stack.lines().filter(|line| line.contains("at deep (deep.js:1:")).count(), 4, "{stack}");
    assert!(stack.contains("at async <eval> (deep.js:2:"), "{stack}");
}

#[test]
fn scripts_do_not_see_the_stack_of_a_call_being_made() {
    let mut jar = jar_with_router(&failing());
    let script = "Error.prepareStackTrace = () => { throw 1 }; Error.stackTraceLimit = 0; \
                  const e = await host.rpc('fail').catch(e => e); typeof e.stack + e.message";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "\"stringit failed\"");
}

#[test]
fn an_error_carries_its_own_plain_properties() {
    let error = thrown_by(
        "throw Object.assign(new Error('x'), { status: 403, code: 'http', data: { a: [1] }, f() {}, u: undefined, n: 1n, [Symbol()]: 1 })",
    );
    assert_eq!(error.code(), Some("http"));
    let properties: Vec<_> = error.properties().map(|(name, value)| (name, value.as_str())).collect();
    assert_eq!(properties, [("data", "{\"a\":[1]}"), ("status", "403")]);
    let error =
        thrown_by("throw Object.defineProperty(new Error('x'), 'status', { enumerable: true, get() { throw 1 } })");
    assert!(error.properties().next().is_none());
    assert_eq!(thrown_by("throw Object.assign(new Error('x'), { code: 7 })").code(), None);
}

#[test]
fn properties_of_an_error_are_bounded() {
    let error = thrown_by("const e = new Error('x'); for (let i = 0; i < 1000; i++) e['p' + i] = i; throw e");
    assert_eq!(error.properties().count(), 16);
    let error = thrown_by("throw Object.assign(new Error('x'), { big: 'x'.repeat(5000), small: 'x'.repeat(4000) })");
    assert_eq!(error.properties().map(|(name, _)| name).collect::<Vec<_>>(), ["small"]);
}

#[test]
fn the_errors_of_an_aggregate_error_are_told() {
    let error = thrown_by("throw new AggregateError([new TypeError('a'), 'b', new RangeError('c')], 'many')");
    let told: Vec<_> = error.errors().iter().map(|error| (error.name.as_str(), error.message.as_str())).collect();
    assert_eq!(told, [("TypeError", "a"), ("", "b"), ("RangeError", "c")]);
    let mut jar = jar_with_router(&failing());
    let error = thrown(block_on(jar.eval_async("await Promise.any([host.rpc('fail'), host.rpc('fail')])")));
    assert_eq!(error.errors().len(), 2);
    assert_eq!(error.errors()[0].code(), Some("no_funds"));
    assert!(error.errors()[0].stack.as_deref().is_some_and(|stack| stack.contains("script.js:1:")));
}

#[test]
fn errors_of_an_aggregate_error_are_bounded() {
    let error = thrown_by("throw new AggregateError(Array.from({ length: 100 }, () => new Error('e'.repeat(1e4))))");
    assert_eq!(error.errors().len(), 16);
    assert!(error.errors().iter().all(|error| error.message.len() < 5000));
    let error =
        thrown_by("let e = new Error('x'); for (let i = 0; i < 1000; i++) e = new AggregateError([e, e]); throw e");
    assert!(error.errors().iter().all(|error| error.errors().is_empty()));
    let error =
        thrown_by("const e = new AggregateError([]); e.errors = new Proxy([1], { get() { throw 1 } }); throw e");
    assert!(error.errors().is_empty());
    let error = thrown_by(
        "const e = new AggregateError([]); Object.defineProperty(e.errors, 0, { get() { throw 1 } }); throw e",
    );
    assert_eq!(error.errors().len(), 1);
}

#[test]
fn a_thrown_object_is_told_as_its_json() {
    let error = thrown_by("throw { message: 'no such order', code: 'not_found' }");
    assert_eq!(error.to_string(), r#"the script threw {"message":"no such order","code":"not_found"}"#);
    assert_eq!(error.code(), Some("not_found"));
    assert_eq!(thrown_by("throw { toString() { return 'mine' } }").message, "mine");
    assert_eq!(thrown_by("throw Object.create(null)").message, "{}");
    assert_eq!(thrown_by("const o = {}; o.o = o; throw o").message, "[object Object]");
}
