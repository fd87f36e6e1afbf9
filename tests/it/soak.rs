//! A long random mix of everything: the memory of the process and the slots of its pool must not leak.
//!
//! Two threads run random rounds, and a third cancels calls in progress. `BELLJAR_SOAK=N` runs N rounds on each
//! thread, and `--nocapture` prints the figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use belljar::{
    Answer, Blame, Call, CancelHandle, Error, Instance, Limits, Reply, Router, Runtime, Snapshot, Turn, Value,
};

use crate::bombs::{Bomb, bombs, router};
use crate::support::{Alive, block_on, is_alone, poll_once, resident_bytes};

const SLOTS: u32 = 4;
/// By how much memory may grow between the first third and the end. A leak of a page per round would be more.
const NOISE_BYTES: u64 = 4 << 20;

/// A deterministic random number generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // A linear congruential generator, whose high bits are random enough here.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// The state that all rounds share.
struct Soak {
    runtime: Runtime,
    bombs: Vec<Bomb>,
    alive: &'static AtomicUsize,
    /// Counts the endings of each kind of round.
    endings: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

/// Bounds work by fuel instead of time, so that a busy machine changes nothing.
fn by_fuel(limits: &Limits) -> Limits {
    Limits { cpu_time: Duration::from_secs(600), fuel: Some(20_000_000), ..limits.clone() }
}

fn small() -> Limits {
    let wall_time = Duration::from_secs(600);
    by_fuel(&Limits { wall_time, js_heap_bytes: 8 << 20, memory_bytes: 16 << 20, ..Limits::default() })
}

impl Soak {
    /// The handlers of the bombs, and three more: one never answers, one pauses, one has its own call cancelled.
    fn router(&self, cancelled: &Arc<OnceLock<CancelHandle>>, cancel: &Sender<CancelHandle>) -> Router {
        let (alive, cancelled, cancel) = (self.alive, cancelled.clone(), cancel.clone());
        router()
            .handle_async("held", move |_: Call, (): ()| {
                let guard = Alive::new(alive);
                async move {
                    std::future::pending::<()>().await;
                    drop(guard);
                    Ok(())
                }
            })
            .handle("pause", |_: &Call, _: Value| Reply::pause())
            .handle("begun", move |_: &Call, (): ()| {
                cancel.send(cancelled.get().unwrap().clone()).unwrap();
                Ok(())
            })
    }

    fn note<T>(&self, kind: &'static str, ended: &belljar::Result<T>) {
        if let Err(error) = ended {
            assert!(!matches!(error.blame(), Blame::Host), "{kind}: {error}");
        }
        let ending = ended.as_ref().map_or_else(Error::code, |_| "a value");
        *self.endings.lock().unwrap().entry((kind, ending)).or_default() += 1;
    }

    fn set_off(&self, bomb: &Bomb, runs_async: bool) {
        let mut jar = self.runtime.instance(&router(), &by_fuel(&bomb.limits)).unwrap();
        let mut ended = if runs_async { block_on(jar.eval_async(&bomb.source)) } else { jar.eval(&bomb.source) };
        if bomb.is_dispatched && ended.is_ok() {
            ended = jar.dispatch("event", &());
        }
        let is_theirs = matches!(&ended, Err(error) if !matches!(error.blame(), Blame::Script | Blame::Limits));
        assert!(!is_theirs, "{}: {ended:?}", bomb.name);
        self.note("a bomb", &ended);
        self.assert_comes_back(&mut jar);
    }

    fn assert_comes_back(&self, jar: &mut Instance) {
        jar.reset().unwrap();
        assert_eq!(jar.eval("1 + 2").map(|json| json.as_str().to_owned()), Ok("3".to_owned()));
    }

