//! Scripts that try to take the process down: built-ins that never poll, floods of memory, endless recursion.

use std::time::Duration;

use belljar::{Call, Error, Instance, LimitKind, Limits, Router, Status, Value};

use crate::support::{assert_usable, assert_usable_after_reset, block_on, jar, jar_of, jar_with, limit_of};

const SHORT: Duration = Duration::from_millis(30);

/// Built-ins in which QuickJS does not poll, and which take half a second or more on the fastest machine.
const BUILT_INS: [&str; 20] = [
    "new Array(2e7) + ''",
    "(3n ** 300000n).toString()",
    "Array.from({ length: 300000 }, (_, i) => String(i * 7919 % 300007)).sort()",
    "'a'.repeat(2 ** 28).split('')",
    "JSON.stringify(new Array(2e7))",
    "/(a+)+$/.test('a'.repeat(40) + 'b')",
    "new Array(1e9).indexOf(1)",
    "'x'.padEnd(2 ** 28)",
    "Array.from({ length: 1e9 })",
    "Object.keys(new Proxy({}, { ownKeys: () => Array.from({ length: 1e6 }, (_, i) => `k${i}`) }))",
    "new Array(4e9).reverse()",
    "new Array(4294967295).join('')",
    "'x'.repeat(2 ** 28).lastIndexOf('xy')",
    "('ab'.repeat(2 ** 24)).split('b')",
    "'x'.repeat(2 ** 26).replaceAll('x', 'yy')",
    "encodeURIComponent('é'.repeat(2 ** 24))",
    "'ß'.repeat(2 ** 26).toUpperCase()",
    "'a\\u0301'.repeat(2 ** 22).normalize('NFC')",
    "parseInt('9'.repeat(2 ** 28))",
    "[].concat(...Array(100).fill(new Array(1e6)))",
];

/// A recursive clone of a deep structure, written in JavaScript.
const DEEP_CLONE: &str = "{ const clone = value => typeof value === 'object' && value !== null \
      ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, clone(member)])) : value; \
    let deep = null; for (let i = 0; i < 100000; i++) deep = { deep }; for (;;) try { clone(deep) } catch {} }";

/// Scripts that allocate memory as fast as possible.
const FLOODS: [&str; 8] = [
    "{ const all = []; for (;;) all.push(all.length) }",
    "{ const all = []; for (;;) all.push(new Uint8Array(1 << 20)) }",
    "{ let all = null; for (;;) all = { all } }",
    "{ const all = new Map(); for (;;) all.set({}, all.size) }",
    "{ let all = 'x'; const kept = []; for (;;) kept.push(all += 'x'.repeat(1000)) }",
    "{ const all = []; for (;;) all.push(() => all) }",
    "{ const all = []; for (;;) all.push(Promise.resolve()) }",
    "{ const all = []; for (;;) all.push(Symbol('x')) }",
];

fn roomy() -> Limits {
    Limits { cpu_time: SHORT, js_heap_bytes: 2 << 30, memory_bytes: 3 << 30, ..Limits::default() }
}

fn cramped() -> Limits {
    Limits { cpu_time: SHORT, ..Limits::default() }
}

/// Checks that the script was stopped by a limit on time or memory.
#[track_caller]
fn assert_stopped(script: &str, ended: belljar::Result<Value>) {
    match ended {
        Err(Error::Limit { kind: LimitKind::CpuTime, limit, .. }) => assert_eq!(limit, 30, "{script}"),
        Err(Error::Limit { kind: LimitKind::JsHeap | LimitKind::Memory, .. }) => {}
        other => panic!("{script}: {other:?}"),
    }
}

