//! Preludes: what every instance gets from them, and what it does not.

use belljar::{Clock, Error, Instance, Limits, Router, Runtime, Script, Snapshot};
use std::time::Duration;

use crate::support::{assert_usable, block_on, runtime};

fn with_preludes(preludes: &[&str]) -> Runtime {
    let builder = Runtime::builder().max_instances(4);
    preludes.iter().fold(builder, |builder, &script| builder.prelude(script)).build().unwrap()
}

fn start(runtime: &Runtime) -> Instance {
    runtime.instance(&Router::new(), &Limits::default()).unwrap()
}

fn text(jar: &mut Instance, script: &str) -> String {
    jar.eval(script).unwrap().as_str().to_owned()
}

#[test]
fn preludes_run_once_in_order_and_are_there_in_every_instance() {
    let runtime = with_preludes(&[
        "let runs = 0; const log = ['a']; class Box { #v = 1; get v() { return this.#v } }",
        "runs++; log.push('b'); host.on('log', n => [runs, n, ...log, new Box().v]); () => 'not JSON'",
    ]);
    for _ in 0..3 {
        let mut jar = start(&runtime);
        assert_eq!(jar.dispatch("log", &7).unwrap().as_str(), r#"[1,7,"a","b",1]"#);
        assert_eq!(text(&mut jar, "runs++; log.push('mine'); log.length"), "3");
        jar.reset().unwrap();
        assert_eq!(jar.dispatch("log", &8).unwrap().as_str(), r#"[1,8,"a","b",1]"#);
        assert_usable(&mut jar);
    }
}

#[test]
fn random_numbers_and_time_of_a_prelude_do_not_leak() {
    let runtime = with_preludes(&["const first = Math.random(), began = performance.now()"]);
    let mut draws: Vec<String> = (0..20).map(|_| text(&mut start(&runtime), "Math.random()")).collect();
    draws.sort();
    draws.dedup();
    assert_eq!(draws.len(), 20);
    let seeded = |runtime: &Runtime| {
        let clock = Clock::Stepped { start: Duration::from_secs(9), step: Duration::from_secs(1) };
        let mut jar = runtime.build_instance().seed(5).clock(clock).start(&Router::new(), &Limits::default()).unwrap();
        text(&mut jar, "[Math.random(), Date.now(), performance.now()]")
    };
    // A seed gives the same numbers as without a prelude, and a clock starts where it is set.
    assert_eq!(seeded(&runtime), seeded(crate::support::runtime()));
}

#[test]
fn a_snapshot_as_prelude_makes_new_instances_and_not_twins() {
    let clock = Clock::Fixed(Duration::from_secs(1));
    let mut jar = runtime().build_instance().seed(5).clock(clock).start(&Router::new(), &Limits::default()).unwrap();
    let first = text(&mut jar, "let n = 40; Math.random()");
    let next = text(&mut jar, "Math.random()");
    let prelude = jar.snapshot().unwrap();
    let build = || runtime().build_instance().begin_from(&prelude);
    let start = |builder: belljar::InstanceBuilder| builder.start(&Router::new(), &Limits::default()).unwrap();
    // The instance has its own random numbers, from its own seed if it has one, and its own clock.
    assert_eq!(text(&mut start(build().seed(5)), "Math.random()"), first);
    let [one, two] = [(); 2].map(|()| text(&mut start(build()), "Math.random()"));
    assert!(one != two && ![&first, &next].contains(&&one));
    assert_eq!(text(&mut start(build()), "++n; Date.now() > 1e12 && n"), "41");
}

#[test]
fn a_paused_snapshot_is_no_prelude() {
    let router = Router::new().handle("ask", |_: &belljar::Call, (): ()| belljar::Reply::pause());
    let mut jar = runtime().instance(&router, &Limits::default()).unwrap();
    let belljar::Turn::Paused(paused) = block_on(jar.step_eval_async("await host.rpc('ask')")).unwrap() else {
        panic!("it should pause")
    };
    let refused = runtime().build_instance().begin_from(paused.snapshot()).start(&router, &Limits::default());
    assert!(matches!(refused, Err(Error::Input { .. })));
}

#[test]
fn a_snapshot_of_an_instance_holds_its_preludes() {
    let with = with_preludes(&["var shared = 'from the prelude'"]);
    let mut jar = start(&with);
    jar.eval("shared += '!'").unwrap();
    let bytes = jar.snapshot().unwrap().to_bytes();
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    // It restores to the same state with the same prelude, another one, or none.
    let other = with_preludes(&["var shared = 'something else'"]);
    for runtime in [&with, &other, runtime()] {
        let mut twin = runtime.restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
        assert_eq!(text(&mut twin, "shared"), r#""from the prelude!""#);
        let mut jar = runtime.build_instance().begin_from(&snapshot).start(&Router::new(), &Limits::default()).unwrap();
        assert_eq!(text(&mut jar, "shared"), r#""from the prelude!""#);
    }
}

#[test]
fn a_program_runs_with_and_without_a_prelude() {
    let with = with_preludes(&["var base = 40"]);
    let program = with.compile("(globalThis.base ?? 0) + 2").unwrap();
    assert_eq!(program.to_bytes(), runtime().compile("(globalThis.base ?? 0) + 2").unwrap().to_bytes());
    assert_eq!(start(&with).run(&program).unwrap().as_str(), "42");
    assert_eq!(start(runtime()).run(&program).unwrap().as_str(), "2");
}

#[test]
fn a_prelude_that_fails_makes_no_runtime() {
    let fails = |script: &str| {
        let builder = Runtime::builder().max_instances(1).prelude("1").prelude(Script::new(script).named("setup.js"));
        builder.build().unwrap_err()
    };
    for script in
        ["\nnull.x", "\nlet b = ;", "\nPromise.reject(new TypeError('nobody looks')); 1", "\nhost.rpcSync('any')"]
    {
        let Error::Js(error) = fails(script) else { panic!("{script} should throw") };
        assert!(error.stack.unwrap().contains("setup.js:2:"), "{script}");
    }
    assert_eq!(fails("new Promise(() => {})").code(), "never_settled");
}

#[test]
fn a_prelude_has_limits_and_instances_have_others() {
    let limits = Limits { cpu_time: Duration::from_millis(20), ..Limits::default() };
    let endless = Runtime::builder().max_instances(1).prelude_limits(&limits).prelude("for (;;);").build();
    assert_eq!(endless.unwrap_err().code(), "cpu_limit_exceeded");
    let runtime = with_preludes(&["const big = new Uint8Array(8 << 20).fill(1)"]);
    assert_eq!(text(&mut start(&runtime), "big.length"), "8388608");
    let small = Limits { memory_bytes: 4 << 20, js_heap_bytes: 4 << 20, ..Limits::default() };
    let refused = runtime.instance(&Router::new(), &small).unwrap_err();
    assert_eq!(refused.code(), "limit_too_low");
    assert!(refused.to_string().starts_with("the memory limit is 4194304 bytes, and "), "{refused}");
}

#[test]
fn what_a_script_does_to_a_prelude_stays_in_its_instance() {
    let runtime = with_preludes(&["globalThis.lib = { f: () => 'sound' }; host.on('f', () => lib.f())"]);
    let mut bad = start(&runtime);
    bad.eval("lib.f = () => 'forged'; Array.prototype.map = null").unwrap();
    assert_eq!(bad.dispatch("f", &()).unwrap().as_str(), r#""forged""#);
    assert_eq!(start(&runtime).dispatch("f", &()).unwrap().as_str(), r#""sound""#);
    let mut strict =
        runtime.build_instance().without_code_generation().start(&Router::new(), &Limits::default()).unwrap();
    assert_eq!(text(&mut strict, "try { eval('1') } catch (e) { e.name + lib.f() }"), r#""EvalErrorsound""#);
}