    fn round(&self, dice: &mut Dice, cancel: &Sender<CancelHandle>) {
        let handle = Arc::new(OnceLock::new());
        let router = self.router(&handle, cancel);
        let start = |limits: &Limits| {
            let jar = self.runtime.instance(&router, limits).unwrap();
            handle.set(jar.cancel_handle()).ok();
            jar
        };
        match dice.roll(10) {
            0 => {
                let mut jar = start(&small());
                self.note("eval", &jar.eval("var kept = [1, 2, 3].map(n => n * n); host.rpcSync('echo', kept)"));
                self.assert_comes_back(&mut jar);
            }
            1 => {
                let mut jar = start(&small());
                let script = "await Promise.all([1, 2, 3].map(n => host.rpc(n % 2 ? 'echo' : 'later', n)))";
                self.note("calls at once", &block_on(jar.eval_async(script)));
                self.assert_comes_back(&mut jar);
            }
            2..=4 => self.set_off(&self.bombs[dice.roll(self.bombs.len())], dice.roll(2) == 0),
            5 => {
                let script = ["await host.rpc('held')", "host.rpcSync('held')", "host.rpc('held'); for (;;);"];
                // The busy call is dropped when it yields, so no limit may end it earlier.
                let mut jar = start(&Limits { fuel: None, ..small() });
                let mut call = Box::pin(jar.eval_async(script[dice.roll(script.len())]));
                assert!(poll_once(&mut call).is_pending());
                drop(call);
                self.note("dropped in the middle", &Ok(()));
                self.assert_comes_back(&mut jar);
            }
            6 | 7 => {
                // No limit ends these soon; only the cancellation from another thread does.
                let mut jar = start(&Limits { fuel: None, ..small() });
                let ended = match dice.roll(4) {
                    0 => jar.eval("host.rpcSync('begun'); for (;;);"),
                    1 => jar.eval("host.rpcSync('begun'); new Array(4294967295).join('')"),
                    2 => block_on(jar.eval_async("host.rpcSync('begun'); await host.rpc('held')")),
                    _ => block_on(jar.eval_async("await host.rpc('begun'); host.rpcSync('held')")),
                };
                assert_eq!(ended, Err(Error::Cancelled));
                self.note("cancelled at work", &ended);
                self.assert_comes_back(&mut jar);
            }
            8 => {
                let mut jar = start(&small());
                self.note("frozen", &jar.eval("var state = 'x'.repeat(10000); state.length"));
                let bytes = jar.snapshot().unwrap().to_bytes();
                drop(jar);
                let snapshot = Snapshot::from_bytes(&bytes).unwrap();
                let mut twin = self.runtime.restore(&snapshot, &router, &small()).unwrap();
                self.note("thawed", &twin.eval("state.length"));
                self.assert_comes_back(&mut twin);
            }
            _ => {
                let mut jar = start(&small());
                let turn = block_on(jar.step_eval_async(
                    "const a = [1]; for (let i = 0; i < 3; i++) a.push(await host.rpc('pause', i)); a",
                ));
                let Ok(Turn::Paused(paused)) = turn else { panic!("it should pause: {turn:?}") };
                drop(jar);
                let snapshot = paused.snapshot().seal(&[1; 32], b"soak").unwrap();
                let snapshot = Snapshot::open(&snapshot, &[1; 32], b"soak").unwrap();
                let mut jar = self.runtime.restore(&snapshot, &router, &small()).unwrap();
                let answer = (jar.pending()[0].id, Answer::Result(Value::UNDEFINED));
                let turn = block_on(jar.resume_async([answer]));
                self.note("thawed at an await", &turn);
                self.assert_comes_back(&mut jar);
            }
        }
    }

    /// Runs this many rounds on each of two threads.
    fn run(&self, rounds: u64, seed: u64) {
        let (cancel, cancelled) = channel::<CancelHandle>();
        std::thread::scope(|scope| {
            for thread in 1..=2 {
                let cancel = cancel.clone();
                scope.spawn(move || {
                    let mut dice = Dice(seed + thread);
                    (0..rounds).for_each(|_| self.round(&mut dice, &cancel));
                });
            }
            drop(cancel);
            for handle in cancelled {
                handle.cancel();
            }
        });
    }
}

#[test]
fn a_soak_of_everything_at_once_leaves_memory_and_slots_as_they_were() {
    if !is_alone("soak::a_soak_of_everything_at_once_leaves_memory_and_slots_as_they_were") {
        return;
    }
    let rounds: u64 = std::env::var("BELLJAR_SOAK").map_or(1500, |rounds| rounds.parse().unwrap());
    let soak = Soak {
        runtime: Runtime::builder().max_instances(SLOTS).build().unwrap(),
        bombs: bombs(),
        alive: Alive::counter(),
        endings: Mutex::default(),
    };
    // Every bomb runs before the first measurement, so that its peak memory is already mapped.
    std::thread::scope(|scope| {
        for runs_async in [false, true] {
            let soak = &soak;
            scope.spawn(move || soak.bombs.iter().for_each(|bomb| soak.set_off(bomb, runs_async)));
        }
    });
    soak.run(rounds / 3, 10);
    let before = resident_bytes();
    soak.run(rounds - rounds / 3, 20);
    let after = resident_bytes();
    assert_eq!(soak.alive.load(Ordering::SeqCst), 0, "a handler is still alive");
    let take = || soak.runtime.instance(&Router::new(), &Limits::default());
    let jars: Vec<_> = (0..SLOTS).map(|_| take().unwrap()).collect();
    assert_eq!(take().unwrap_err().code(), "no_capacity");
    drop(jars);
    for ((kind, ending), times) in &*soak.endings.lock().unwrap() {
        println!("{times:>8}  {kind}: {ending}");
    }
    if let (Some(before), Some(after)) = (before, after) {
        println!("{rounds} rounds for each of two threads: {before} bytes resident after a third, {after} at the end");
        assert!(after < before + NOISE_BYTES, "{before} bytes after a third of {rounds} rounds, {after} at the end");
    }
}
