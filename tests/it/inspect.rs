//! Values as text for people: every value has a text, formatting runs no script code, and it is bounded.

use belljar::{Answer, Call, Error, Instance, LimitKind, Limits, Reply, Router, Shown, Turn, Value};

use crate::support::{
    Log, assert_usable, assert_usable_after_reset, block_on, jar, jar_of, jar_with, jar_with_router, limit_of, runtime,
};

/// The text of a value, which `inspect` and the console must both give.
#[track_caller]
fn shown(script: &str) -> Shown {
    let shown = jar().inspect(script).unwrap();
    assert_eq!(block_on(jar().inspect_async(script)).unwrap(), shown, "{script}");
    shown
}

fn prompt() -> Instance {
    runtime().build_instance().with_last_value().start(&Router::new(), &Limits::default()).unwrap()
}

#[test]
fn every_value_looks_as_the_console_shows_it() {
    for (expression, text) in [
        ("1.5", "1.5"),
        ("-0", "-0"),
        ("null", "null"),
        ("true", "true"),
        ("10n", "10n"),
        ("Symbol('s')", "Symbol(s)"),
        ("(function f() {})", "[Function: f]"),
        ("() => 1", "[Function]"),
        ("({ a: [1, 'b'], c: undefined })", "{ a: [ 1, \"b\" ], c: undefined }"),
        ("new Map([[1, new Set(['b'])]])", "Map { 1 => Set { \"b\" } }"),
        ("const a = []; a.push(a); a", "[ [Circular] ]"),
        ("new Proxy({ a: 1 }, {})", "[Proxy]"),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("/a/g", "/a/g"),
        ("new Uint8Array([1, 2])", "Uint8Array [ 1, 2 ]"),
        ("new (class Price { cents = 5 })", "Price { cents: 5 }"),
        ("({ toJSON() { return 1 } })", "{ toJSON: [Function: toJSON] }"),
        ("['\\ud800x\\udfff']", "[ \"\u{fffd}x\u{fffd}\" ]"),
    ] {
        let log = Log::default();
        let (start, last) = expression.rsplit_once("; ").unwrap_or(("", expression));
        jar_with_router(&log.console()).eval(format!("{start}; console.log({last})")).unwrap();
        let shown = shown(expression);
        assert_eq!((shown.as_str(), log.take()), (text, vec![text.to_owned()]), "{expression}");
        assert!(!shown.is_string() && !shown.is_undefined(), "{expression}");
        assert_eq!(shown.to_string(), shown.into_text());
    }
    let error = shown("new RangeError('far')");
    assert!(error.as_str().starts_with("RangeError: far\n    at <eval> (script.js:1:"), "{error}");
}

#[test]
fn a_string_is_itself_and_whole() {
    for (script, text) in [
        ("''", ""),
        ("'7'", "7"),
        ("'\"a\\n\\0b\"'", "\"a\n\0b\""),
        ("'größe \\u{1f514}'", "größe \u{1f514}"),
        ("'\\ud800x'", "\u{fffd}x"),
        ("'\\udfff\\ud83d\\udd14\\ud83d'", "\u{fffd}\u{1f514}\u{fffd}"),
    ] {
        let shown = shown(script);
        assert_eq!((shown.as_str(), shown.is_string()), (text, true), "{script}");
    }
    assert_eq!(shown("'ab'.repeat(1e6)").as_str(), "ab".repeat(1_000_000));
}

#[test]
fn undefined_is_told_from_the_string_of_that_name() {
    for script in ["undefined", "", "let a = 1", "if (false) 1", "Promise.resolve()"] {
        let shown = shown(script);
        assert_eq!((shown.as_str(), shown.is_undefined()), ("undefined", true), "{script}");
    }
    let string = shown("'undefined'");
    assert_eq!((string.as_str(), string.is_undefined(), string.is_string()), ("undefined", false, true));
}

#[test]
fn the_value_is_that_of_the_last_statement_whatever_kind_it_is() {
    assert_eq!(shown("try { new Map() } finally { 3 }").as_str(), "Map {}");
    assert_eq!(shown("for (let i = 0; i < 3; i++) { [i] }").as_str(), "[ 2 ]");
    assert_eq!(shown("if (false) 1n; else 2n").as_str(), "2n");
    assert_eq!(shown("[1]; let b = 2").as_str(), "[ 1 ]");
}

