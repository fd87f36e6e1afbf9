//! Hostile scripts: every file of `tests/bombs` runs in four ways, and must not affect other jars.
//!
//! A file begins with comments: what it attacks, and the codes that it may end with. `ok` stands for the value
//! `true`; a bomb that may succeed checks itself whether it failed. With `Then: dispatch`, an event is sent
//! afterwards to what the bomb left behind, and the codes apply to that.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use belljar::{Call, Error, Instance, Limits, Router, RpcError, Snapshot, Value};

use crate::support::{
    assert_usable_after_reset, block_on, forget_peak, is_alone, jar_of, peak_resident_bytes, resident_bytes, runtime,
};

/// Memory that the host may use beyond the limit of one jar, for tables, stacks and copies of messages.
const OVERHEAD_BYTES: u64 = 12 << 20;
/// Memory that a process may retain after all bombs.
const KEPT_BYTES: u64 = 48 << 20;

pub(crate) struct Bomb {
    pub(crate) name: String,
    pub(crate) source: String,
    sync_endings: BTreeSet<String>,
    async_endings: BTreeSet<String>,
    pub(crate) is_dispatched: bool,
    pub(crate) limits: Limits,
}

fn tight() -> Limits {
    Limits {
        cpu_time: Duration::from_millis(40),
        wall_time: Duration::from_secs(60),
        js_heap_bytes: 16 << 20,
        memory_bytes: 32 << 20,
        stack_bytes: 256 << 10,
        pending_rpcs: 64,
        rpc_calls: 500,
        message_bytes: 1 << 20,
        source_bytes: 1 << 20,
        console_bytes: 16 << 10,
        ..Limits::default()
    }
}

/// The handlers that bombs can call. None of them waits for a clock.
pub(crate) fn router() -> Router {
    Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle("tree", |_: &Call, _: serde_json::Value| Ok(()))
        .handle("large", |_: &Call, (): ()| Ok("x".repeat(500_000)))
        .handle_async("later", |_: Call, value: Value| async move {
            tokio::task::yield_now().await;
            Ok(value)
        })
        .handle_async("never", |_: Call, _: Value| std::future::pending::<Result<(), RpcError>>())
        .on_console(|_, _, line| assert!(line.len() < 16 << 10))
}

pub(crate) fn bombs() -> Vec<Bomb> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bombs");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "js"));
    paths.sort();
    paths.iter().map(|path| Bomb::read(path)).collect()
}

impl Bomb {
    fn read(path: &Path) -> Bomb {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(path).unwrap();
        let header = |key: &str| {
            let line = source.lines().find_map(|line| line.strip_prefix("// ")?.strip_prefix(key)?.strip_prefix(": "));
            line.map(str::to_owned)
        };
        assert!(source.starts_with("// Attacks: "), "{name} does not begin with what it attacks");
        let endings = |mode: &str| {
            let line = header(&format!("Expect {mode}")).or_else(|| header("Expect"));
            let line = line.unwrap_or_else(|| panic!("{name} does not say how it may end"));
            line.split(" | ").map(str::to_owned).collect()
        };
        let mut limits = tight();
        match header("Limits").as_deref().map(|limit| limit.split_once('=')) {
            None => {}
            Some(Some(("wall_ms", ms))) => limits.wall_time = Duration::from_millis(ms.parse().unwrap()),
            Some(Some(("cpu_ms", ms))) => limits.cpu_time = Duration::from_millis(ms.parse().unwrap()),
            Some(_) => panic!("{name} sets a limit that bombs do not set"),
        }
        let (sync_endings, async_endings): (BTreeSet<String>, BTreeSet<String>) = (endings("sync"), endings("async"));
        // A bomb that another limit stops must not hit this limit on a busy machine.
        if sync_endings.union(&async_endings).all(|ending| ending != "cpu_limit_exceeded") {
            limits.cpu_time = limits.cpu_time.max(Duration::from_secs(10));
        }
        Bomb {
            sync_endings,
            async_endings,
            is_dispatched: header("Then").is_some_and(|then| then == "dispatch"),
            name,
            source,
            limits,
        }
    }

    fn go_off(&self, jar: &mut Instance) {
        let mut ended = jar.eval(&self.source);
        if self.is_dispatched {
            assert_eq!(ended, Value::from_json("true"), "{}", self.name);
            ended = jar.dispatch("event", &serde_json::Value::Null);
        }
        self.assert_ended(&ended, &self.sync_endings);
    }

    fn go_off_async(&self, jar: &mut Instance) {
        let mut ended = block_on(jar.eval_async(&self.source));
        if self.is_dispatched {
            assert_eq!(ended, Value::from_json("true"), "{}", self.name);
            ended = block_on(jar.dispatch_async("event", &serde_json::Value::Null));
        }
        self.assert_ended(&ended, &self.async_endings);
    }

