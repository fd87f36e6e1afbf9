//! Guests that break the protocol: every file of `tests/guests` does what a compromised QuickJS could do, and each
//! ends in a named error.
//!
//! A file begins with comments: what it does, the codes that its calls may end with, and a part of the error's
//! message. The rest is either a whole module, or the fields that [`FRAME`] lacks; in the latter, `$act` is what the
//! guest does when it is called.

use std::fs;
use std::path::Path;
use std::time::Duration;

use belljar::{Call, Error, Instance, Limits, Router, RpcError, Runtime, Script, Status, Value};

use crate::support::{block_on, forget_peak, is_alone, peak_resident_bytes, resident_bytes};

/// The parts of every well-formed guest: the six imports, the exports, and some texts to send.
const FRAME: &str = r#"(module
    (import "belljar" "ask" (func $ask (param i32) (result i64)))
    (import "belljar" "poll" (func $poll (result i32)))
    (import "belljar" "send" (func $send (param i32 i32 i32 i32) (result i32)))
    (import "belljar" "rpc" (func $rpc (param i32 i32 i32 i32 i32) (result i32)))
    (import "belljar" "rpc_sync" (func $rpc_sync (param i32 i32 i32 i32) (result i64)))
    (import "belljar" "take" (func $take (param i32 i32)))
    (memory (export "memory") 4)
    (global (export "__stack_pointer") (mut i32) (i32.const 65536))
    (global (export "belljar_vitals") i32 (i32.const 1024))
    (global (export "belljar_abi") i32 (i32.const 1040))
    (data (i32.const 1040) "\01\00\00\00")
    (data (i32.const 2048) "echonever")
    (data (i32.const 2064) "1")
    (data (i32.const 2080) "{}")
    (data (i32.const 2096) "\ff\fe\fd\fc")
"#;

