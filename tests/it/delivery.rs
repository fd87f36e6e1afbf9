//! Calls that are cancelled or run out of time while host code runs: while requests, lines and rejections are
//! delivered, while handlers are polled or dropped, and before the first poll of an async call.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use belljar::{
    Answer, Call, CancelHandle, Error, Instance, LimitKind, Limits, Program, Reply, Router, RpcError, Turn, Value,
    Verdict,
};

use crate::support::{
    assert_usable, assert_usable_after_reset, block_on, jar_of, limit_of, poll_until_waiting, runtime, undrained,
};

/// A limit that a slow handler exceeds, and a script without one does not.
const WALL: Duration = Duration::from_millis(200);
/// So long that it ends no call, unless the machine stalls.
const PATIENCE: Duration = Duration::from_secs(60);
/// The event during which the call is ended.
const THIRD: usize = 3;

fn within(wall_time: Duration) -> Limits {
    Limits { wall_time, cpu_time: PATIENCE, ..Limits::default() }
}

/// Stands for the embedder's code: it counts its runs, and ends the call in the third.
#[derive(Clone)]
struct Worker {
    runs: Arc<AtomicUsize>,
    handle: Arc<OnceLock<CancelHandle>>,
    ends: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Cancel,
    OutlastTheWall,
}

impl Worker {
    fn new(ends: Ending) -> Worker {
        Worker { runs: Arc::default(), handle: Arc::default(), ends }
    }

    fn work(&self) {
        if self.runs.fetch_add(1, Ordering::SeqCst) + 1 == THIRD {
            self.end();
        }
    }

    fn end(&self) {
        match self.ends {
            Ending::Cancel => self.handle.get().unwrap().cancel(),
            Ending::OutlastTheWall => {
                let from = Instant::now();
                while from.elapsed() <= WALL {
                    std::hint::spin_loop();
                }
            }
        }
    }

    /// An instance whose calls this worker can end.
    fn jar(&self, router: &Router) -> Instance {
        self.of(jar_of(router, &self.limits()))
    }

    fn limits(&self) -> Limits {
        within(if self.ends == Ending::Cancel { PATIENCE } else { WALL })
    }

    /// The same for an existing instance.
    fn of(&self, jar: Instance) -> Instance {
        self.handle.set(jar.cancel_handle()).ok();
        jar
    }

    /// The call ended for the reason that the worker gave.
    #[track_caller]
    fn assert_over(&self, ended: belljar::Result<Value>) {
        match self.ends {
            Ending::Cancel => assert_eq!(ended, Err(Error::Cancelled)),
            Ending::OutlastTheWall => assert_eq!(limit_of(ended).0, LimitKind::WallTime),
        }
    }

    /// The call ended for the reason that the worker gave, and nothing was started after it.
    #[track_caller]
    fn assert_ended<T: std::fmt::Debug + PartialEq>(&self, ended: belljar::Result<T>) {
        match self.ends {
            Ending::Cancel => assert_eq!(ended, Err(Error::Cancelled)),
            Ending::OutlastTheWall => assert_eq!(limit_of(ended).0, LimitKind::WallTime),
        }
        let runs = self.runs.swap(0, Ordering::SeqCst);
        // On a stalled machine the wall time can run out earlier.
        assert!(runs == THIRD || runs < THIRD && self.ends == Ending::OutlastTheWall, "it ran {runs} times");
    }
}

/// Runs a test with both endings.
fn both(test: impl Fn(Worker)) {
    for ends in [Ending::Cancel, Ending::OutlastTheWall] {
        test(Worker::new(ends));
    }
}