    /// `js_error` alone stands for any error of the script, and with a name after it for that error.
    fn assert_ended(&self, ended: &belljar::Result<Value>, endings: &BTreeSet<String>) {
        let is_right = match ended {
            Ok(value) => endings.contains("ok") && value.as_str() == "true",
            Err(Error::Js(error)) => {
                endings.contains("js_error") || endings.contains(&format!("js_error {}", error.name))
            }
            Err(error) => endings.contains(error.code()),
        };
        assert!(is_right, "{} should have ended with one of {endings:?}: {}", self.name, brief(ended));
    }
}

fn brief(ended: &belljar::Result<Value>) -> String {
    format!("{ended:?}").chars().take(300).collect()
}

/// Runs every bomb in one of the four ways, in a separate process, and checks the memory of the process.
fn set_off_all(test: &str, jars: u64, set_off: impl Fn(&Bomb)) {
    if !is_alone(test) {
        return;
    }
    let bombs = bombs();
    assert!(bombs.len() >= 60, "the bombs are gone");
    let only = std::env::var("BELLJAR_BOMB").ok();
    let mut after_first = None;
    for bomb in bombs.iter().filter(|bomb| only.as_ref().is_none_or(|only| bomb.name.contains(only.as_str()))) {
        let before = resident_bytes();
        forget_peak();
        set_off(bomb);
        if let (Some(before), Some(peak)) = (before, peak_resident_bytes()) {
            let most = jars * (bomb.limits.memory_bytes + OVERHEAD_BYTES);
            let held = peak.saturating_sub(before);
            assert!(held <= most, "{} made the host hold {held} bytes; {most} are allowed", bomb.name);
        }
        if after_first.is_none() {
            after_first = resident_bytes();
        }
    }
    if let (Some(first), Some(last)) = (after_first, resident_bytes()) {
        // Memory that the pool's slots and the allocator keep is not a leak, and far less than one bomb uses while it
        // runs.
        assert!(last <= first + jars * KEPT_BYTES, "{first} bytes after the first bomb, {last} after the last");
    }
}

#[test]
fn every_bomb_is_contained_in_a_sync_call() {
    set_off_all("bombs::every_bomb_is_contained_in_a_sync_call", 1, |bomb| {
        let mut jar = jar_of(&router(), &bomb.limits);
        bomb.go_off(&mut jar);
        assert_usable_after_reset(&mut jar);
    });
}

#[test]
fn every_bomb_is_contained_in_an_async_call() {
    set_off_all("bombs::every_bomb_is_contained_in_an_async_call", 1, |bomb| {
        let mut jar = jar_of(&router(), &bomb.limits);
        bomb.go_off_async(&mut jar);
        assert_usable_after_reset(&mut jar);
    });
}

#[test]
fn every_bomb_is_contained_in_a_restored_instance_and_reset_brings_its_snapshot_back() {
    let test = "bombs::every_bomb_is_contained_in_a_restored_instance_and_reset_brings_its_snapshot_back";
    let taken = || -> Snapshot {
        let mut jar = jar_of(&router(), &tight());
        jar.eval("{ const innocent = 'kept'.repeat(1000); host.on('kept', () => innocent.length) }").unwrap();
        jar.snapshot().unwrap()
    };
    let snapshot = std::cell::OnceCell::new();
    set_off_all(test, 1, |bomb| {
        let mut jar = runtime().restore(snapshot.get_or_init(taken), &router(), &bomb.limits).unwrap();
        bomb.go_off(&mut jar);
        assert_usable_after_reset(&mut jar);
        assert_eq!(jar.dispatch("kept", &()).unwrap().as_str(), "4000", "{}", bomb.name);
        jar.reset().unwrap();
        bomb.go_off_async(&mut jar);
        assert_usable_after_reset(&mut jar);
    });
}

#[test]
fn two_bombs_at_once_do_not_disturb_a_neighbour() {
    set_off_all("bombs::two_bombs_at_once_do_not_disturb_a_neighbour", 3, |bomb| {
        // The neighbour has plenty of time, so that a busy machine cannot fail it.
        let mut neighbour = jar_of(&router(), &Limits { cpu_time: Duration::from_secs(60), ..Limits::default() });
        neighbour.eval("const seen = []; host.on('next', n => { seen.push(n); return [seen.length, host.rpcSync('echo', n)] })").unwrap();
        std::thread::scope(|scope| {
            let threads = [Bomb::go_off, Bomb::go_off_async].map(|go_off| {
                scope.spawn(move || {
                    let mut jar = jar_of(&router(), &bomb.limits);
                    go_off(bomb, &mut jar);
                    assert_usable_after_reset(&mut jar);
                })
            });
            for round in 1_u64.. {
                let answer = neighbour.dispatch("next", &(round * round)).unwrap();
                assert_eq!(answer.get::<[u64; 2]>().unwrap(), [round, round * round], "beside {}", bomb.name);
                if threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                    break;
                }
                std::thread::yield_now();
            }
        });
    });
}
