//! Hints and advice: the likely cause of a script's error, and what a Rust program can do about an error.

use std::time::Duration;

use belljar::{Call, Error, Hint, Limits, Router, Runtime};

use crate::support::{block_on, jar, jar_with, jar_with_router};

/// The hint for the error of a script, in a synchronous call.
#[track_caller]
fn hint(script: &str) -> Option<Hint> {
    match jar().eval(script) {
        Err(Error::Js(error)) => error.hint(),
        other => panic!("{script}: {other:?}"),
    }
}

#[test]
fn types_are_told_from_other_errors_of_syntax() {
    for script in [
        "let x: number = 5",
        "const f = (a: string) => a",
        "function f(a?: number) {}",
        "interface A { b: string }",
        "type A = string",
        "enum E { A }",
        "declare const x",
        "const a = b as string",
        "const a = b satisfies C",
        "class A { private x = 1 }",
        "1;\nlet total: number",
    ] {
        assert_eq!(hint(script), Some(Hint::TypeScript), "{script}");
    }
}

#[test]
fn modules_fences_brackets_and_await_are_pointed_at() {
    for (script, expected) in [
        ("import x from 'y'", Hint::Module),
        ("export const x = 1", Hint::Module),
        ("1;\nexport default 1", Hint::Module),
        ("```js\n1\n```", Hint::CodeFence),
        ("```\nlet a = 1\n```", Hint::CodeFence),
        ("foo())", Hint::Bracket(')')),
        ("const a = [1]]", Hint::Bracket(']')),
        ("await Promise.resolve(1)", Hint::Await),
        ("const a = await f()", Hint::Await),
    ] {
        assert_eq!(hint(script), Some(expected), "{script}");
    }
}

#[test]
fn an_error_that_says_it_all_has_no_hint() {
    for script in
        ["let 1", "const a = ;", "x.y.z", "null.x", "throw 1", "throw new SyntaxError('import')", "(1, 2", "'"]
    {
        assert_eq!(hint(script), None, "{script}");
    }
}

#[test]
fn globals_of_other_engines_are_named() {
    assert_eq!(hint("fetch('https://example.com')"), Some(Hint::Elsewhere("fetch")));
    assert_eq!(hint("setTimeout(() => 1, 5)"), Some(Hint::Elsewhere("setTimeout")));
    assert_eq!(hint("unknown()"), None);
}

#[test]
fn deep_recursion_and_calls_that_nobody_answers_are_pointed_at() {
    assert_eq!(hint("const f = () => f() + 1; f()"), Some(Hint::Recursion));
    assert_eq!(hint("host.rpcSync('pay', 1)"), Some(Hint::UnknownMethod("pay".into())));
    let router = Router::new().handle_async("later", |_: Call, (): ()| async {});
    let Err(Error::Js(error)) = jar_with_router(&router).eval("host.rpcSync('later')") else {
        panic!("it needs async")
    };
    assert_eq!(error.hint(), Some(Hint::NeedsAsync));
}

/// Names of this library that an error's text must not contain: fields, methods, types.
const NAMES: [&str; 12] = [
    "Limits",
    "Runtime",
    "Instance",
    "Router",
    "eval_async",
    "step_eval_async",
    "_bytes",
    "cpu_time",
    "reset()",
    "max_instances",
    "instance_async",
    "::",
];

#[test]
fn the_text_of_an_error_names_nothing_of_this_library_and_its_advice_does() {
    let small = |change: fn(Limits) -> Limits| jar_with(&change(Limits::default()));
    let endless = "for (;;) {}";
    let mut poisoned = small(|limits| limits.with_cpu_time(Duration::from_millis(20)));
    poisoned.eval("(3n ** 3000000n).toString()").unwrap_err();
    let full = Runtime::builder().max_instances(1).build().unwrap();
    let _only = full.instance(&Router::new(), &Limits::default()).unwrap();
    let pausing = Router::new().handle("ask", |_: &Call, (): ()| belljar::Reply::pause());
    let waiting = Router::new().handle_async("later", |_: Call, (): ()| async {});
    let errors = [
        small(|limits| limits.with_fuel(1000)).eval(endless).unwrap_err(),
        small(|limits| limits.with_opcodes(100)).eval(endless).unwrap_err(),
        small(|limits| limits.with_cpu_time(Duration::from_millis(5))).eval(endless).unwrap_err(),
        small(|limits| limits.with_js_heap_bytes(1 << 20)).eval("const a = []; for (;;) a.push({})").unwrap_err(),
        small(|limits| limits.with_rpc_calls(2)).eval("for (;;) try { host.rpcSync('x') } catch {}").unwrap_err(),
        small(|limits| limits.with_pending_rpcs(2)).eval("for (;;) host.rpc('x').catch(() => 0)").unwrap_err(),
        small(|limits| limits.with_message_bytes(10)).eval("'x'.repeat(20)").unwrap_err(),
        small(|limits| limits.with_source_bytes(3)).eval("1 + 2").unwrap_err(),
        poisoned.eval("1").unwrap_err(),
        jar_with_router(&waiting).eval("host.rpc('later')").unwrap_err(),
        block_on(jar_with_router(&pausing).eval_async("host.rpc('ask')")).unwrap_err(),
        jar().eval("[() => 1]").unwrap_err(),
        jar().dispatch("paid", &()).unwrap_err(),
        full.instance(&Router::new(), &Limits::default()).unwrap_err(),
        full.instance(&Router::new(), &Limits::default().with_memory_bytes(1 << 16).with_js_heap_bytes(1 << 16))
            .unwrap_err(),
        jar().eval("import x from 'y'").unwrap_err(),
    ];
    for error in errors {
        let told = error.to_string();
        assert!(!NAMES.iter().any(|name| told.contains(name)), "{told}");
        assert!(error.advice().is_some(), "{told}");
    }
}