#[test]
fn a_promise_is_awaited() {
    assert_eq!(shown("Promise.resolve(() => 1)").as_str(), "[Function]");
    let router = Router::new().handle("ask", |_: &Call, ()| Ok(vec![1, 2]));
    let mut jar = jar_with_router(&router);
    assert_eq!(block_on(jar.inspect_async("new Set(await host.rpc('ask'))")).unwrap().as_str(), "Set { 1, 2 }");
    assert_eq!(block_on(jar.inspect_async("({ then(done) { done(1n) } })")).unwrap().as_str(), "1n");
    assert!(matches!(jar.inspect("new Promise(() => {})"), Err(Error::NeverSettled { .. })));
    assert!(matches!(jar.inspect("Promise.reject(1n)"), Err(Error::Js(_))));
    assert_usable(&mut jar);
}

#[test]
fn what_a_script_throws_is_an_error_as_everywhere() {
    let mut jar = jar();
    assert_eq!(jar.inspect("null.x").unwrap_err().code(), "js_error");
    assert_eq!(jar.inspect("let = =").unwrap_err().code(), "js_error");
    assert_eq!(jar.inspect("({ get a() { throw 1 } })").unwrap().as_str(), "{ a: [Getter] }");
}

#[test]
fn looking_at_a_value_runs_nothing_of_the_script() {
    let mut jar = jar();
    jar.eval("var ran = []; const note = name => () => { ran.push(name); throw name }").unwrap();
    let traps = "{ get: note('get'), has: note('has'), ownKeys: note('keys'), getPrototypeOf: note('prototype'),
        getOwnPropertyDescriptor: note('descriptor') }";
    let object = "{ get a() { note('getter')() }, toString: note('toString'), valueOf: note('valueOf'),
        toJSON: note('toJSON'), [Symbol.toPrimitive]: note('toPrimitive'),
        get [Symbol.toStringTag]() { note('tag')() } }";
    for script in [
        format!("[new Proxy({{}}, {traps})]"),
        format!("new Proxy(function () {{}}, {traps})"),
        format!("({object})"),
        format!("Object.create(new Proxy({{}}, {traps}))"),
        format!("Object.assign(Object.create({object}), {{ b: 1 }})"),
        "class A { static get name() { note('name')() } }; new A".into(),
        "Object.defineProperty(new Error('e'), 'message', { get: note('message') })".into(),
        "Object.defineProperty([], 0, { get: note('element'), enumerable: true })".into(),
    ] {
        jar.inspect(&script).unwrap();
        assert_eq!(jar.eval("ran").unwrap().as_str(), "[]", "{script}");
    }
}

#[test]
fn what_a_script_replaces_is_not_used() {
    let mut jar = jar();
    jar.eval(
        "const hostile = () => { throw 'replaced' }, kept = new Map([[1, new Set([new Date(0)])]]);
        for (const shared of [String, Symbol, Array, Object, Map, Set, Promise, Function, Date, RegExp]) {
            for (const name of Object.getOwnPropertyNames(shared.prototype)) {
                const own = Object.getOwnPropertyDescriptor(shared.prototype, name);
                if (!own.configurable || name === 'constructor') continue;
                Object.defineProperty(shared.prototype, name, 'value' in own ? { value: hostile } : { get: hostile });
            }
        }
        console.log = hostile; globalThis.console = null; globalThis.JSON = null; globalThis.Object = null",
    )
    .unwrap();
    for (script, text) in [
        ("'text'", "text"),
        ("Symbol('s')", "Symbol(s)"),
        ("[[1], { a: 'b' }]", "[ [ 1 ], { a: \"b\" } ]"),
        ("/a/g", "/a/g"),
        ("() => 1", "[Function]"),
        ("kept", "Map { 1 => Set { 1970-01-01T00:00:00.000Z } }"),
    ] {
        assert_eq!(jar.inspect(script).unwrap().as_str(), text, "{script}");
    }
}

