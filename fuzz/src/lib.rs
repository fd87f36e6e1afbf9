//! The fuzz targets: seven functions that take any bytes and must return. cargo-fuzz calls them with inputs that it
//! finds interesting. `cargo test` calls them with the seeds and simple mutations of them, so that they run without a
//! nightly compiler.
//!
//! A panic, a hang, unbounded memory or an impossible answer is a find.

mod allocation;
mod patch;
mod process;
mod types;
mod values;

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use belljar::{
    Call, CallId, Error, Instance, Limits, Program, Recording, Reply, Router, RpcError, Runtime, Snapshot, Value,
};
use rquickjs as native;

use allocation::within;
use patch::{made_snapshot, patched_program, patched_snapshot};
pub use process::protocol;
pub use types::typescript;
pub use values::value;

fn limits() -> Limits {
    Limits {
        cpu_time: Duration::from_millis(10),
        wall_time: Duration::from_secs(10),
        js_heap_bytes: 4 << 20,
        memory_bytes: 8 << 20,
        pending_rpcs: 16,
        rpc_calls: 50,
        message_bytes: 1 << 20,
        console_bytes: 4 << 10,
        ..Limits::default()
    }
}

fn router() -> Router {
    Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle_async("never", |_: Call, _: Value| std::future::pending::<Result<(), RpcError>>())
        .handle("pause", |_: &Call, _: Value| Reply::pause())
        .on_console(|_, _, _| ())
}

/// A runtime with the built-in guest, shared by all inputs.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::builder().max_instances(4).build().expect("the machine can run belljar"))
}

/// Polls a future to its end, or drops it if it waits for an answer that never comes.
fn poll_to_the_end<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}

/// Checks that a reset makes an instance usable, whatever happened before.
fn assert_comes_back(jar: &mut Instance) {
    jar.reset().expect("an instance can be reset");
    assert_eq!(jar.eval("1 + 2").map(|json| json.as_str().to_owned()), Ok("3".to_owned()));
}

/// A script, evaluated in both modes and compiled.
pub fn eval(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let mut jar = runtime().instance(&router(), &limits()).expect("there is room");
    assert_not_the_hosts(&jar.eval(&*source));
    let _ = jar.reset();
    if let Some(ended) = poll_to_the_end(jar.eval_async(&*source)) {
        assert_not_the_hosts(&ended);
    }
    assert_comes_back(&mut jar);
}

/// Checks that a script did not end with a breach of protocol or a host error: both would be bugs of belljar.
fn assert_not_the_hosts(ended: &belljar::Result<Value>) {
    assert!(!matches!(ended, Err(Error::Guest { .. } | Error::Host { .. })), "{ended:?}");
}

/// A guest that breaks the protocol as the bytes direct.
pub fn guest(data: &[u8]) {
    static HOSTILE: OnceLock<Runtime> = OnceLock::new();
    let hostile = HOSTILE.get_or_init(|| {
        let wasm = wat::parse_str(include_str!("hostile.wat")).expect("the guest parses");
        Runtime::builder().max_instances(4).guest(wasm).build().expect("the machine can run belljar")
    });
    let script: String = data.iter().take(20_000).map(|byte| format!("{byte:02x}")).collect();
    // These are the heap and stack limits of the image itself, so that the guest is not configured before it has its
    // script.
    let limits = Limits {
        js_heap_bytes: Limits::default().js_heap_bytes,
        memory_bytes: Limits::default().memory_bytes,
        stack_bytes: Limits::default().stack_bytes,
        ..limits()
    };
    let mut jar = hostile.instance(&router(), &limits).expect("there is room");
    let _ = jar.eval(&script);
    let _ = jar.dispatch("event", &1);
    let _ = jar.reset();
    let _ = poll_to_the_end(jar.eval_async(&script));
    let _ = poll_to_the_end(jar.dispatch_async("event", &1));
    if let Some(Ok(belljar::Turn::Paused(paused))) = poll_to_the_end(jar.step_eval_async(&script)) {
        let _ = hostile.restore(paused.snapshot(), &router(), &limits);
        let _ = poll_to_the_end(jar.resume_async([]));
    }
    if let Ok(snapshot) = jar.snapshot() {
        Snapshot::from_bytes(&snapshot.to_bytes()).expect("a snapshot of ours is one");
    }
    assert!(jar.stats().memory_bytes <= limits.memory_bytes);
    jar.reset().expect("an instance can be reset");
}

/// Program bytes: the input itself, and a valid program with the changes that the input encodes, under a correct
/// checksum.
pub fn program(data: &[u8]) {
    let _ = Program::from_bytes(data);
    static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
    let good = GOOD.get_or_init(|| {
        let source = "const f = (a, b) => { try { return a?.b + [...b].map(x => x * 2).join(`${a}`) } catch (e) { return /x+/g.exec(e) } }; \
                      class A { #x = 1n; get x() { return this.#x } } function* g() { yield* [1, 2] } f({ b: new A().x }, g())";
        runtime().compile(source).expect("it compiles").to_bytes()
    });
    let forged = Program::from_bytes(&patched_program(good, data)).expect("the checksum is right");
    let mut jar = runtime().instance(&router(), &limits()).expect("there is room");
    let _ = jar.run(&forged);
    let _ = jar.reset();
    let _ = poll_to_the_end(jar.run_async(&forged));
    assert_comes_back(&mut jar);
}

