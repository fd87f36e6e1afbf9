//! Calls that end early because they are cancelled, dropped or out of time; nothing of them may keep running.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use belljar::{Call, CancelHandle, Error, Instance, LimitKind, Limits, Router, RpcError, Runtime, Status};

use crate::support::{
    Alive, assert_poisoned_until_reset, assert_usable, assert_usable_after_reset, block_on, jar_of, jar_with, limit_of,
    poll_once, poll_until_waiting, runtime, undrained,
};

/// So long that only a cancellation ends a call, unless the machine stalls.
const PATIENCE: Duration = Duration::from_secs(60);

fn patient() -> Limits {
    Limits { cpu_time: PATIENCE, wall_time: PATIENCE, ..Limits::default() }
}

/// Signals from a script to a test, and the number of live handlers.
struct World {
    router: Router,
    ready: Receiver<()>,
    alive: &'static AtomicUsize,
}

/// `ready` signals the test and answers; `never` signals it and never answers.
fn world() -> World {
    let (sender, ready) = channel();
    let sender: Arc<Mutex<Sender<()>>> = Arc::new(Mutex::new(sender));
    let (here, there) = (sender.clone(), sender);
    let alive = Alive::counter();
    let router = Router::new()
        .handle("ready", move |_: &Call, (): ()| {
            here.lock().unwrap().send(()).ok();
            Ok(())
        })
        .handle_async("never", move |_: Call, (): ()| {
            let guard = Alive::new(alive);
            there.lock().unwrap().send(()).ok();
            async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok(())
            }
        })
        .handle_async("answer", |_: Call, (): ()| async { Ok(42) });
    World { router, ready, alive }
}

/// Cancels from another thread as soon as the script signals that it is ready, while `call` runs here.
fn cancelled_when_ready<R>(ready: &mut Receiver<()>, handle: &CancelHandle, call: impl FnOnce() -> R) -> R {
    let (handle, ready) = (handle.clone(), std::mem::replace(ready, channel().1));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            ready.recv().unwrap();
            handle.cancel();
        });
        call()
    })
}

/// Starts a call, and drops it when it first waits.
#[track_caller]
fn abandon<T>(call: impl Future<Output = T>) {
    assert!(poll_until_waiting(&mut Box::pin(call)).is_pending());
}

fn assert_nothing_fires(jar: &mut Instance) {
    assert_eq!(jar.eval("log.join()").unwrap().get::<String>().unwrap(), "");
    // A waiting call gives anything left over another chance to run.
    assert_eq!(block_on(jar.eval_async("await host.rpc('answer')")).unwrap().get::<i64>().unwrap(), 42);
    assert_eq!(jar.eval("log.join()").unwrap().get::<String>().unwrap(), "");
}

#[test]
fn cancel_stops_a_loop_from_another_thread() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let ended = cancelled_when_ready(&mut world.ready, &handle, || jar.eval("host.rpcSync('ready'); for (;;) {}"));
    assert_eq!(ended, Err(Error::Cancelled));
    assert_usable(&mut jar);
}

#[test]
fn cancel_stops_a_loop_of_an_async_call_from_another_thread() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let ended = cancelled_when_ready(&mut world.ready, &handle, || {
        block_on(jar.eval_async("host.rpcSync('ready'); for (;;) {}"))
    });
    assert_eq!(ended, Err(Error::Cancelled));
    assert_usable(&mut jar);
}

#[test]
fn cancel_cannot_be_caught_by_script() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let script = "var log = []; host.rpcSync('ready'); \
                  try { for (;;) {} } catch (e) { log.push('catch') } finally { log.push('finally') }";
    let ended = cancelled_when_ready(&mut world.ready, &handle, || jar.eval(script));
    assert_eq!(ended, Err(Error::Cancelled));
    assert_nothing_fires(&mut jar);
}

#[test]
fn cancel_stops_a_native_built_in() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let script = "host.rpcSync('ready'); new Array(4294967295).join('')";
    let ended = cancelled_when_ready(&mut world.ready, &handle, || jar.eval(script));
    assert_eq!(ended, Err(Error::Cancelled));
    // The cancellation may come before the built-in has started.
    assert_usable_after_reset(&mut jar);
}

#[test]
fn cancel_ends_an_await_and_drops_the_handler() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let script =
        "var log = []; host.rpc('never').finally(() => log.push('late')); await host.rpc('never'); log.push('on')";
    let ended = cancelled_when_ready(&mut world.ready, &handle, || block_on(jar.eval_async(script)));
    assert_eq!(ended, Err(Error::Cancelled));
    assert_eq!(world.alive.load(Ordering::SeqCst), 0);
    assert_usable(&mut jar);
    assert_nothing_fires(&mut jar);
}