#[test]
fn a_call_that_is_over_starts_no_further_handler() {
    both(|worker| {
        let (at_work, too) = (worker.clone(), worker.clone());
        let router = Router::new()
            .handle("work", move |_: &Call, _: Value| {
                at_work.work();
                Ok(1)
            })
            .handle_async("begin", move |_: Call, _: Value| {
                too.work();
                std::future::pending::<Result<(), RpcError>>()
            });
        let mut jar = worker.jar(&router);
        let script = "for (let i = 0; i < 200; i++) host.rpc('work', i); 'done'";
        worker.assert_ended(jar.eval(script));
        assert_usable(&mut jar);
        worker.assert_ended(block_on(jar.eval_async(script)));
        assert_usable(&mut jar);
        worker.assert_ended(block_on(jar.eval_async("for (let i = 0; i < 200; i++) host.rpc('begin', i); 'done'")));
        assert_usable(&mut jar);
        worker.assert_ended(jar.eval("for (let i = 0; i < 200; i++) host.rpcSync('work', i); 'done'"));
        assert_usable(&mut jar);
    });
}

#[test]
fn a_busy_script_whose_call_is_over_starts_no_further_handler() {
    both(|worker| {
        let at_work = worker.clone();
        let router = Router::new().handle("work", move |_: &Call, _: Value| {
            at_work.work();
            Ok(1)
        });
        let mut jar = worker.jar(&router);
        // Requests of a running script are delivered at the end of each slice.
        worker.assert_ended(jar.eval("for (let i = 0; i < 200; i++) host.rpc('work', i); for (;;) {}"));
        assert_usable(&mut jar);
    });
}

#[test]
fn a_call_that_is_over_polls_no_further_handler() {
    both(|worker| {
        let polled = worker.clone();
        let router = Router::new().handle_async("work", move |_: Call, _: Value| {
            let polled = polled.clone();
            // The future blocks its thread when it is polled, and stays pending.
            poll_fn(move |_| {
                polled.work();
                Poll::<Result<(), RpcError>>::Pending
            })
        });
        let mut jar = worker.jar(&router);
        let script = "const all = []; for (let i = 0; i < 200; i++) all.push(host.rpc('work', i));";
        worker.assert_ended(block_on(jar.eval_async(format!("{{ {script} await Promise.all(all) }}"))));
        assert_usable(&mut jar);
        worker.assert_ended(block_on(jar.eval_async(format!("{{ {script} 'done' }}"))));
        assert_usable(&mut jar);
        // While the script waits for one call, the other handlers are polled.
        worker.assert_ended(block_on(jar.eval_async(format!("{{ {script} host.rpcSync('work', 0) }}"))));
        assert_usable(&mut jar);
    });
}

#[test]
fn a_call_that_is_over_prints_nothing_further() {
    both(|worker| {
        let printing = worker.clone();
        let router = Router::new().on_console(move |_, _, _| printing.work());
        let mut jar = worker.jar(&router);
        let script = "for (let i = 0; i < 200; i++) console.log(i); 'done'";
        worker.assert_ended(jar.eval(script));
        assert_usable(&mut jar);
        worker.assert_ended(block_on(jar.eval_async(script)));
        assert_usable(&mut jar);
    });
}

#[test]
fn a_call_that_is_over_has_no_further_rejection_judged() {
    both(|worker| {
        let judging = worker.clone();
        let router = Router::new().on_unhandled_rejection(move |_, _| {
            judging.work();
            Verdict::Continue
        });
        let mut jar = worker.jar(&router);
        let script = "for (let i = 0; i < 200; i++) Promise.reject(i); 'done'";
        worker.assert_ended(jar.eval(script));
        assert_usable(&mut jar);
        worker.assert_ended(block_on(jar.eval_async(script)));
        assert_usable(&mut jar);
    });
}

#[test]
fn a_call_that_ran_into_another_limit_prints_no_longer_than_its_wall_time() {
    for ends in [Ending::Cancel, Ending::OutlastTheWall] {
        let worker = Worker::new(ends);
        let printing = worker.clone();
        let router = Router::new().on_console(move |_, _, _| printing.work());
        let wall_time = if ends == Ending::Cancel { PATIENCE } else { WALL };
        let limits = Limits { console_bytes: 400, ..within(wall_time) };
        let mut jar = jar_of(&router, &limits);
        worker.handle.set(jar.cancel_handle()).ok();
        // All lines are printed in one slice; the first reason to stop is the one reported.
        assert_eq!(limit_of(jar.eval("for (;;) console.log('a')")), (LimitKind::Console, 400));
        let runs = worker.runs.load(Ordering::SeqCst);
        assert!(runs <= THIRD, "{runs} lines were printed");
        assert_usable(&mut jar);
    }
}