/// Stored bytes: the input as a snapshot, a valid snapshot with the changes that the input encodes, a snapshot whose
/// whole contents are the input, both under a correct checksum; the input as a recording and as the id of a call.
/// Reading may take memory in proportion to the bytes, and restoring what the limits allow.
pub fn snapshot(data: &[u8]) {
    let _ = within(most_read(data), || Snapshot::from_bytes(data));
    let _ = within(most_read(data), || Snapshot::open(data, &[7; 32], b"context"));
    // The worst ratio of memory to text is that of an event of a recording, which is fifteen characters long.
    if let Ok(recording) = within(24 * data.len() + SMALL, || Recording::from_bytes(data)) {
        let again = Recording::from_bytes(&recording.to_bytes()).expect("a recording of ours is one");
        assert_eq!(again.calls(), recording.calls());
        let _ = again.replay().finish();
        let mut jar = runtime().instance(&recording.replay().router(), &limits()).expect("there is room");
        let _ = poll_to_the_end(jar.eval_async("[host.rpcSync('a'), await host.rpc('b', 1), await host.rpc('b', 2)]"));
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(id) = text.parse::<CallId>()
    {
        assert_eq!(id.to_string(), text);
    }
    static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
    let good = GOOD.get_or_init(|| {
        let mut jar = runtime().instance(&router(), &limits()).expect("there is room");
        let script = "globalThis.state = { list: [1, 'two', { three: 3n }], map: new Map([[{}, 1]]) }; \
                      host.on('event', n => state.list.push(n)); await host.rpc('pause', 1); state.list.length";
        match poll_to_the_end(jar.step_eval_async(script)) {
            Some(Ok(belljar::Turn::Paused(paused))) => paused.snapshot().to_bytes(),
            other => panic!("it should have paused: {other:?}"),
        }
    });
    go_on_from(&patched_snapshot(good, data));
    go_on_from(&made_snapshot(good, data));
}

/// A constant allowance for the library.
const SMALL: usize = 64 << 10;

/// The most memory that reading a snapshot may take.
fn most_read(bytes: &[u8]) -> usize {
    8 * bytes.len() + SMALL
}

/// Reads a forged snapshot, and resumes it if that is possible.
fn go_on_from(bytes: &[u8]) {
    let Ok(forged) = within(most_read(bytes), || Snapshot::from_bytes(bytes)) else { return };
    assert_eq!(
        Snapshot::from_bytes(&forged.to_bytes()).map(|again| again.memory_bytes()),
        Ok(forged.memory_bytes()),
        "what was read can be written"
    );
    let limits = limits();
    let most = usize::try_from(limits.memory_bytes).expect("it fits");
    // Pages are decompressed once, and the same amount again is an allowance for the rest: pending calls are copied,
    // and the first restore in a process reads the image. The instance's own memory is not counted.
    let Ok(mut jar) = within(2 * most + most_read(bytes), || runtime().restore(&forged, &router(), &limits)) else {
        return;
    };
    let pending: Vec<CallId> = jar.pending().iter().map(|call| call.id).collect();
    let _ = poll_to_the_end(
        jar.resume_async(pending.into_iter().map(|id| (id, belljar::Answer::Result(Value::UNDEFINED)))),
    );
    let _ = jar.dispatch("event", &[1]);
    let _ = jar.eval("JSON.stringify(state) + [...state.map].length + Object.keys(globalThis)");
    let _ = jar.snapshot();
    // The reset restores the forged state, which may be unusable.
    let _ = jar.reset();
    let _ = jar.eval("1 + 2");
    drop(jar);
    let mut next = runtime().instance(&router(), &limits).expect("there is room");
    assert_comes_back(&mut next);
}

/// JSON text: read into Rust values, and sent through a jar, which must give the same as native QuickJS.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(value) = Value::from_json(text) else {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text} is JSON");
        return;
    };
    let _ = value.get::<serde_json::Value>();
    let _ = value.get::<Vec<Option<f64>>>();
    let _ = value.get::<std::collections::HashMap<String, serde_json::Value>>();
    let _ = value.get::<(u64, String, i8)>();
    assert_eq!(Value::of(&value).map(|json| json.as_str().trim().to_owned()), Ok(text.trim().to_owned()));
    let context = native::Context::full(&native::Runtime::new().expect("there is memory")).expect("there is memory");
    let expected: Option<String> = context.with(|context| {
        context.globals().set("text", text).ok()?;
        context.eval("JSON.stringify(JSON.parse(text))").ok()
    });
    let mut jar = runtime().instance(&router(), &limits()).expect("there is room");
    jar.eval("host.on('same', value => value)").expect("it registers");
    match (jar.dispatch("same", &value), expected) {
        (Ok(found), Some(expected)) => assert_eq!(found.to_json_lossy().as_deref(), Ok(expected.as_str()), "{text}"),
        // Both sides limit depth and size.
        (Err(error), _) => assert!(!matches!(error, Error::Guest { .. } | Error::Host { .. }), "{error}"),
        (Ok(found), None) => panic!("native QuickJS refuses {text}, a jar makes {found} of it"),
    }
    assert_comes_back(&mut jar);
}