#[test]
fn of_a_large_value_a_part_is_shown() {
    for (script, part) in [
        ("new Array(1e6).fill(7)", "7, … 999900 more ]"),
        ("new Uint8Array(1e7)", "0, … 9999900 more ]"),
        ("Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => ['k' + i, i]))", "k99: 99, … 9900 more }"),
        ("new Set(Array.from({ length: 1e5 }, (_, i) => i))", "99, … }"),
        ("let deep = []; for (let i = 0; i < 1e5; i++) deep = [deep]; deep", "[Array]"),
    ] {
        let shown = shown(script);
        assert!(shown.as_str().contains(part), "{script}: {shown}");
    }
    let wide = shown("const row = new Array(100).fill('x'.repeat(1e5)); new Array(100).fill(row)");
    assert!(wide.as_str().len() <= (32 << 10) + 3 && wide.as_str().ends_with('…'), "{}", wide.as_str().len());
}

/// Makes the value under wide limits, and inspects it under others.
#[test]
fn limits_hold_while_a_value_is_looked_at() {
    let mut maker = jar();
    maker.eval("var large = {}; for (let i = 0; i < 3e5; i++) large['k' + i] = i").unwrap();
    maker.eval("var text = 'x'.repeat(2e6)").unwrap();
    let snapshot = maker.snapshot().unwrap();
    let fuel = Limits { fuel: Some(3_000_000), ..Limits::default() };
    let mut jar = runtime().restore(&snapshot, &Router::new(), &fuel).unwrap();
    assert_eq!(jar.eval("typeof large").unwrap().as_str(), "\"object\"");
    assert_eq!(limit_of(jar.inspect("large")), (LimitKind::Fuel, 3_000_000));
    assert_usable_after_reset(&mut jar);
    let message = Limits { message_bytes: 1_000_000, ..Limits::default() };
    let mut jar = runtime().restore(&snapshot, &Router::new(), &message).unwrap();
    assert_eq!(limit_of(jar.inspect("text")), (LimitKind::Message, 1_000_000));
    assert_eq!(limit_of(block_on(jar.inspect_async("text"))), (LimitKind::Message, 1_000_000));
    assert_usable(&mut jar);
}

#[test]
fn a_string_that_the_heap_has_no_second_room_for_is_a_limit() {
    let limits = Limits { js_heap_bytes: 8 << 20, ..Limits::default() };
    let mut jar = jar_with(&limits);
    // One byte per character in the engine, and two in UTF-8.
    assert_eq!(limit_of(jar.inspect("'ü'.repeat(4e6)")), (LimitKind::JsHeap, 8 << 20));
    assert_usable(&mut jar);
}

#[test]
fn a_value_is_shown_for_the_cost_of_showing_it() {
    for script in ["undefined", "let a = [1, 2, 3]; a.map(x => x * 2); undefined"] {
        let (mut one, mut other) = (jar(), jar());
        one.eval(script).unwrap();
        other.inspect(script).unwrap();
        assert_eq!(one.call_stats().fuel, other.call_stats().fuel, "{script}");
    }
}

#[test]
fn the_wish_ends_with_its_call() {
    let mut jar = prompt();
    jar.eval("host.on('list', () => [1])").unwrap();
    assert_eq!(jar.inspect("[1]").unwrap().as_str(), "[ 1 ]");
    assert_eq!(jar.eval("[1]").unwrap().as_str(), "[1]");
    assert_eq!(jar.dispatch("list", &()).unwrap().as_str(), "[1]");
    assert_eq!(jar.eval("() => 1").unwrap_err().code(), "not_serializable");
}

#[test]
fn a_call_that_a_handler_pauses_shows_nothing() {
    let router = Router::new().handle("wait", |_: &Call, ()| Reply::pause());
    let mut jar = jar_of(&router, &Limits::default());
    assert!(matches!(block_on(jar.inspect_async("await host.rpc('wait')")), Err(Error::Paused { .. })));
    assert_usable(&mut jar);
}