/// The exported function, which behaves correctly in the host's own operations.
const CALL: &str = r#"
    (func (export "call") (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
        (if (result i32) (i32.ge_u (local.get $op) (i32.const 6))
            (then (i32.const 0))
            (else (call $act (local.get $op) (local.get $flags) (local.get $split) (local.get $length)))))
"#;

/// Memory that the host may use beyond the limits, for Cranelift, tables, stacks and copies of messages.
const OVERHEAD_BYTES: u64 = 24 << 20;

struct Guest {
    name: String,
    text: String,
}

impl Guest {
    fn header(&self, key: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(";; ")?.strip_prefix(key)?.strip_prefix(": "))
    }

    fn wasm(&self) -> Vec<u8> {
        let text = match () {
            () if self.text.contains("(module") => self.text.clone(),
            () if self.text.contains(r#"(export "call")"#) => format!("{FRAME}{})", self.text),
            () => format!("{FRAME}{}{CALL})", self.text),
        };
        wat::parse_str(text).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    #[track_caller]
    fn assert_ended(&self, what: &str, ended: &belljar::Result<Value>) {
        let code = ended.as_ref().map_or_else(Error::code, |_| "ok");
        let expected = self.header("Expect").unwrap_or_else(|| panic!("{} does not say how it may end", self.name));
        assert!(expected.split(" | ").any(|one| one == code), "{} {what}: {ended:?}", self.name);
        if let (Some(says), Err(error)) = (self.header("Says"), ended) {
            assert!(error.to_string().contains(says), "{} {what}: {error}", self.name);
        }
    }
}

fn guests() -> Vec<Guest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    paths.sort();
    let read = |path: &std::path::PathBuf| Guest {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

/// The heap and stack limits of the image itself, so that the guest is not configured before its first call.
fn limits() -> Limits {
    Limits {
        cpu_time: Duration::from_millis(30),
        wall_time: Duration::from_secs(60),
        memory_bytes: 32 << 20,
        pending_rpcs: 64,
        rpc_calls: 500,
        message_bytes: 1 << 20,
        console_bytes: 16 << 10,
        ..Limits::default()
    }
}

fn router() -> Router {
    Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle_async("never", |_: Call, _: Option<serde_json::Value>| std::future::pending::<Result<(), RpcError>>())
}

/// Calls every other method of an instance: each may fail, but must return.
fn ask_everything(runtime: &Runtime, jar: &mut Instance) {
    let _ = jar.dispatch("event", &serde_json::Value::Null);
    let _ = block_on(jar.dispatch_async("event", &serde_json::Value::Null));
    let _ = block_on(jar.step_eval_async("")).map(drop);
    let _ = block_on(jar.resume_async([]));
    let stats = jar.stats();
    assert!(stats.memory_bytes <= limits().memory_bytes);
    if let Ok(snapshot) = jar.snapshot() {
        let bytes = snapshot.to_bytes();
        let snapshot = belljar::Snapshot::from_bytes(&bytes).unwrap();
        assert!(matches!(runtime.restore(&snapshot, &router(), &limits()), Err(Error::Capacity { .. })));
    }
    let _ = jar.events();
}

fn set_loose(guest: &Guest) {
    let refused = |error: Error| guest.assert_ended("when it is made", &Err(error));
    let runtime = match Runtime::builder().max_instances(1).guest(guest.wasm()).build() {
        Ok(runtime) => runtime,
        Err(error) => return refused(error),
    };
    let mut jar = match runtime.instance(&router(), &limits()) {
        Ok(jar) => jar,
        Err(error) => return refused(error),
    };
    for round in 0..2 {
        let ended = jar.eval(Script::new("1").named("x"));
        guest.assert_ended(&format!("in sync round {round}"), &ended);
        if let Ok(json) = &ended {
            // Reading the value, whatever it is, must not recurse.
            let _ = json.get::<serde_json::Value>();
            let _ = json.get::<f64>();
        }
        ask_everything(&runtime, &mut jar);
        jar.reset().unwrap();
        guest.assert_ended(&format!("in async round {round}"), &block_on(jar.eval_async(Script::new("1").named("x"))));
        ask_everything(&runtime, &mut jar);
        jar.reset().unwrap();
        assert_eq!(jar.status(), Status::Ready, "{}", guest.name);
    }
    drop(jar);
    // Compiling runs under the default limits, where an endless guest takes seconds.
    if guest.header("Expect") != Some("cpu_limit_exceeded") {
        let _ = runtime.compile("1").map(drop);
    }
}

#[test]
fn every_guest_that_breaks_the_protocol_ends_in_an_error_with_a_name() {
    if !is_alone("hostile_guests::every_guest_that_breaks_the_protocol_ends_in_an_error_with_a_name") {
        return;
    }
    let guests = guests();
    assert!(guests.len() >= 60, "the guests are gone");
    let only = std::env::var("BELLJAR_GUEST").ok();
    for guest in guests.iter().filter(|guest| only.as_ref().is_none_or(|only| guest.name.contains(only.as_str()))) {
        let before = resident_bytes();
        forget_peak();
        set_loose(guest);
        if let (Some(before), Some(peak)) = (before, peak_resident_bytes()) {
            let held = peak.saturating_sub(before);
            // Its own memory, and the same again for what its calls hold on the host or for a snapshot.
            let most = 2 * limits().memory_bytes + OVERHEAD_BYTES;
            assert!(held <= most, "{} made the host hold {held} bytes; {most} are allowed", guest.name);
        }
    }
}

/// A guest that sends a text in the host's own operations, and then returns a status.
fn answering(status: u32, text: &str) -> Runtime {
    let act = format!(
        r#"(data (i32.const 2200) "{}")
        (func (export "call") (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
            (if (i32.const {}) (then (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2200) (i32.const {})))))
            (i32.const {status}))"#,
        text.replace('"', "\\22"),
        text.len(),
        text.len(),
    );
    let guest = Guest { name: "answering".into(), text: act };
    Runtime::builder().max_instances(1).guest(guest.wasm()).build().unwrap()
}

#[test]
fn an_image_that_knows_no_events_is_too_old() {
    // The first is the status that guests returned before there was a specific one.
    for status in [6, 7] {
        let runtime = answering(status, "");
        let mut jar = runtime.instance(&Router::new(), &limits()).unwrap();
        let error = jar.events().unwrap_err();
        assert_eq!(error.code(), "host_error");
        assert!(error.to_string().contains("too old"), "{error}");
        assert_eq!(jar.status(), Status::Ready);
    }
}

#[test]
fn a_list_of_events_is_not_believed() {
    let many = format!("[{}\"\"]", "\"\",".repeat(2000));
    let long = format!("[\"{}\",\"b\",\"a\"]", "x".repeat(1001));
    for (text, expected) in
        [(many.as_str(), Some(vec![""; 1000])), (&long, Some(vec!["a", "b"])), ("[1]", None), ("", None)]
    {
        let runtime = answering(0, text);
        let mut jar = runtime.instance(&Router::new(), &limits()).unwrap();
        match (jar.events(), expected) {
            (Ok(names), Some(expected)) => assert_eq!(names, expected),
            (Err(error), None) => assert_eq!(error.code(), "guest_broke_protocol"),
            other => panic!("{other:?}"),
        }
    }
}

/// A guest that returns, for an eval, how many words of all the memory that it can get are not zero, and fills that
/// memory for an event.
const SCANNER: &str = r#"
    (func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
        (local $at i32) (local $dirty i32)
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (local.set $at (i32.const 4096))
        (loop $again
            (local.set $dirty (i32.add (local.get $dirty) (i64.ne (i64.load (local.get $at)) (i64.const 0))))
            (if (i32.eq (local.get $op) (i32.const 2)) (then (i64.store (local.get $at) (i64.const -1))))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $again (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
        (i32.store8 (i32.const 2200) (select (i32.const 0x31) (i32.const 0x30) (local.get $dirty)))
        (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2200) (i32.const 1)))
        (i32.const 0))"#;

#[test]
fn no_word_of_all_the_memory_that_a_guest_can_get_was_another_guests() {
    let guest = Guest { name: "scanner".into(), text: SCANNER.into() };
    for builder in [Runtime::builder(), Runtime::builder().on_demand()] {
        let runtime = builder.max_instances(2).guest(guest.wasm()).build().unwrap();
        for _ in 0..4 {
            let mut jars = [(); 2].map(|()| {
                runtime.instance(&Router::new(), &Limits { cpu_time: Duration::from_secs(60), ..limits() }).unwrap()
            });
            for jar in &mut jars {
                assert_eq!(jar.eval("").unwrap().as_str(), "0");
                assert_eq!(jar.dispatch("fill", &()).unwrap().as_str(), "0");
                assert_eq!(jar.eval("").unwrap().as_str(), "1");
            }
        }
    }
}
