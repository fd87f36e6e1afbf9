//! Guest images that are passed at run time: the meter stops the code of foreign ones, and an old release's image
//! runs the programs and snapshots of that release.

use std::time::Duration;

use belljar::{Answer, Call, Error, Limits, Program, Reply, Router, Runtime, Snapshot, Status, Turn, Value};

use wasmparser::{Parser, Payload};

use crate::support::{block_on, runtime};

/// A well-formed image with this body for its one function.
fn image(functions: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "belljar" "poll" (func $poll (result i32)))
            (memory (export "memory") 4)
            (table 4 funcref) (elem (i32.const 0) $self)
            (type $plain (func))
            (global (export "__stack_pointer") (mut i32) (i32.const 65536))
            (global (export "belljar_vitals") i32 (i32.const 1024))
            (global (export "belljar_abi") i32 (i32.const 1040))
            (data (i32.const 1040) "\01")
            (func $self (type $plain) nop)
            {functions}
            (func (export "call") (param i32 i32 i32 i32) (result i32) {body} i32.const 0))"#
    );
    wat::parse_str(text).unwrap()
}

fn run(wasm: Vec<u8>) -> belljar::Result<belljar::Value> {
    let runtime = Runtime::builder().max_instances(1).guest(wasm).build().unwrap();
    let limits = Limits { cpu_time: Duration::from_millis(20), ..Limits::default() };
    let mut jar = runtime.instance(&Router::new(), &limits).unwrap();
    let ended = jar.eval("");
    assert_eq!(jar.status(), Status::Poisoned);
    ended
}

#[test]
fn no_loop_and_no_recursion_is_free() {
    for (functions, body) in [
        ("", "(loop $again br $again)"),
        ("", "(loop $outer (loop $inner i32.const 1 br_if $inner) br $outer)"),
        ("", "(loop $again (block $out i32.const 0 br_if $out br $again) br $again)"),
        // Calls that multiply without a loop: two to the hundredth power.
        (&fan(100), "call $fan0"),
        // Functions that recurse through a table do not overflow the stack if every second call returns.
        (
            "(func $tree (param i32) local.get 0 if local.get 0 i32.const 1 i32.sub call $tree local.get 0 i32.const 1 i32.sub call $tree end)",
            "i32.const 60 call $tree",
        ),
        ("", "(loop $again i32.const 0 i32.const 0 i32.const 200000 memory.fill br $again)"),
        ("", "(loop $again i32.const 0 i32.const 9 i32.const 200000 memory.copy br $again)"),
        ("", "(loop $again call $poll drop br $again)"),
    ] {
        let error = run(image(functions, body)).unwrap_err();
        assert_eq!(error.code(), "cpu_limit_exceeded", "{body}: {error}");
    }
}

/// Functions that each call the next one twice.
fn fan(depth: usize) -> String {
    let step = |n: usize| format!("(func $fan{n} call $fan{0} call $fan{0})", n + 1);
    let calls: String = (0..depth).map(step).collect();
    format!("{calls}(func $fan{depth} nop)")
}

