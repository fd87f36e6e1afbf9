//! Guest images that are not ours: whatever their code does, the meter stops it.

use std::time::Duration;

use belljar::{Error, Limits, Router, Runtime, Status};

/// An image that keeps to the protocol in form, with this body for its one function.
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
            (func $self (type $plain) nop)
            {functions}
            (func (export "call") (param i32 i32 i32 i32) (result i32) {body} i32.const 0))"#
    );
    wat::parse_str(text).unwrap()
}

fn run(wasm: Vec<u8>) -> belljar::Result<belljar::Json> {
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
        // Calls that return fan out without a loop: two to the hundredth of them.
        (&fan(100), "call $fan0"),
        // Functions that reach themselves through a table do not run out of stack when every second call returns.
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