#[test]
fn lines_before_a_limit_are_printed() {
    let lines = Arc::new(AtomicUsize::new(0));
    let printed = lines.clone();
    let router = Router::new().on_console(move |_, _, _| {
        printed.fetch_add(1, Ordering::SeqCst);
    });
    let mut jar = jar_of(&router, &Limits { fuel: Some(2_000_000), ..within(PATIENCE) });
    assert_eq!(limit_of(jar.eval("console.log('a'); console.log('b'); for (;;) {}")).0, LimitKind::Fuel);
    assert_eq!(lines.load(Ordering::SeqCst), 2);
}

/// Ends a call during its last event, after which no other check follows.
#[test]
fn a_call_that_ends_in_its_last_event_is_not_ok() {
    both(|worker| {
        let (one, two, three, four) = (worker.clone(), worker.clone(), worker.clone(), worker.clone());
        let router = Router::new()
            .handle("sync", move |_: &Call, (): ()| {
                one.end();
                Ok(1)
            })
            .handle_async("begins", move |_: Call, (): ()| {
                two.end();
                std::future::ready(Ok::<_, RpcError>(1))
            })
            .handle_async("blocks", move |_: Call, (): ()| {
                let worker = three.clone();
                async move {
                    worker.end();
                    Ok(1)
                }
            })
            .handle("pauses", move |_: &Call, (): ()| {
                four.end();
                Reply::pause()
            });
        let ended = |ended| worker.assert_over(ended);
        let mut jar = worker.jar(&router);
        for script in ["host.rpc('sync'); 'done'", "host.rpcSync('sync'); 'done'", "host.rpc('sync')"] {
            ended(jar.eval(script));
            ended(block_on(jar.eval_async(script)));
            assert_usable(&mut jar);
        }
        jar.eval("host.on('event', () => { host.rpc('sync'); return 'done' })").unwrap();
        ended(jar.dispatch("event", &()));
        for script in [
            "host.rpc('begins'); 'done'",
            "await host.rpc('begins')",
            "host.rpcSync('begins')",
            "host.rpc('blocks'); 'done'",
            "await host.rpc('blocks')",
            "host.rpcSync('blocks')",
        ] {
            ended(block_on(jar.eval_async(script)));
            assert_usable(&mut jar);
        }
        let turn = block_on(jar.step_eval_async("await host.rpc('pauses')"));
        ended(turn.map(|turn| panic!("it should not have gone on: {turn:?}")));
        assert!(jar.pending().is_empty(), "a call that is over is not paused");
        assert_usable(&mut jar);
    });
}

#[test]
fn a_call_that_ends_while_a_handler_is_dropped_is_not_ok() {
    both(|worker| {
        let here = worker.clone();
        let router = Router::new().handle_async("drops", move |_: Call, (): ()| {
            let guard = EndsWhenDropped(here.clone());
            async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok(1)
            }
        });
        let mut jar = worker.of(undrained(&router, &worker.limits()));
        worker.assert_over(block_on(jar.eval_async("host.rpc('drops'); 'done'")));
        assert_usable(&mut jar);
    });
}

struct EndsWhenDropped(Worker);

impl Drop for EndsWhenDropped {
    fn drop(&mut self) {
        self.0.end();
    }
}

// ---- cancel() and the moment at which a call begins

type Started<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// The name of a method, and a closure that starts it.
type Starter = (&'static str, fn(&mut Instance) -> Started<'_>);