#[test]
fn cancel_ends_a_synchronous_rpc_and_drops_the_handler() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let script = "var log = []; try { host.rpcSync('never') } catch { log.push('catch') } log.push('on')";
    let ended = cancelled_when_ready(&mut world.ready, &handle, || block_on(jar.eval_async(script)));
    assert_eq!(ended, Err(Error::Cancelled));
    assert_eq!(world.alive.load(Ordering::SeqCst), 0);
    assert_usable(&mut jar);
    assert_nothing_fires(&mut jar);
}

#[test]
fn cancel_ends_a_dispatch_and_a_program() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    jar.eval("host.on('wait', () => host.rpc('never'))").unwrap();
    let ended = cancelled_when_ready(&mut world.ready, &handle, || block_on(jar.dispatch_async("wait", &())));
    assert_eq!(ended, Err(Error::Cancelled));

    let mut world = self::world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let program = runtime().compile("host.rpcSync('ready'); for (;;) {}").unwrap();
    let ended = cancelled_when_ready(&mut world.ready, &handle, || jar.run(&program));
    assert_eq!(ended, Err(Error::Cancelled));
    assert_usable(&mut jar);
}

#[test]
fn cancel_stops_only_this_instance() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = is_over.clone();
    let (started, other_runs) = channel();
    let other = std::thread::spawn(move || {
        let started = Mutex::new(Some(started));
        let router = Router::new().handle("is_over", move |_: &Call, (): ()| {
            if let Some(started) = started.lock().unwrap().take() {
                started.send(()).unwrap();
            }
            Ok(seen.load(Ordering::SeqCst))
        });
        let limits = Limits { rpc_calls: u32::MAX, ..patient() };
        let mut other = jar_of(&router, &limits);
        // The second instance runs before, during and after the cancellation of the first.
        other.eval("while (!host.rpcSync('is_over')); for (let i = 0; i < 100000; i++); 'whole'")
    });
    other_runs.recv().unwrap();
    let ended = cancelled_when_ready(&mut world.ready, &handle, || jar.eval("host.rpcSync('ready'); for (;;) {}"));
    assert_eq!(ended, Err(Error::Cancelled));
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(other.join().unwrap().unwrap().as_str(), "\"whole\"");
}

#[test]
fn cancel_while_idle_does_nothing() {
    let mut jar = jar_with(&Limits::default());
    let handle = jar.cancel_handle();
    handle.cancel();
    assert_usable(&mut jar);
    handle.cancel();
    // The loop polls, so it would see a leftover cancellation.
    assert_eq!(jar.eval("for (let i = 0; i < 100000; i++); 1").unwrap().as_str(), "1");
    handle.cancel();
    assert_eq!(block_on(jar.eval_async("await 1; for (let i = 0; i < 100000; i++); 1")).unwrap().as_str(), "1");
    jar.reset().unwrap();
    drop(jar);
    handle.cancel();
}

#[test]
fn a_cancel_handle_outlives_a_reset() {
    let mut world = world();
    let mut jar = jar_of(&world.router, &patient());
    let handle = jar.cancel_handle();
    jar.reset().unwrap();
    let ended = cancelled_when_ready(&mut world.ready, &handle, || jar.eval("host.rpcSync('ready'); for (;;) {}"));
    assert_eq!(ended, Err(Error::Cancelled));
}

/// Works until the call is cancelled. Panics if the handler never sees the cancellation.
fn work_until_cancelled(call: &Call) {
    let from = Instant::now();
    while !call.is_cancelled() {
        assert!(from.elapsed() < PATIENCE, "nobody said so");
    }
}

#[test]
fn a_sync_handler_sees_that_its_call_was_cancelled() {
    let (sender, ready) = channel();
    let sender = Mutex::new(sender);
    let router = Router::new().handle("work", move |call: &Call, (): ()| {
        if call.is_cancelled() {
            return Err(RpcError::new("too_early", "nobody has cancelled yet"));
        }
        sender.lock().unwrap().send(()).unwrap();
        work_until_cancelled(call);
        Ok(())
    });
    let mut ready = ready;
    let mut jar = jar_of(&router, &patient());
    let handle = jar.cancel_handle();
    let ended = cancelled_when_ready(&mut ready, &handle, || jar.eval("host.rpcSync('work'); 'went on'"));
    assert_eq!(ended, Err(Error::Cancelled));
    assert_usable(&mut jar);
}

