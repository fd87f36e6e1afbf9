//! Console output: levels, the format of every kind of value, and that formatting runs no script code and is bounded.

use std::sync::mpsc;

use belljar::{Clock, ConsoleLevel, Limits, Router};

use crate::support::{Log, assert_usable, block_on, jar, jar_with_router, runtime};

/// The lines that a script prints.
#[track_caller]
fn printed(script: &str) -> Vec<String> {
    let log = Log::default();
    let mut jar = jar_with_router(&log.console());
    jar.eval(script).unwrap();
    let lines = log.take();
    block_on(jar_with_router(&log.console()).eval_async(script)).unwrap();
    assert_eq!(log.take(), lines, "{script}");
    lines
}

/// What `console.log` of an expression prints.
#[track_caller]
fn shown(expression: &str) -> String {
    let mut lines = printed(&format!("console.log({expression})"));
    assert_eq!(lines.len(), 1, "{expression}");
    lines.remove(0)
}

#[test]
fn every_method_prints_at_its_level() {
    let (sender, receiver) = mpsc::channel();
    let router = Router::new().on_console(move |_, level, line| sender.send((level, line.to_owned())).unwrap());
    let mut jar = jar_with_router(&router);
    for (method, level) in [
        ("debug", ConsoleLevel::Debug),
        ("trace", ConsoleLevel::Trace),
        ("log", ConsoleLevel::Log),
        ("info", ConsoleLevel::Info),
        ("warn", ConsoleLevel::Warn),
        ("error", ConsoleLevel::Error),
        ("table", ConsoleLevel::Log),
        ("group", ConsoleLevel::Log),
    ] {
        jar.reset().unwrap();
        jar.eval(format!("console.{method}('{method}')")).unwrap();
        assert_eq!(receiver.try_recv().unwrap(), (level, method.to_owned()));
    }
    jar.reset().unwrap();
    jar.eval("console.dir({})").unwrap();
    assert_eq!(receiver.try_recv().unwrap(), (ConsoleLevel::Log, "{}".to_owned()));
    assert!(ConsoleLevel::Debug < ConsoleLevel::Log && ConsoleLevel::Warn < ConsoleLevel::Error);
}

#[test]
fn arguments_are_joined_by_spaces() {
    assert_eq!(shown("'a', 1, 'b c', true"), "a 1 b c true");
    assert_eq!(shown(""), "");
    assert_eq!(shown("''"), "");
    assert_eq!(shown("'two\\nlines'"), "two\nlines");
    assert_eq!(shown("'größe \\u{1f514}'"), "größe \u{1f514}");
    assert_eq!(shown("'\\ud800x', ['\\udc00\\ud83d\\udd14']"), "\u{fffd}x [ \"\u{fffd}\u{1f514}\" ]");
}