#[test]
fn the_newest_value_is_kept_where_that_was_asked_for() {
    let mut jar = prompt();
    assert_eq!(jar.eval("typeof _").unwrap().as_str(), "\"undefined\"");
    jar.inspect("new Map([[1, { name: 'Ada' }]])").unwrap();
    assert_eq!(jar.inspect("_.get(1)").unwrap().as_str(), "{ name: \"Ada\" }");
    assert_eq!(block_on(jar.inspect_async("(await _).name")).unwrap().as_str(), "Ada");
    // An undefined value, an error, and a value that was not inspected leave `_` unchanged.
    assert!(jar.inspect("undefined").unwrap().is_undefined());
    assert!(jar.inspect("null.x").is_err());
    assert_eq!(jar.eval("7").unwrap().as_str(), "7");
    assert_eq!(jar.inspect("_").unwrap().as_str(), "Ada");
    assert_eq!(jar.eval("Object.keys(globalThis).includes('_')").unwrap().as_str(), "false");
    let snapshot = jar.snapshot().unwrap();
    let mut twin = runtime().restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
    assert_eq!(twin.inspect("_ + '!'").unwrap().as_str(), "Ada!");
    assert_eq!(twin.eval("_").unwrap().as_str(), "\"Ada\"", "the twin was not asked to keep any");
    jar.reset().unwrap();
    assert_eq!(jar.eval("typeof _").unwrap().as_str(), "\"undefined\"");
}

#[test]
fn a_name_that_a_script_has_taken_stays_its_own() {
    for declaration in ["let _ = 'mine'", "const _ = 'mine'", "var _ = 'mine'", "function _() {}; var _ = 'mine'"] {
        let mut jar = prompt();
        jar.inspect(declaration).unwrap();
        assert_eq!(jar.inspect("1n").unwrap().as_str(), "1n", "{declaration}");
        assert_eq!(jar.inspect("_").unwrap().as_str(), "mine", "{declaration}");
    }
    for later in ["let _ = 'mine'", "const _ = 'mine'"] {
        let mut jar = prompt();
        jar.inspect("1").unwrap();
        jar.inspect(later).unwrap();
        jar.inspect("2").unwrap();
        assert_eq!(jar.inspect("_").unwrap().as_str(), "mine", "{later}");
    }
    let mut jar = prompt();
    jar.inspect("Object.freeze(globalThis); 1").unwrap();
    assert_eq!(jar.inspect("typeof _").unwrap().as_str(), "undefined");
    assert_usable(&mut jar);
}

#[test]
fn a_jar_that_keeps_no_values_shows_them_without_a_trace() {
    let mut jar = jar();
    let names = "Object.getOwnPropertyNames(globalThis).join()";
    let before = jar.eval(names).unwrap();
    jar.inspect("[1]").unwrap();
    jar.inspect("'text'").unwrap();
    assert_eq!(jar.eval(names).unwrap(), before);
}

#[test]
fn a_step_that_is_looked_at_goes_on_as_one() {
    let router = Router::new().handle("ask", |_: &Call, _: Value| Reply::pause());
    let mut jar = jar_with_router(&router);
    let script = "const m = new Map([[1, await host.rpc('ask', 1)]]); m";
    let Turn::Paused(paused) = block_on(jar.step_inspect_async(script)).unwrap() else { panic!("it waits") };
    let mut twin = runtime().restore(paused.snapshot(), &router, &Limits::default()).unwrap();
    let answer = (paused.pending()[0].id, Answer::result("one").unwrap());
    let Turn::Done(shown) = block_on(twin.resume_inspect_async([answer])).unwrap() else { panic!("it is answered") };
    assert_eq!(shown.as_str(), r#"Map { 1 => "one" }"#);
    let Turn::Done(shown) = block_on(twin.step_inspect_async("'text'")).unwrap() else { panic!("nothing waits") };
    assert!(shown.is_string());
    // The value of a script that was not started for inspection can be shown too: as JSON.
    block_on(twin.step_eval_async("({ n: await host.rpc('ask', 2) })")).unwrap();
    let answer = (twin.pending()[0].id, Answer::result(&2).unwrap());
    let Turn::Done(shown) = block_on(twin.resume_inspect_async([answer])).unwrap() else { panic!("it is answered") };
    assert_eq!(shown.as_str(), r#"{"n":2}"#);
}

#[test]
fn a_step_that_throws_has_the_line_of_its_script() {
    let Err(Error::Js(error)) = block_on(jar().step_eval_async("const a = 1;\na.missing()")) else {
        panic!("it throws")
    };
    assert_eq!(error.frame().unwrap().text, "a.missing()");
}