#[test]
fn a_sync_handler_sees_that_its_call_is_out_of_time() {
    let router = Router::new().handle("work", move |call: &Call, (): ()| {
        work_until_cancelled(call);
        Ok(())
    });
    let mut jar = jar_of(&router, &Limits { wall_time: Duration::from_millis(20), ..Limits::default() });
    assert_eq!(limit_of(jar.eval("host.rpcSync('work')")), (LimitKind::WallTime, 20));
    assert_usable(&mut jar);
}

/// A router whose handler passes its `Call` to the test and never answers.
fn calls_out() -> (Router, Receiver<Call>) {
    let (sender, calls) = channel();
    let sender = Mutex::new(sender);
    let router = Router::new().handle_async("work", move |call: Call, (): ()| {
        sender.lock().unwrap().send(call).unwrap();
        std::future::pending::<Result<(), RpcError>>()
    });
    (router, calls)
}

#[test]
fn work_that_a_handler_handed_on_hears_of_a_cancellation() {
    let (router, calls) = calls_out();
    let mut jar = jar_of(&router, &patient());
    let handle = jar.cancel_handle();
    std::thread::scope(|scope| {
        let elsewhere = scope.spawn(move || {
            let call = calls.recv().unwrap();
            let before = call.is_cancelled();
            handle.cancel();
            block_on(call.cancelled());
            (before, call.is_cancelled())
        });
        assert_eq!(block_on(jar.eval_async("await host.rpc('work')")), Err(Error::Cancelled));
        assert_eq!(elsewhere.join().unwrap(), (false, true));
    });
}

#[test]
fn work_that_a_handler_handed_on_hears_that_the_call_was_dropped_ran_out_of_time_or_ended() {
    let (router, calls) = calls_out();
    let mut jar = jar_of(&router, &Limits { wall_time: Duration::from_millis(20), ..patient() });
    let mut call = Box::pin(jar.eval_async("await host.rpc('work')"));
    assert!(poll_until_waiting(&mut call).is_pending());
    drop(call);
    block_on(calls.recv().unwrap().cancelled());

    assert_eq!(limit_of(block_on(jar.eval_async("await host.rpc('work')"))), (LimitKind::WallTime, 20));
    block_on(calls.recv().unwrap().cancelled());

    let mut jar = undrained(&router, &patient());
    assert_eq!(block_on(jar.eval_async("host.rpc('work'); 1")).unwrap().as_str(), "1");
    block_on(calls.recv().unwrap().cancelled());
}

#[test]
fn a_token_that_has_fired_stays_so_in_later_calls() {
    let (router, calls) = calls_out();
    let mut jar = jar_of(&router, &patient());
    abandon(jar.eval_async("await host.rpc('work')"));
    let old = calls.recv().unwrap();
    let mut next = Box::pin(jar.eval_async("await host.rpc('work')"));
    assert!(poll_until_waiting(&mut next).is_pending());
    let new = calls.recv().unwrap();
    assert_eq!((old.is_cancelled(), new.is_cancelled()), (true, false));
}

// ---- futures that are dropped

#[test]
fn dropping_an_async_call_at_an_await_leaves_the_instance_usable_and_drops_the_handlers() {
    let world = world();
    let mut jar = jar_of(&world.router, &patient());
    let script = "var log = []; \
                  const late = what => log.push(what); \
                  var first = host.rpc('never'); first.then(late, late).finally(() => late('finally')); \
                  Promise.resolve(first).then(() => late('chained')); \
                  (async () => { try { await host.rpc('never') } finally { late('async') } })(); \
                  await Promise.all([first, host.rpc('never')]); late('on')";
    let mut call = Box::pin(jar.eval_async(script));
    assert!(poll_until_waiting(&mut call).is_pending());
    assert_eq!(world.alive.load(Ordering::SeqCst), 3);
    drop(call);
    assert_eq!(world.alive.load(Ordering::SeqCst), 0);
    assert_usable(&mut jar);
    assert_nothing_fires(&mut jar);
    // The promise of the dropped call stays pending: it does not settle and calls no handler that is added now.
    jar.eval("first.then(() => log.push('then'), () => log.push('catch')); 1").unwrap();
    assert_nothing_fires(&mut jar);
}

#[test]
fn an_answer_of_a_dropped_call_does_not_settle_a_promise_of_the_next() {
    let world = world();
    let mut jar = jar_of(&world.router, &patient());
    abandon(jar.eval_async("var old = host.rpc('never'); await old"));
    // The next call reuses the number for another promise.
    let script = "const seen = []; old.then(() => seen.push('old')); seen.push(await host.rpc('answer')); seen.join()";
    assert_eq!(block_on(jar.eval_async(format!("{{ {script} }}"))).unwrap().as_str(), "\"42\"");
}