#[test]
fn built_ins_that_never_poll_stop_at_the_cpu_limit() {
    for script in BUILT_INS {
        let mut jar = jar_with(&roomy());
        assert_eq!(limit_of(jar.eval(script)), (LimitKind::CpuTime, 30), "{script}");
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn built_ins_that_never_poll_stop_at_the_cpu_limit_in_async_calls() {
    for script in BUILT_INS {
        let mut jar = jar_with(&roomy());
        assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::CpuTime, 30), "{script}");
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn built_ins_that_never_poll_stop_at_a_limit_when_there_is_little_memory() {
    for script in BUILT_INS {
        let mut jar = jar_with(&cramped());
        assert_stopped(script, jar.eval(script));
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn built_ins_that_never_poll_stop_inside_handlers_of_events_jobs_and_serialization() {
    let built_in = "new Array(4294967295).join('')";
    let mut jar = jar_with(&cramped());
    jar.eval(format!("host.on('event', () => {built_in})")).unwrap();
    assert_eq!(limit_of(jar.dispatch("event", &())), (LimitKind::CpuTime, 30));
    assert_usable_after_reset(&mut jar);
    for script in [
        format!("Promise.resolve().then(() => {built_in}); 1"),
        format!("({{ toJSON() {{ {built_in} }} }})"),
        format!("({{ get x() {{ {built_in} }} }})"),
        format!("throw {{ toString() {{ {built_in} }} }}"),
        format!("throw Object.defineProperty(new Error(), 'message', {{ get() {{ {built_in} }} }})"),
        format!("Promise.reject(Object.defineProperty(new Error(), 'stack', {{ get() {{ {built_in} }} }})); 1"),
        format!("host.rpcSync('m', {{ toJSON() {{ {built_in} }} }})"),
    ] {
        assert_eq!(limit_of(jar.eval(&script)), (LimitKind::CpuTime, 30), "{script}");
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn loops_that_poll_often_stop_at_the_cpu_limit_and_leave_the_instance_its_state() {
    let mut jar = jar_with(&cramped());
    jar.eval("var kept = 'kept'").unwrap();
    for script in [
        "for (;;) {}",
        "for (;;) try { for (;;) {} } catch {} finally {}",
        "[1].forEach(() => { for (;;); })",
        "({ get x() { for (;;); } }).x",
        "for (const x of (function* () { for (;;) yield })());",
        "[2, 1].sort(() => { for (;;); })",
        "'a'.replace(/a/, () => { for (;;); })",
        "JSON.parse('[1]', () => { for (;;); })",
        "JSON.stringify({ toJSON() { for (;;); } })",
        "new Proxy({}, { get() { for (;;); } }).x",
        "Promise.resolve().then(() => { for (;;); }); 1",
        "({ toJSON() { for (;;); } })",
        "throw { toString() { for (;;); } }",
    ] {
        assert_eq!(limit_of(jar.eval(script)), (LimitKind::CpuTime, 30), "{script}");
        assert_usable(&mut jar);
        assert_eq!(jar.eval("kept").unwrap().as_str(), "\"kept\"", "{script}");
    }
}

#[test]
fn loops_in_which_little_script_runs_between_much_native_work_stop_at_the_cpu_limit() {
    for script in [
        "for (;;) try { throw 1 } catch {}",
        "for (;;) eval('1')",
        "for (;;) new Function('return 1')",
        "for (const x of { [Symbol.iterator]() { return { next: () => ({ done: false }) } } });",
        "(function again() { Promise.resolve().then(again) })()",
        "async function again() { for (;;) await null } again()",
        "(function again() { Promise.reject().catch(again) })()",
        "(function again() { Promise.reject(new Error('nobody listens')); Promise.resolve().then(again) })()",
        "for (;;) JSON.parse('[' + '1,'.repeat(1000) + '1]')",
        "for (;;) try { null.x } catch {}",
        "for (;;) console.log({})",
    ] {
        let mut jar = jar_with(&cramped());
        assert_eq!(limit_of(jar.eval(script)), (LimitKind::CpuTime, 30), "{script}");
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn a_deep_clone_in_script_stops_at_the_cpu_limit() {
    let mut jar = jar_with(&roomy());
    assert_eq!(limit_of(jar.eval(DEEP_CLONE)), (LimitKind::CpuTime, 30));
    assert_usable_after_reset(&mut jar);
}

#[test]
fn floods_of_memory_stop_at_a_limit() {
    for script in FLOODS {
        for limits in [roomy(), cramped(), Limits { js_heap_bytes: 4 << 20, ..cramped() }] {
            let mut jar = jar_with(&limits);
            assert_stopped(script, jar.eval(script));
            assert_usable_after_reset(&mut jar);
        }
    }
}

#[test]
fn floods_of_memory_over_the_ceiling_stop_at_a_limit() {
    for script in FLOODS {
        let mut jar = jar_with(&Limits { memory_bytes: 4 << 20, js_heap_bytes: 4 << 20, ..cramped() });
        assert_stopped(script, jar.eval(script));
        assert!(jar.stats().memory_bytes <= 4 << 20);
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn a_script_that_catches_every_refusal_of_memory_still_stops() {
    for script in FLOODS {
        let script = format!("for (;;) try {script} catch {{}}");
        let mut jar = jar_with(&Limits { js_heap_bytes: 4 << 20, ..cramped() });
        assert_eq!(limit_of(jar.eval(&script)), (LimitKind::CpuTime, 30), "{script}");
        assert_usable_after_reset(&mut jar);
    }
}

// ---- recursion

/// Recursion that QuickJS itself notices.
const RECURSION: [&str; 22] = [
    "(function f() { f() })()",
    "(function f() { return f() + 1 })()",
    "({ get x() { return this.x } }).x",
    "({ set x(value) { this.x = value } }).x = 1",
    "new Proxy({}, { get(target, key, receiver) { return receiver[key] } }).x",
    "{ let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x }",
    "({ toString() { return `${this}` } }) + ''",
    "({ valueOf() { return +this } }) + 1",
    "({ [Symbol.toPrimitive]() { return +this } }) + 1",
    "JSON.parse('[1]', function revive() { return JSON.parse('[1]', revive) })",
    "JSON.stringify({ toJSON() { return JSON.stringify(this) } })",
    "[2, 1].sort(function compare() { [2, 1].sort(compare) })",
    "[1].map(function again() { return [1].map(again) })",
    "'a'.replace(/a/, function again() { return 'a'.replace(/a/, again) })",
    "(function f() { f.apply(null, arguments) })(1)",
    "new (class C { constructor() { new C() } })()",
    "new (class C { x = new C() })()",
    "{ let c = class {}; for (let i = 0; i < 10000; i++) c = class extends c {}; new c() }",
    "(function* g() { yield* g() })().next()",
    "eval('(function f() { eval(\"f()\") })()')",
    "{ let v = []; for (let i = 0; i < 100000; i++) v = [v]; v + '' }",
    "{ let v = []; for (let i = 0; i < 100000; i++) v = [v]; v.flat(Infinity) }",
];

/// Recursion in native code only. It ends with an error of the script or with the named limit.
const DEPTH: [&str; 15] = [
    "JSON.parse('['.repeat(100000) + ']'.repeat(100000))",
    "JSON.parse('{\"a\":'.repeat(100000) + '1' + '}'.repeat(100000))",
    "new RegExp('('.repeat(100000) + ')'.repeat(100000))",
    "new RegExp('(?:'.repeat(100000) + ')'.repeat(100000))",
    "new RegExp('(?='.repeat(100000) + ')'.repeat(100000))",
    "new RegExp('['.repeat(100000) + ']'.repeat(100000), 'v')",
    "eval('('.repeat(100000) + '1' + ')'.repeat(100000))",
    "eval('['.repeat(100000) + ']'.repeat(100000))",
    "eval('{'.repeat(100000) + '}'.repeat(100000))",
    "eval('!'.repeat(100000) + '1')",
    "eval('(function(){'.repeat(100000) + '})'.repeat(100000))",
    "eval('(x=>'.repeat(100000) + '1' + ')'.repeat(100000))",
    "eval('1?'.repeat(100000) + '1' + ':1'.repeat(100000))",
    "eval('`${'.repeat(100000) + '1' + '}`'.repeat(100000))",
    "eval('if(1)'.repeat(100000) + '1')",
];

fn deep() -> Limits {
    Limits { cpu_time: Duration::from_secs(60), js_heap_bytes: 128 << 20, memory_bytes: 256 << 20, ..Limits::default() }
}

/// Checks for an error that the script could have caught, or the named stack limit.
#[track_caller]
fn assert_too_deep(what: &str, jar: &mut Instance, ended: belljar::Result<Value>) {
    match ended {
        Err(Error::Js(error)) => {
            assert!(matches!(error.name.as_str(), "RangeError" | "SyntaxError"), "{what}: {error:?}");
            assert_eq!(jar.status(), Status::Ready, "{what}");
        }
        Err(Error::Limit { kind: LimitKind::Stack, limit, .. }) => {
            assert_eq!(limit, 512 << 10, "{what}");
            assert_eq!(jar.status(), Status::Poisoned, "{what}");
        }
        other => panic!("{what}: {other:?}"),
    }
    assert_usable_after_reset(jar);
}

#[test]
fn recursion_through_script_is_a_range_error_that_script_can_catch() {
    let mut jar = jar_with(&deep());
    for script in RECURSION {
        let caught = jar.eval(format!("{{ let name; try {{ {script} }} catch (e) {{ name = e.name }} name }}"));
        assert_eq!(caught.unwrap().as_str(), "\"RangeError\"", "{script}");
    }
    assert_usable(&mut jar);
}

#[test]
fn recursion_through_script_is_an_error_of_the_script_when_it_does_not_catch() {
    let mut jar = jar_with(&deep());
    for script in RECURSION {
        let Err(Error::Js(error)) = jar.eval(script) else { panic!("{script}") };
        assert_eq!(error.name, "RangeError", "{script}");
    }
    assert_usable(&mut jar);
}

#[test]
fn recursion_through_await_is_a_range_error() {
    let mut jar = jar_with(&deep());
    let Err(Error::Js(error)) = block_on(jar.eval_async("async function f() { await f() } await f()")) else {
        panic!("it must throw")
    };
    assert_eq!(error.name, "RangeError");
    assert_usable(&mut jar);
}

#[test]
fn recursion_on_the_smallest_and_the_largest_stack_is_an_error_of_the_script() {
    for stack_bytes in [16 << 10, 896 << 10] {
        let mut jar = jar_with(&Limits { stack_bytes, ..deep() });
        for script in RECURSION {
            let Err(Error::Js(error)) = jar.eval(script) else { panic!("{stack_bytes}: {script}") };
            assert_eq!(error.name, "RangeError", "{stack_bytes}: {script}");
        }
        assert_usable(&mut jar);
    }
}

#[test]
fn depth_in_native_code_is_an_error_with_a_name() {
    for script in DEPTH {
        let mut jar = jar_with(&deep());
        let ended = jar.eval(script);
        assert_too_deep(script, &mut jar, ended);
    }
}

#[test]
fn stringify_of_an_object_a_hundred_thousand_deep_is_a_range_error_that_script_can_catch() {
    let mut jar = jar_with(&deep());
    let script = "let v = {}, name; for (let i = 0; i < 100000; i++) v = { v }; \
                  try { JSON.stringify(v) } catch (e) { name = e.name } name";
    assert_eq!(jar.eval(script).unwrap().as_str(), "\"RangeError\"");
    assert_usable(&mut jar);
}

#[test]
fn source_nested_deeply_is_an_error_with_a_name() {
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{", "", "}"),
        ("(function(){", "", "})"),
        ("!", "1", ""),
        ("`${", "1", "}`"),
    ] {
        let source = [open.repeat(100_000).as_str(), middle, close.repeat(100_000).as_str()].concat();
        let mut jar = jar_with(&deep());
        let ended = jar.eval(&source);
        assert_too_deep(open, &mut jar, ended);
        let ended = block_on(jar.eval_async(&source));
        assert_too_deep(open, &mut jar, ended);
    }
}

#[test]
fn a_result_an_error_or_a_line_nested_deeply_harms_nothing() {
    let router = Router::new().on_console(|_, _, _| ());
    // The check for cycles is quadratic in the depth, so the stack is small.
    let limits = Limits { stack_bytes: 64 << 10, ..deep() };
    let build = "let v = null; for (let i = 0; i < 100000; i++) v = { v };";
    for (what, harmless) in
        [("v", false), ("throw v", false), ("console.log(v); 1", true), ("host.on('x', () => v); 1", true)]
    {
        let mut jar = jar_of(&router, &limits);
        let ended = jar.eval(format!("{{ {build} {what} }}"));
        match ended {
            Ok(_) => assert!(harmless, "{what}"),
            Err(Error::NotSerializable { .. }) => assert_eq!(what, "v"),
            Err(Error::Js(error)) => assert_eq!((what, error.name.as_str()), ("throw v", "")),
            Err(Error::Limit { kind: LimitKind::Stack, .. }) => assert!(!harmless, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        assert_usable_after_reset(&mut jar);
    }
}

#[test]
fn json_from_the_host_nested_deeply_is_an_error_with_a_name() {
    let text = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_json = Value::from_json(text).unwrap();
    let reply = deep_json.clone();
    let router = Router::new().handle("sync", move |_: &Call, (): ()| Ok(reply.clone())).handle_async("async", {
        let reply = deep_json.clone();
        move |_: Call, (): ()| std::future::ready(Ok(reply.clone()))
    });
    let mut jar = jar_of(&router, &deep());
    jar.eval("host.on('event', () => 1)").unwrap();
    let ended = jar.dispatch("event", &deep_json);
    assert_too_deep("dispatch", &mut jar, ended);
    for script in ["host.rpcSync('sync'); 1", "await host.rpc('sync'); 1", "await host.rpc('async'); 1"] {
        let ended = block_on(jar.eval_async(script));
        assert_too_deep(script, &mut jar, ended);
    }
}

#[test]
fn json_from_a_script_nested_deeply_does_not_recurse_in_the_host() {
    let router = Router::new()
        .handle("tree", |_: &Call, _: serde_json::Value| Ok(()))
        .handle("text", |_: &Call, text: Value| Ok(text.as_str().len()));
    let mut jar = jar_of(&router, &Limits::default());
    // JSON text of any depth passes; a tree is built only up to a bound.
    let build = "let v = null; for (let i = 0; i < 1000; i++) v = [v];";
    let result = jar.eval(format!("{{ {build} v }}")).unwrap();
    assert_eq!(result.as_str().len(), 2004);
    assert_eq!(result.get::<serde_json::Value>().unwrap_err().code(), "wrong_shape");
    let text = jar.eval(format!("{{ {build} host.rpcSync('text', v) }}")).unwrap();
    assert_eq!(text.get::<usize>().unwrap(), 2004);
    let code = jar
        .eval(format!("{{ {build} let code; try {{ host.rpcSync('tree', v) }} catch (e) {{ code = e.code }} code }}"));
    assert_eq!(code.unwrap().as_str(), "\"invalid_params\"");
    assert_usable(&mut jar);
}

#[test]
fn long_chains_of_objects_are_freed_without_recursion() {
    let mut jar = jar_with(&deep());
    for chain in ["{ v }", "[v]", "() => v", "new Map([[v, v]])", "Object.create(v)", "{ get x() { return v } }"] {
        let script = format!(
            "{{ let v = null; for (let i = 0; i < 50000; i++) {{ const w = v; v = (v => ({chain}))(w) }} v = null }} 1"
        );
        assert_eq!(jar.eval(&script).unwrap().as_str(), "1", "{chain}");
        assert_usable(&mut jar);
    }
}

#[test]
fn a_stack_that_overflows_in_a_job_ends_that_job_only() {
    let mut jar = jar();
    let script = "var log = []; Promise.resolve().then(function f() { f() }).catch(e => log.push(e.name)); 1";
    assert_eq!(jar.eval(script).unwrap().as_str(), "1");
    assert_eq!(jar.eval("log.join()").unwrap().as_str(), "\"RangeError\"");
}