/// Every way to make the future of a call, by name. Each runs a script that signals when it runs.
fn every_async_call() -> Vec<Starter> {
    vec![
        ("eval_async", |jar| {
            let call = jar.eval_async("host.rpcSync('ran')");
            Box::pin(async { call.await.map(drop) })
        }),
        ("inspect_async", |jar| {
            let call = jar.inspect_async("host.rpcSync('ran')");
            Box::pin(async { call.await.map(drop) })
        }),
        ("dispatch_async", |jar| {
            let call = jar.dispatch_async("event", &());
            Box::pin(async { call.await.map(drop) })
        }),
        ("step_eval_async", |jar| {
            let call = jar.step_eval_async("host.rpcSync('ran')");
            Box::pin(async { call.await.map(drop) })
        }),
        ("step_dispatch_async", |jar| {
            let call = jar.step_dispatch_async("event", &());
            Box::pin(async { call.await.map(drop) })
        }),
        ("run_async", |jar| {
            static PROGRAM: OnceLock<Program> = OnceLock::new();
            let call = jar.run_async(PROGRAM.get_or_init(|| runtime().compile("host.rpcSync('ran')").unwrap()));
            Box::pin(async { call.await.map(drop) })
        }),
    ]
}

/// An instance whose scripts can signal that they ran.
fn telling() -> (Instance, Arc<AtomicUsize>) {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = ran.clone();
    let router = Router::new()
        .handle("ran", move |_: &Call, (): ()| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .handle("pause", |_: &Call, (): ()| Reply::pause());
    let mut jar = jar_of(&router, &within(PATIENCE));
    jar.eval("host.on('event', () => host.rpcSync('ran'))").unwrap();
    (jar, ran)
}

#[test]
fn a_call_that_is_cancelled_before_it_is_first_polled_runs_nothing() {
    let (mut jar, ran) = telling();
    let handle = jar.cancel_handle();
    for (name, start) in every_async_call() {
        let call = start(&mut jar);
        handle.cancel();
        assert_eq!(block_on(call), Err(Error::Cancelled), "{name}");
        assert_eq!(ran.load(Ordering::SeqCst), 0, "{name}");
        // The next call is not affected.
        assert_usable(&mut jar);
    }
}

#[test]
fn a_resumed_call_that_is_cancelled_before_it_is_first_polled_ends_there() {
    let (mut jar, ran) = telling();
    let handle = jar.cancel_handle();
    let Ok(Turn::Paused(_)) = block_on(jar.step_eval_async("await host.rpc('pause'); host.rpcSync('ran')")) else {
        panic!("it should have been paused")
    };
    let id = jar.pending()[0].id;
    let call = jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]);
    handle.cancel();
    assert_eq!(block_on(call).map(drop), Err(Error::Cancelled));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert!(jar.pending().is_empty(), "as with a cancellation a moment later");
    assert_usable(&mut jar);
}

#[test]
fn a_cancellation_that_was_meant_for_an_earlier_call_does_not_end_a_later_one() {
    let (mut jar, ran) = telling();
    let handle = jar.cancel_handle();
    for (at, (name, start)) in every_async_call().into_iter().enumerate() {
        // Before any call.
        handle.cancel();
        assert_eq!(block_on(start(&mut jar)), Ok(()), "{name}");
        // For a call whose future is dropped before it is polled.
        let call = start(&mut jar);
        handle.cancel();
        drop(call);
        assert_eq!(block_on(start(&mut jar)), Ok(()), "{name}");
        assert_eq!(ran.load(Ordering::SeqCst), 2 * (at + 1), "{name}");
        handle.cancel();
        assert_usable(&mut jar);
    }
    // While a script is paused, no call is in progress.
    let Ok(Turn::Paused(_)) = block_on(jar.step_eval_async("await host.rpc('pause'); 'went on'")) else {
        panic!("it should have been paused")
    };
    handle.cancel();
    let id = jar.pending()[0].id;
    match block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))])) {
        Ok(Turn::Done(value)) => assert_eq!(value.as_str(), "\"went on\""),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_whose_future_is_moved_to_another_thread_unpolled_can_be_cancelled_there() {
    let (mut jar, ran) = telling();
    let handle = jar.cancel_handle();
    let mut call = Box::pin(jar.eval_async("host.rpcSync('ran')"));
    std::thread::scope(|scope| {
        scope.spawn(|| handle.cancel()).join().unwrap();
        let polled = scope.spawn(|| poll_until_waiting(&mut call)).join().unwrap();
        assert_eq!(polled, Poll::Ready(Err(Error::Cancelled)));
    });
    drop(call);
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_usable_after_reset(&mut jar);
}