#[test]
fn dropping_an_async_call_in_the_middle_of_guest_code_poisons_the_instance() {
    let mut jar = jar_with(&patient());
    let mut call = Box::pin(jar.eval_async("for (;;) {}"));
    // A busy script yields to the executor, so one poll returns.
    assert!(poll_once(&mut call).is_pending());
    assert!(poll_once(&mut call).is_pending());
    drop(call);
    assert_poisoned_until_reset(&mut jar);
}

#[test]
fn dropping_an_async_call_inside_a_synchronous_rpc_poisons_the_instance_and_drops_the_handler() {
    let world = world();
    let mut jar = jar_of(&world.router, &patient());
    let mut call = Box::pin(jar.eval_async("host.rpcSync('never')"));
    assert!(poll_until_waiting(&mut call).is_pending());
    assert_eq!(world.alive.load(Ordering::SeqCst), 1);
    drop(call);
    assert_eq!(world.alive.load(Ordering::SeqCst), 0);
    assert_poisoned_until_reset(&mut jar);
}

#[test]
fn dropping_an_async_call_that_was_never_polled_runs_nothing() {
    let mut jar = jar_with(&patient());
    jar.eval("var log = []").unwrap();
    drop(jar.eval_async("log.push('ran')"));
    drop(jar.dispatch_async("event", &()));
    assert_eq!(jar.stats().calls, 1);
    assert_eq!(jar.eval("log.length").unwrap().as_str(), "0");
}

#[test]
fn dropping_an_instance_in_the_middle_of_a_call_gives_its_slot_back() {
    let runtime = Runtime::builder().max_instances(1).build().unwrap();
    let world = world();
    for (script, left) in [("for (;;) {}", 0), ("await host.rpc('never')", 1), ("host.rpcSync('never')", 1)] {
        let mut jar = runtime.instance(&world.router, &patient()).unwrap();
        let mut call = Box::pin(async move { jar.eval_async(script).await });
        let is_busy = script.starts_with("for");
        let polled = if is_busy { poll_once(&mut call) } else { poll_until_waiting(&mut call) };
        assert!(polled.is_pending());
        assert_eq!(world.alive.load(Ordering::SeqCst), left);
        assert!(matches!(runtime.instance(&world.router, &patient()), Err(Error::Capacity { instances: 1, .. })));
        drop(call);
        assert_eq!(world.alive.load(Ordering::SeqCst), 0);
        assert_usable(&mut runtime.instance(&world.router, &patient()).unwrap());
    }
}

#[test]
fn stats_count_a_call_that_was_dropped() {
    let world = world();
    let mut jar = jar_of(&world.router, &patient());
    for script in ["await host.rpc('never')", "host.rpcSync('never')"] {
        abandon(jar.eval_async(script));
        jar.reset().unwrap();
        abandon(jar.eval_async(script));
        let refused = jar.eval("1").err();
        assert_eq!(refused.is_some(), script.contains("Sync"));
        jar.reset().unwrap();
    }
    let stats = jar.stats();
    // Four dropped calls, and the one that ran.
    assert_eq!((stats.calls, stats.rpc_calls), (5, 4));
    assert!(stats.fuel > 0 && stats.cpu_time > Duration::ZERO);
}

// ---- jobs of calls that were stopped

/// Every way to queue code that runs later.
const QUEUED: [&str; 7] = [
    "Promise.resolve().then(() => log.push('then'))",
    "Promise.reject(1).catch(() => log.push('catch')).finally(() => log.push('finally'))",
    "Promise.resolve().then(Array.prototype.push.bind(log, 'native'))",
    "Promise.resolve({ then(resolve) { log.push('thenable'); resolve() } })",
    "(async () => { for (;;) try { await null; log.push('async') } catch { log.push('caught') } finally { log.push('f') } })()",
    "(function again() { Promise.resolve().then(() => { log.push('again'); again() }) })()",
    "(async function* () { yield 1; log.push('generator') })().next().then(() => log.push('next'))",
];

#[test]
fn jobs_of_a_call_that_was_stopped_never_run_in_the_next() {
    let world = world();
    let limits = Limits { fuel: Some(2_000_000), ..patient() };
    for queued in QUEUED {
        let mut jar = jar_of(&world.router, &limits);
        let script = format!("var log = []; {queued}; for (;;) {{}}");
        assert_eq!(limit_of(jar.eval(&script)).0, LimitKind::Fuel);
        assert_nothing_fires(&mut jar);
        jar.reset().unwrap();
        assert_eq!(limit_of(block_on(jar.eval_async(&script))).0, LimitKind::Fuel);
        assert_nothing_fires(&mut jar);
    }
}