/// The first is the answer of an image that does not know the flag; the bytes of the others are not UTF-8.
#[test]
fn what_a_guest_shows_is_text_whatever_it_sends() {
    for (shape, bytes, length, text, is_string) in [
        (0, "[1]", 3, "[1]", false),
        (1, "a\\ff\\ed\\a0\\80\\80b", 7, "a\u{fffd}\u{fffd}b", true),
        (2, "\\80\\f0\\9f\\94", 4, "\u{fffd}", false),
    ] {
        let wasm = wat::parse_str(format!(
            r#"(module
                (import "belljar" "poll" (func $poll (result i32)))
                (import "belljar" "send" (func $send (param i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 4)
                (global (export "__stack_pointer") (mut i32) (i32.const 65536))
                (global (export "belljar_vitals") i32 (i32.const 1024))
                (global (export "belljar_abi") i32 (i32.const 1040))
                (data (i32.const 1040) "\01")
                (data (i32.const 2048) "{bytes}")
                (func (export "call") (param i32 i32 i32 i32) (result i32)
                    (call $send (i32.const 1) (i32.const {shape}) (i32.const 2048) (i32.const {length}))))"#
        ));
        let runtime = Runtime::builder().max_instances(1).guest(wasm.unwrap()).build().unwrap();
        let shown = runtime.instance(&Router::new(), &Limits::default()).unwrap().inspect("").unwrap();
        assert_eq!((shown.as_str(), shown.is_string()), (text, is_string), "{bytes}");
    }
}

#[test]
fn endless_recursion_ends_at_the_stack() {
    let error = run(image("(func $down call $down)", "call $down")).unwrap_err();
    assert!(matches!(error.code(), "stack_overflow" | "cpu_limit_exceeded"), "{error}");
}

#[test]
fn a_status_without_a_message_is_a_breach() {
    assert!(matches!(run(image("", "")), Err(Error::Guest { .. })));
    assert!(matches!(run(image("", "unreachable")), Err(Error::Guest { .. })));
}

#[test]
fn an_image_of_another_version_of_the_protocol_is_refused_by_name() {
    let text = wat::parse_str(
        r#"(module
            (import "belljar" "poll" (func (result i32)))
            (memory (export "memory") 1)
            (global (export "__stack_pointer") (mut i32) (i32.const 4096))
            (global (export "belljar_vitals") i32 (i32.const 1024))
            (global (export "belljar_abi") i32 (i32.const 1040))
            (data (i32.const 1040) "\09")
            (func (export "call") (param i32 i32 i32 i32) (result i32) i32.const 0))"#,
    );
    let error = Runtime::builder().max_instances(1).guest(text.unwrap()).build().unwrap_err();
    assert_eq!(error.to_string(), "the guest image speaks version 9 of the protocol, and this library version 1");
}

#[test]
fn what_the_host_does_for_the_guest_is_not_free() {
    let call = |body: &str| {
        let runtime = Runtime::builder().max_instances(1).guest(image("", body)).build().unwrap();
        let mut jar = runtime.instance(&Router::new(), &Limits::default()).unwrap();
        let _ = jar.eval("");
        jar.call_stats().fuel
    };
    let plain = call("");
    for body in ["call $poll drop", "i32.const 0 memory.grow drop"] {
        assert!(call(body) >= plain + 1_000, "{body}");
    }
}

#[test]
fn an_image_that_hides_an_import_in_a_table_is_refused() {
    let text =
        "(module (import \"belljar\" \"poll\" (func $poll (result i32))) (table 1 funcref) (elem (i32.const 0) $poll))";
    let error = Runtime::builder().max_instances(1).guest(wat::parse_str(text).unwrap()).build().unwrap_err();
    assert!(error.to_string().contains("a table of it holds an import"), "{error}");
}

