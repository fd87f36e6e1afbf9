//! Scripts that try to exhaust the machine, and the limit that stops each of them.
//!
//! Shows: [`Limits`], soft stops (the instance keeps its state), hard stops inside native built-ins (the instance is
//! poisoned until [`Instance::reset`]), and that a script can neither catch a limit nor forge one.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::time::{Duration, Instant};

use belljar::{Blame, Instance, LimitKind, Limits, Router, Runtime, Status};

/// A script and the code of the error that it must end with.
const HOSTILE: [(&str, &str, &str); 10] = [
    ("an endless loop", "for (;;) {}", "cpu_limit_exceeded"),
    ("a loop that catches everything", "for (;;) { try { for (;;) {} } catch {} }", "cpu_limit_exceeded"),
    ("a native array join", "new Array(1e9) + ''", "cpu_limit_exceeded"),
    ("a regular expression that backtracks", "/^(a+)+$/.test('a'.repeat(40) + 'b')", "cpu_limit_exceeded"),
    ("a huge number as text", "(3n ** 300000n).toString()", "cpu_limit_exceeded"),
    ("buffers without end", "const kept = []; for (;;) kept.push(new Uint8Array(4 << 20))", "memory_limit_exceeded"),
    ("endless recursion", "(function f() { f() })()", "js_error"),
    ("a flood of console lines", "for (;;) console.log('x'.repeat(100))", "console_limit_exceeded"),
    ("a flood of calls", "for (;;) host.rpcSync('nothing')", "rpc_limit_exceeded"),
    ("a result too large to hand out", "'x'.repeat(100_000)", "message_too_large"),
];

fn main() -> belljar::Result<()> {
    let limits = Limits {
        cpu_time: Duration::from_millis(100),
        js_heap_bytes: 16 << 20,
        memory_bytes: 32 << 20,
        console_bytes: 4 << 10,
        message_bytes: 64 << 10,
        rpc_calls: 100,
        ..Limits::default()
    };
    let router = Router::new().handle("nothing", |_: &belljar::Call, (): ()| Ok(())).on_console(|_, _, _| {});
    let runtime = Runtime::new()?;

    for (what, script, code) in HOSTILE {
        let mut jar = runtime.instance(&router, &limits)?;
        let from = Instant::now();
        let Err(error) = jar.eval(script) else { panic!("nothing stopped {what}") };
        println!("{what:36} {:3} ms  {:22} {:?}", from.elapsed().as_millis(), error.code(), jar.status());
        assert_eq!(error.code(), code, "{what}: {error}");
        assert_works_again(&mut jar)?;
    }

    // A stack overflow is an ordinary RangeError: the script can catch it and continue.
    let mut jar = runtime.instance(&router, &limits)?;
    let caught: String = jar.eval("function f() { f() } try { f() } catch (error) { error.name }")?.get()?;
    assert_eq!(caught, "RangeError");

    // A soft stop keeps the script's state, and the next call has a fresh budget.
    jar.eval("globalThis.kept = 'still here'")?;
    assert_eq!(jar.eval("for (;;) {}").err().map(|error| error.blame()), Some(Blame::Limits));
    assert_eq!(jar.status(), Status::Ready);
    assert_eq!(jar.eval("kept")?.get::<String>()?, "still here");

    // Codes come from what the host observed, never from the text of an error.
    let forged = jar.eval("throw Object.assign(new Error('interrupted'), { code: 'cpu_limit_exceeded' })");
    assert_eq!(forged.err().map(|error| error.code()), Some("js_error"));

    // Fuel counts work, not time: the same script costs the same on every machine with the same build.
    let metered = Limits { fuel: Some(1_000_000), ..limits };
    let spend = |script: &str| -> belljar::Result<u64> {
        let mut jar = runtime.instance(&router, &metered)?;
        jar.eval(script)?;
        Ok(jar.call_stats().fuel)
    };
    let (once, again) = (spend("for (let i = 0; i < 1000; i++);")?, spend("for (let i = 0; i < 1000; i++);")?);
    println!("a loop of a thousand rounds costs {once} units of fuel, every time");
    assert_eq!(once, again);
    let stopped = runtime.instance(&router, &metered)?.eval("for (;;) {}");
    assert_eq!(stopped.err().map(|error| error.code()), Some(LimitKind::Fuel.code()));
    Ok(())
}

fn assert_works_again(jar: &mut Instance) -> belljar::Result<()> {
    if jar.status() == Status::Poisoned {
        assert_eq!(jar.eval("1 + 2").err().map(|error| error.code()), Some("poisoned"));
        jar.reset()?;
    }
    assert_eq!(jar.eval("1 + 2")?.get::<i64>()?, 3);
    Ok(())
}