#[test]
fn jobs_of_a_call_that_was_stopped_by_one_of_them_never_run_in_the_next() {
    let world = world();
    let limits = Limits { fuel: Some(2_000_000), ..patient() };
    for queued in QUEUED {
        let mut jar = jar_of(&world.router, &limits);
        let script = format!("var log = []; Promise.resolve().then(() => {{ for (;;) {{}} }}); {queued}; 1");
        assert_eq!(limit_of(jar.eval(&script)).0, LimitKind::Fuel);
        assert_nothing_fires(&mut jar);
    }
}

#[test]
fn jobs_that_an_error_left_behind_run_before_its_call_ends_and_not_later() {
    let mut jar = jar_with(&patient());
    let script = "var log = []; Promise.resolve().then(() => log.push('own')); throw new Error('x')";
    assert_eq!(jar.eval(script).unwrap_err().code(), "js_error");
    assert_eq!(jar.eval("log.join()").unwrap().as_str(), "\"own\"");
    assert_eq!(jar.eval("log.join()").unwrap().as_str(), "\"own\"");
}

#[test]
fn a_call_that_ends_without_awaiting_its_rpcs_leaves_none_of_them_running() {
    let world = world();
    let mut jar = undrained(&world.router, &patient());
    let script = "var log = []; host.rpc('never').finally(() => log.push('late')); 1";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "1");
    assert_eq!(world.alive.load(Ordering::SeqCst), 0);
    assert_nothing_fires(&mut jar);
}

#[test]
fn a_promise_that_never_settles_leaves_no_handler_running() {
    let world = world();
    let mut jar = jar_of(&world.router, &patient());
    let ended = jar.eval("var log = []; host.rpc('never').finally(() => log.push('late'))");
    assert_eq!(ended, Err(Error::NeverSettled { pending: vec!["never".into()] }));
    assert_eq!(world.alive.load(Ordering::SeqCst), 0);
    assert_nothing_fires(&mut jar);
}

#[test]
fn a_busy_script_lets_other_tasks_of_its_thread_run() {
    let mut jar = jar_with(&patient());
    let handle = jar.cancel_handle();
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ended = executor.block_on(async {
        // The cancelling task shares the only thread with the script; it can run only if the script yields.
        let cancel = tokio::spawn(async move {
            tokio::task::yield_now().await;
            handle.cancel();
        });
        let ended = jar.eval_async("for (;;) {}").await;
        cancel.await.unwrap();
        ended
    });
    assert_eq!(ended, Err(Error::Cancelled));
    assert_usable(&mut jar);
}

#[test]
fn a_future_of_a_call_can_move_between_threads_at_every_yield() {
    let mut jar = jar_with(&patient());
    let script = "let n = 0; for (let i = 0; i < 2_000_000; i++) n += i; n";
    let mut call: std::pin::Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(jar.eval_async(script));
    let mut moves = 0;
    let value = loop {
        let polled = std::thread::scope(|scope| scope.spawn(|| poll_once(&mut call)).join().unwrap());
        match polled {
            std::task::Poll::Ready(value) => break value,
            std::task::Poll::Pending => moves += 1,
        }
    };
    assert_eq!(value.unwrap().get::<i64>().unwrap(), 1_999_999_000_000);
    assert!(moves > 0, "the script was too short to be moved");
}

#[test]
fn status_is_ready_before_and_after_a_call_that_was_dropped_at_an_await() {
    let world = world();
    let mut jar = jar_of(&world.router, &patient());
    assert_eq!(jar.status(), Status::Ready);
    abandon(jar.eval_async("await host.rpc('never')"));
    assert_eq!(jar.status(), Status::Ready);
}

#[test]
fn calls_that_were_queued_before_a_stop_are_not_started() {
    let started = Arc::new(AtomicUsize::new(0));
    let counted = started.clone();
    let router = Router::new().handle("act", move |_: &Call, (): ()| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let limits = Limits { pending_rpcs: 3, ..Limits::default() };
    let mut jar = jar_of(&router, &limits);
    // The fourth call stops the script in the same turn that queued the first three.
    let error = jar.eval("for (let i = 0; i < 4; i++) host.rpc('act')").unwrap_err();
    assert_eq!(error.code(), "rpc_limit_exceeded");
    assert_eq!(started.load(Ordering::SeqCst), 0);
    assert_usable(&mut jar);
}