#[test]
fn an_image_that_asks_for_more_or_offers_less_is_refused() {
    let refuse = |text: &str| {
        let built = Runtime::builder().max_instances(1).guest(wat::parse_str(text).unwrap()).build();
        assert!(matches!(built, Err(Error::Input { .. })), "{text}: {built:?}");
    };
    refuse("(module)");
    refuse(r#"(module (import "belljar" "poll" (func (result i32))))"#);
    refuse(r#"(module (import "env" "poll" (func (result i32))))"#);
    refuse(r#"(module (import "belljar" "poll" (func (result i32))) (import "wasi" "fd_write" (func)))"#);
    refuse(r#"(module (import "belljar" "poll" (func (result i32))) (memory (export "memory") i64 1))"#);
    refuse(
        r#"(module (import "belljar" "poll" (func (result i32))) (global (export "belljar_fuel") (mut i64) (i64.const 0)))"#,
    );
}

/// The guest that this build has inside.
const OURS: &[u8] = include_bytes!("../../runtime-guest/guest.wasm");

/// The message of this build's engine about a symbol in arithmetic, and a different one for an older release, of the
/// same length.
const WORDS: [&str; 2] = ["cannot convert symbol to number", "cannot change symbols to number"];

/// A guest like that of an older release: the initial memory of its instances differs from this build's.
fn another() -> Vec<u8> {
    let [ours, theirs] = WORDS.map(str::as_bytes);
    let data = Parser::new(0).parse_all(OURS).find_map(|payload| match payload.unwrap() {
        Payload::DataSection(section) => Some(section.range()),
        _ => None,
    });
    let mut wasm = OURS.to_vec();
    let data = &mut wasm[data.unwrap()];
    let at = data.windows(ours.len()).position(|text| text == ours).unwrap();
    data[at..at + ours.len()].copy_from_slice(theirs);
    wasm
}

fn keep(wasm: impl Into<Vec<u8>>) -> Runtime {
    Runtime::builder().max_instances(3).guest(wasm).build().unwrap()
}

#[test]
fn an_old_guest_beside_a_new_one_keeps_its_snapshots_and_programs_usable() {
    let (old, new) = (keep(another()), runtime());
    let says = "(() => { try { +Symbol() } catch (e) { return e.message } })()";
    let router = Router::new().handle("ask", |_: &Call, _: u32| Reply::pause());
    // The old release stores a program and a snapshot.
    let mut jar = old.instance(&router, &Limits::default()).unwrap();
    jar.eval("const greeting = 'from long ago'").unwrap();
    let script = format!("const before = {says}; [greeting, await host.rpc('ask', 1), before, {says}]");
    let Turn::Paused(paused) = block_on(jar.step_eval_async(&script)).unwrap() else { panic!("it should pause") };
    let snapshot = paused.snapshot().seal(&[1; 32], b"tenant").unwrap();
    let program = old.compile("6 * 7").unwrap().to_bytes();

    // The new release can read both, and refuses to use them.
    let snapshot = Snapshot::open(&snapshot, &[1; 32], b"tenant").unwrap();
    let program = Program::from_bytes(&program).unwrap();
    let refused = new.restore(&snapshot, &router, &Limits::default()).unwrap_err();
    assert_eq!(refused.code(), "invalid_snapshot");
    let mut fresh = new.instance(&router, &Limits::default()).unwrap();
    assert_eq!(fresh.run(&program).unwrap_err().code(), "invalid_program");

    // So it falls back to the old guest, and the script is resumed there while new scripts run beside it.
    let mut jar = old.restore(&snapshot, &router, &Limits::default()).unwrap();
    let answer = (jar.pending()[0].id, Answer::Result(Value::of("still here").unwrap()));
    let Turn::Done(value) = block_on(jar.resume_async([answer])).unwrap() else { panic!("it should be done") };
    let [ours, theirs] = WORDS;
    assert_eq!(value.get::<[String; 4]>().unwrap(), ["from long ago", "still here", theirs, theirs]);
    assert_eq!(fresh.eval(says).unwrap().get::<String>().unwrap(), ours);
    assert_eq!(jar.run(&program).unwrap().as_str(), "42");
    assert_eq!(fresh.eval("1 + 2").unwrap().as_str(), "3");
    // The old guest refuses what the new one made, too.
    assert_eq!(
        old.restore(&fresh.snapshot().unwrap(), &router, &Limits::default()).unwrap_err().code(),
        "invalid_snapshot"
    );
}

#[test]
fn the_committed_guest_given_at_run_time_is_the_one_inside() {
    // So only the guest.wasm of a release must be kept.
    let kept = keep(OURS);
    let mut jar = runtime().instance(&Router::new(), &Limits::default()).unwrap();
    jar.eval("let n = 41").unwrap();
    let snapshot = jar.snapshot().unwrap();
    let mut twin = kept.restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
    assert_eq!(twin.eval("++n").unwrap().as_str(), "42");
    let program = runtime().compile("n * 2").unwrap();
    assert_eq!(twin.run(&program).unwrap().as_str(), "84");
}