#[test]
fn the_text_of_a_limit_reads_well() {
    let told = |change: fn(Limits) -> Limits, script: &str| {
        jar_with(&change(Limits::default())).eval(script).unwrap_err().to_string()
    };
    assert_eq!(
        told(|limits| limits.with_rpc_calls(2), "for (;;) try { host.rpcSync('x') } catch {}"),
        "the script made more than 2 calls of handlers"
    );
    assert_eq!(told(|limits| limits.with_source_bytes(3), "1 + 2"), "the script is longer than 3 bytes");
}

#[test]
fn limits_that_contradict_each_other_are_refused_by_name() {
    let refused = |change: fn(Limits) -> Limits| {
        let error = Runtime::new().unwrap().instance(&Router::new(), &change(Limits::default())).unwrap_err();
        assert_eq!(error.code(), "invalid_input", "{error}");
        error.to_string()
    };
    assert_eq!(
        refused(|limits| limits.with_cpu_time(Duration::ZERO)),
        "the cpu limit is zero, so that nothing can run"
    );
    assert_eq!(
        refused(|limits| limits.with_wall_time(Duration::ZERO)),
        "the wall-clock limit is zero, so that nothing can run"
    );
    assert_eq!(
        refused(|limits| limits.with_memory_bytes(16 << 20)),
        "the heap limit of 33554432 bytes is above the memory limit of 16777216 bytes, which holds the heap"
    );
    // Just under the limit the instance works.
    let equal = Limits::default().with_memory_bytes(32 << 20);
    assert_eq!(jar_with(&equal).eval("1 + 2").unwrap().as_str(), "3");
}

#[test]
fn a_limit_that_is_too_low_for_the_guest_says_how_much_is_needed() {
    let needed = |memory: u64| {
        let limits = Limits::default().with_memory_bytes(memory).with_js_heap_bytes(memory);
        match Runtime::new().unwrap().instance(&Router::new(), &limits) {
            Err(error @ Error::LimitTooLow { limit, needed, .. }) => {
                assert_eq!((error.code(), limit), ("limit_too_low", memory));
                assert_eq!(error.advice().unwrap(), "raise `Limits::memory_bytes`");
                needed
            }
            other => panic!("{other:?}"),
        }
    };
    let enough = needed(1 << 16);
    assert_eq!(needed(enough - 1), enough);
    let limits = Limits::default().with_memory_bytes(enough).with_js_heap_bytes(enough);
    assert!(Runtime::new().unwrap().instance(&Router::new(), &limits).is_ok());
}

#[test]
fn compiling_has_limits() {
    let runtime = Runtime::builder().max_instances(1).build().unwrap();
    let limits = Limits::default().with_fuel(2_000_000);
    let large = format!("[{}]", "1,".repeat(200_000));
    assert_eq!(runtime.compile_within(large.as_str(), &limits).unwrap_err().code(), "fuel_limit_exceeded");
    assert_eq!(
        runtime.compile_within("1 + 2", &limits.clone().with_source_bytes(2)).unwrap_err().code(),
        "source_too_large"
    );
    let program = runtime.compile_within("1 + 2", &limits).unwrap();
    let mut jar = runtime.instance(&Router::new(), &Limits::default()).unwrap();
    assert_eq!(jar.run(&program).unwrap().as_str(), "3");
    // The async form waits for the instance that is in use.
    assert_eq!(runtime.compile("1").unwrap_err().code(), "no_capacity");
    let waiting = runtime.compile_async("2 + 2", &limits);
    let program = block_on(async {
        let (program, ()) = tokio::join!(waiting, async { drop(jar) });
        program.unwrap()
    });
    assert_eq!(runtime.instance(&Router::new(), &limits).unwrap().run(&program).unwrap().as_str(), "4");
}