#[test]
fn primitives_look_like_their_source() {
    for (expression, line) in [
        ("1.5", "1.5"),
        ("1e21", "1e+21"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("true", "true"),
        ("null", "null"),
        ("undefined", "undefined"),
        ("10n", "10n"),
        ("Symbol('s')", "Symbol(s)"),
        ("Symbol()", "Symbol()"),
        ("Symbol.iterator", "Symbol(Symbol.iterator)"),
        ("['text']", r#"[ "text" ]"#),
        ("['a\\n\"']", r#"[ "a\n\"" ]"#),
    ] {
        assert_eq!(shown(expression), line, "{expression}");
    }
}

#[test]
fn objects_and_arrays_show_their_entries() {
    for (expression, line) in [
        ("[]", "[]"),
        ("{}", "{}"),
        ("[1, 'a', [2, null]]", r#"[ 1, "a", [ 2, null ] ]"#),
        ("{ a: 1, b: { c: 'x' } }", r#"{ a: 1, b: { c: "x" } }"#),
        ("{ 'two words': 1, '': 2, 3: 4 }", r#"{ 3: 4, "two words": 1, "": 2 }"#),
        ("{ [Symbol('k')]: 1 }", "{ [Symbol(k)]: 1 }"),
        ("[, 1]", "[ <empty>, 1 ]"),
        ("Object.create(null, { a: { value: 1, enumerable: true } })", "{ a: 1 }"),
        ("Object.create({ inherited: 1 })", "{}"),
        ("[[[[[[1]]]]]]", "[ [ [ [ [Array] ] ] ] ]"),
        ("{ a: { b: { c: { d: { e: 1 } } } } }", "{ a: { b: { c: { d: [Object] } } } }"),
    ] {
        assert_eq!(shown(expression), line, "{expression}");
    }
}

#[test]
fn maps_and_sets_show_what_they_hold() {
    assert_eq!(shown("new Map([[1, { a: 'x' }], [{ k: 1 }, 2]])"), r#"Map { 1 => { a: "x" }, { k: 1 } => 2 }"#);
    assert_eq!(shown("new Set(['a', [1]])"), r#"Set { "a", [ 1 ] }"#);
    assert_eq!(shown("new Map(), new Set()"), "Map {} Set {}");
    assert_eq!(shown("new (class Own extends Map {})([[1, 2]])"), "Own [Map] { 1 => 2 }");
    assert_eq!(shown("new Map([[new Map([[1, 2]]), new Set([3])]])"), "Map { Map { 1 => 2 } => Set { 3 } }");
}

#[test]
fn functions_and_classes_show_their_names() {
    assert_eq!(
        shown("function named() {}, () => 1, class A {}, Math.abs"),
        "[Function: named] [Function] [Function: A] [Function: abs]"
    );
    assert_eq!(shown("host.rpc"), "[Function: rpc]");
}

#[test]
fn errors_show_their_name_their_message_and_where() {
    let line = shown("new TypeError('boom')");
    assert!(line.starts_with("TypeError: boom\n") && line.contains("script.js:1:"), "{line}");
    assert!(shown("[new RangeError('in')]").contains("RangeError: in"));
    assert!(shown("Object.assign(new Error('x'), { name: 'MyError' })").starts_with("MyError: x"));
}

#[test]
fn other_kinds_of_objects_say_what_they_are() {
    for (expression, part) in [
        ("new Date(0)", "1970"),
        ("/a+/gi", "/a+/gi"),
        ("Promise.resolve(1)", "Promise"),
        ("new WeakMap()", "WeakMap"),
        ("new WeakSet()", "WeakSet"),
        ("new WeakRef({})", "WeakRef"),
        ("new Uint8Array([7])", "Uint8Array"),
        ("new ArrayBuffer(2)", "ArrayBuffer"),
        ("new DataView(new ArrayBuffer(2))", "DataView"),
        ("[].values()", "Iterator"),
        ("(function () { return arguments })(1)", "Arguments"),
        ("Object(5)", "5"),
        ("Object('text')", "text"),
        ("new Proxy({}, {})", "Proxy"),
        ("new Date(NaN)", "Invalid Date"),
    ] {
        let line = shown(expression);
        assert!(line.contains(part), "{expression}: {line}");
    }
}

#[test]
fn a_circle_ends() {
    assert_eq!(
        printed("const a = { n: 1 }; a.self = a; a.list = [a]; console.log(a)"),
        ["{ n: 1, self: [Circular], list: [ [Circular] ] }"]
    );
    assert_eq!(printed("const m = new Map(); m.set('m', m); console.log(m)"), [r#"Map { "m" => [Circular] }"#]);
    // A repeated object is not a cycle.
    assert_eq!(printed("const b = {}; console.log([b, b])"), ["[ {}, {} ]"]);
}

#[test]
fn getters_are_named_and_not_run() {
    let script = "let ran = 0;
        const get = () => ran++;
        const o = Object.defineProperties({ get a() { return ran++ }, set b(v) { ran++ } }, { c: { get, enumerable: true } });
        Object.defineProperty(o, Symbol.toStringTag, { get });
        const list = Object.defineProperty([1, 2], 0, { get });
        class Own { get d() { return ran++ } toString() { return ran++ } toJSON() { return ran++ } [Symbol.toPrimitive]() { return ran++ } }
        const f = Object.defineProperty(() => 1, 'name', { get });
        console.log(o, list, new Own(), f, new Map([[o, list]]), [new Own()]);
        console.log(ran)";
    let lines = printed(script);
    assert_eq!(lines[1], "0", "{}", lines[0]);
    assert!(lines[0].contains("a: [Getter]"), "{}", lines[0]);
}

#[test]
fn proxies_are_not_entered() {
    let script = "let ran = 0;
        const traps = new Proxy({}, { get: () => () => { ran++; return undefined } });
        const p = new Proxy({ a: 1 }, traps), f = new Proxy(function () {}, traps), l = new Proxy([1], traps), m = new Proxy(new Map(), traps);
        console.log(p, f, l, m, [p], { p }, new Map([[p, p]]), new Set([f]));
        const { proxy, revoke } = Proxy.revocable({}, {}); revoke();
        console.log(proxy, [proxy]);
        console.log(Object.create(p), Object.setPrototypeOf([1], p), Object.setPrototypeOf(() => 1, p));
        console.log(ran)";
    let lines = printed(script);
    assert_eq!(lines.last().unwrap(), "0", "{lines:?}");
    assert_eq!(lines[0].matches("[Proxy]").count(), 9, "{}", lines[0]);
}

#[test]
fn entries_beyond_a_hundred_are_counted_and_not_shown() {
    for (expression, more) in [
        ("Array(250).fill(7)", "… 150 more ]"),
        ("Object.fromEntries(Array.from({ length: 250 }, (_, n) => ['k' + n, 7]))", "… 150 more }"),
        ("new Set(Array.from({ length: 250 }, (_, n) => n))", "… }"),
        ("new Map(Array.from({ length: 250 }, (_, n) => [n, 7]))", "… }"),
    ] {
        let line = shown(expression);
        assert!(line.ends_with(more) && line.len() < 3000, "{expression}: {line}");
    }
}

#[test]
fn groups_indent() {
    let script = "console.group('outer'); console.log('a'); console.group(); console.log('b\\nc'); console.groupEnd();
        console.groupCollapsed('inner'); console.warn('d'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('e')";
    assert_eq!(printed(script), ["outer", "  a", "    b\n    c", "  inner", "Warn:     d", "e"]);
}

#[test]
fn a_flood_of_groups_indents_no_further_than_a_line_can_bear() {
    let lines = printed("for (let i = 0; i < 10000; i++) console.group(); console.log('deep')");
    assert!(lines[0].ends_with("deep") && lines[0].len() < 200);
}

#[test]
fn counters_count_by_label() {
    let script = "console.count(); console.count(); console.count('x'); console.countReset(); console.count(); console.count('x'); console.countReset('none')";
    assert_eq!(printed(script), ["default: 1", "default: 2", "x: 1", "default: 1", "x: 2"]);
}

#[test]
fn timers_tell_the_time_of_the_instances_clock() {
    let log = Log::default();
    let clock = Clock::Stepped { start: std::time::Duration::ZERO, step: std::time::Duration::from_millis(5) };
    let mut jar = runtime().build_instance().clock(clock).start(&log.console(), &Limits::default()).unwrap();
    jar.eval(
        "console.time('t'); console.timeLog('t'); console.timeEnd('t'); console.timeEnd('t'); console.timeLog('none')",
    )
    .unwrap();
    assert_eq!(log.take(), ["t: 5.000 ms", "t: 10.000 ms"]);
}

#[test]
fn a_timer_whose_clock_was_set_back_says_so() {
    let at = |micros| Clock::Fixed(std::time::Duration::from_micros(micros));
    let log = Log::default();
    let mut jar = runtime().build_instance().clock(at(50_000)).start(&log.console(), &Limits::default()).unwrap();
    jar.eval("console.time('t')").unwrap();
    for (micros, line) in
        [(12_749, "t: -37.251 ms"), (49_750, "t: -0.250 ms"), (45_000, "t: -5.000 ms"), (50_001, "t: 0.001 ms")]
    {
        let builder = runtime().build_instance().begin_from(&jar.snapshot().unwrap()).clock(at(micros));
        let mut later = builder.start(&log.console(), &Limits::default()).unwrap();
        later.eval("console.timeEnd('t')").unwrap();
        assert_eq!(log.take(), [line]);
    }
}

#[test]
fn a_failed_assertion_is_printed_and_nothing_more() {
    assert_eq!(printed("console.assert(true, 'no'); console.assert(1)"), [""; 0]);
    assert_eq!(printed("console.assert(false)").len(), 1);
    let lines = printed("console.assert(0, 'why', { a: 1 }); console.log('on')");
    assert!(lines[0].starts_with("Error: ") && lines[0].ends_with("why { a: 1 }"), "{lines:?}");
    assert_eq!(lines[1], "on");
}

#[test]
fn methods_need_no_this() {
    assert_eq!(printed("const { log } = console; log('free'); ['a'].forEach(log)"), ["free", r#"a 0 [ "a" ]"#]);
    assert_eq!(printed("console.log.call(5, 'called')"), ["called"]);
}

#[test]
fn a_script_may_replace_the_console() {
    let log = Log::default();
    let mut jar = jar_with_router(&log.console());
    jar.eval("const real = console.log; console.log = line => real('mine', line); console.log(1); globalThis.console = undefined; real(2)").unwrap();
    assert_eq!(log.take(), ["mine 1", "2"]);
}

#[test]
fn nobody_listening_means_that_nothing_is_formatted() {
    let mut jar = jar();
    let script =
        "let ran = 0; console.log({ toString() { ran++ } }, new Date(0)); console.log('x'.repeat(1 << 20)); ran";
    assert_eq!(jar.eval(script).unwrap().as_str(), "0");
    assert_eq!(jar.call_stats().bytes_out, 1);
}

#[test]
fn what_a_call_prints_is_bounded() {
    let log = Log::default();
    let limits = Limits { console_bytes: 1000, ..Limits::default() };
    let mut jar = runtime().instance(&log.console(), &limits).unwrap();
    assert_eq!(jar.eval("for (;;) console.log('0123456789')").unwrap_err().code(), "console_limit_exceeded");
    let bytes: usize = log.take().iter().map(|line| line.len() + 1).sum();
    assert!((900..=1000).contains(&bytes), "{bytes}");
    // The next call has a fresh budget, and output that fits is printed whole.
    jar.eval("console.log('x'.repeat(999))").unwrap();
    assert_eq!(log.take(), ["x".repeat(999)]);
    assert_eq!(jar.eval("console.log('x'.repeat(1000))").unwrap_err().code(), "console_limit_exceeded");
    assert!(log.take().is_empty());
    assert_usable(&mut jar);
}

#[test]
fn a_line_is_bounded_however_large_its_value() {
    let log = Log::default();
    let limits = Limits { console_bytes: 10 << 20, ..Limits::default() };
    let mut jar = runtime().instance(&log.console(), &limits).unwrap();
    for value in [
        "'x'.repeat(1 << 20)",
        "'\\u{1f514}'.repeat(1 << 18)",
        "['x'.repeat(1 << 20)]",
        "Array(100).fill(Array(100).fill(Array(100).fill(7)))",
        "Array(100).fill('x'.repeat(10000))",
    ] {
        jar.eval(format!("console.log({value})")).unwrap();
        let line = log.take().remove(0);
        assert!(line.len() < 100_000, "{value}: {}", line.len());
    }
    assert_usable(&mut jar);
}

#[test]
fn lines_that_came_before_an_error_are_printed() {
    let log = Log::default();
    let limits = Limits { cpu_time: std::time::Duration::from_millis(30), ..Limits::default() };
    let mut jar = runtime().instance(&log.console(), &limits).unwrap();
    jar.eval("console.log('before'); throw 1").unwrap_err();
    assert_eq!(log.take(), ["before"]);
    jar.eval("console.log('before'); for (;;);").unwrap_err();
    assert_eq!(log.take(), ["before"]);
}

#[test]
fn a_console_that_panics_harms_nobody() {
    let router = Router::new().on_console(|_, _, _| std::panic::resume_unwind(Box::new("the console has a bug")));
    let mut jar = jar_with_router(&router);
    assert_eq!(jar.eval("console.log(1); console.log(2); 3").unwrap().as_str(), "3");
    assert_usable(&mut jar);
}

#[test]
fn no_method_and_no_getter_of_the_script_is_run() {
    let script = "let ran = [];
        const trap = name => ({ get() { ran.push(name); return 'forged' }, configurable: true });
        const method = name => ({ value() { ran.push(name); return 'forged' }, configurable: true, writable: true });
        for (const c of [Date, RegExp, Number, String, Boolean, BigInt, Symbol, Error, Array, Map, Set, Promise, Object, Function])
            for (const k of ['toString', 'valueOf', 'toISOString', 'getTime', 'toJSON', 'forEach', Symbol.toPrimitive])
                Object.defineProperty(c.prototype, k, method(`${c.name}.${String(k)}`));
        for (const k of ['source', 'flags', 'global']) Object.defineProperty(RegExp.prototype, k, trap(k));
        Object.defineProperty(Symbol.prototype, 'description', trap('description'));
        for (const k of ['name', 'message', 'stack', 'cause']) Object.defineProperty(Error.prototype, k, trap(k));
        const typed = Object.getPrototypeOf(Int8Array.prototype);
        for (const k of ['length', 'byteLength', 'buffer', Symbol.toStringTag]) Object.defineProperty(typed, k, trap('typed'));
        for (const c of [ArrayBuffer, DataView]) Object.defineProperty(c.prototype, 'byteLength', trap('byteLength'));
        Error.prepareStackTrace = () => { ran.push('prepareStackTrace') };
        const own = (o, ...keys) => { for (const k of keys) Object.defineProperty(o, k, trap('own')); return o };
        class Strange { static get name() { ran.push('class name') } get other() { ran.push('other') } }
        ran = [];
        const values = [
            own(new Date(0), 'toString', 'toISOString'), new Date(NaN), own(/a/g, 'source', 'flags', 'global', 'toString'),
            own(Object(5), 'valueOf'), own(Object('s'), 'valueOf'), own(Object(true), 'valueOf'), own(Object(1n), 'toString'),
            own(Object(Symbol('in')), 'description'), Symbol('q'), own(new Uint8Array(3), 'length'), new ArrayBuffer(2),
            new DataView(new ArrayBuffer(2)), own(new Map([[1, 2]]), 'size', 'forEach'), new Set(Array(300).keys()),
            own(Promise.resolve(1), 'then', 'constructor'), new Strange(), own({}, 'constructor'), own([1], 'constructor'), own(() => 1, 'name'),
            Object.create(new Proxy({}, { get() { ran.push('proxy') }, getPrototypeOf() { ran.push('proxy') } })),
        ];
        console.log(...values); console.log(values); console.count({ toString() { ran.push('label') } });
        const made = new Error('x'); ran = [];
        console.log(own(made, 'name', 'message', 'stack', 'cause'), made);
        console.log(ran)";
    let lines = printed(script);
    assert_eq!(lines.last().unwrap(), "[]", "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("forged")), "{lines:#?}");
    let first = &lines[0];
    for part in [
        "1970-01-01T00:00:00.000Z Invalid Date /a/g [Number: 5] [String: \"s\"] [Boolean: true] [BigInt: 1n] [Symbol: Symbol(in)] Symbol(q)",
        "Uint8Array [ 0, 0, 0 ] ArrayBuffer { byteLength: 2 } DataView { byteLength: 2 } Map { 1 => 2 } Set { 0, 1,",
    ] {
        assert!(first.contains(part), "{first}");
    }
}

#[test]
fn zero_keeps_its_sign() {
    assert_eq!(
        shown("-0, 0, [-0], Object(-0), new Float32Array([-0])"),
        "-0 0 [ -0 ] [Number: -0] Float32Array [ -0 ]"
    );
}

#[test]
fn instances_of_classes_show_the_name_of_their_class() {
    for (expression, line) in [
        ("new (class Point { x = 1 })()", "Point { x: 1 }"),
        ("new (class Deep extends (class Base {}) {})()", "Deep {}"),
        ("new (class List extends Array {})(1, 2)", "List [ 1, 2 ]"),
        ("new (class Bytes extends Uint8Array {})(2)", "Bytes [Uint8Array] [ 0, 0 ]"),
        ("new (class {})()", "{}"),
        ("Object.create(null)", "{}"),
        ("Object.create({})", "{}"),
        ("new (class Named { static name = 5 })()", "{}"),
        ("new (class Set {})()", "Set {}"),
        ("Object.create(Map.prototype)", "Map {}"),
        ("(function* generate() {})()", "Generator {}"),
    ] {
        assert_eq!(shown(expression), line, "{expression}");
    }
    assert!(shown("new (class Shown { static name = 'x'.repeat(1e6) })()").len() < 100_000);
}

#[test]
fn promises_show_what_they_have_come_to() {
    let shown =
        shown("new Promise(() => {}), Promise.resolve({ a: 1 }), (p => (p.catch(() => {}), p))(Promise.reject(2))");
    assert_eq!(shown, "Promise { <pending> } Promise { { a: 1 } } Promise { <rejected> 2 }");
}

#[test]
fn errors_show_their_causes() {
    let line = shown("new Error('a', { cause: new TypeError('b', { cause: { code: 7 } }) })");
    assert!(line.contains("\n[cause] TypeError: b\n") && line.ends_with("\n[cause] { code: 7 }"), "{line}");
    let line = shown("(e => (e.cause = e))(new Error('a'))");
    assert!(line.ends_with("[cause] [Circular]"), "{line}");
    let line = shown("Array(50).fill().reduce((cause, _, n) => new Error('e' + n, { cause }), 0)");
    assert!(line.matches("[cause]").count() < 10, "{line}");
}

#[test]
fn large_binary_data_shows_its_start_and_how_much_there_is() {
    let limits = Limits { js_heap_bytes: 4 << 20, ..Limits::default() };
    let log = Log::default();
    let mut jar = runtime().instance(&log.console(), &limits).unwrap();
    jar.eval("console.log(new Uint8Array(2e6), new ArrayBuffer(1e6))").unwrap();
    let line = log.take().remove(0);
    assert!(line.starts_with("Uint8Array [ 0, 0,") && line.contains("… 1999900 more ]"), "{line}");
    assert!(line.ends_with("ArrayBuffer { byteLength: 1000000 }") && line.len() < 1000, "{line}");
    jar.eval("const big = new Uint8Array(2e6); big.buffer.transfer?.(); console.log(big)").unwrap();
    assert_eq!(log.take(), ["Uint8Array []"]);
    assert_usable(&mut jar);
}

#[test]
fn a_string_as_large_as_the_heap_is_printed_without_a_copy_of_it() {
    let log = Log::default();
    let limits = Limits { console_bytes: 10 << 20, ..Limits::default() };
    let mut jar = runtime().instance(&log.console(), &limits).unwrap();
    jar.eval("console.log('x'.repeat(14e6)); console.log(['x'.repeat(14e6)])").unwrap();
    assert!(log.take().iter().all(|line| line.len() < 100_000));
    assert_usable(&mut jar);
}

#[test]
fn lines_of_a_busy_script_are_printed_while_it_runs() {
    let handle = std::sync::Arc::new(std::sync::OnceLock::<belljar::CancelHandle>::new());
    let known = handle.clone();
    // Only the console closure can end the script.
    let router = belljar::Router::new().on_console(move |_, _, line| {
        if line == "now" {
            known.get().map(belljar::CancelHandle::cancel);
        }
    });
    let mut jar = crate::support::jar_with_router(&router);
    handle.set(jar.cancel_handle()).ok();
    assert_eq!(jar.eval("console.log('now'); for (;;) {}"), Err(belljar::Error::Cancelled));
    assert_eq!(
        crate::support::block_on(jar.eval_async("console.log('now'); for (;;) {}")),
        Err(belljar::Error::Cancelled)
    );
}
