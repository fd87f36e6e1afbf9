//! Processes that fork without starting another program: the child draws different random numbers, and its limits
//! hold.

use std::collections::HashSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use belljar::{Call, Error, Instance, LimitKind, Limits, Reply, Router, RpcError, Runtime, Turn, Value};

use crate::process::fork;
use crate::support::{assert_usable, is_alone, poll_until_waiting};

/// A handler that never answers, and one that pauses.
fn router() -> Router {
    Router::new()
        .handle_async("never", |_: Call, _: Value| pending::<Result<(), RpcError>>())
        .handle("ask", |_: &Call, _: Value| Reply::pause())
}

fn hasty() -> Limits {
    Limits { wall_time: Duration::from_millis(50), ..Limits::default() }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end without an executor's threads or files.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => thread::park(),
        }
    }
}

#[track_caller]
fn assert_out_of_time<T: std::fmt::Debug>(ended: belljar::Result<T>) {
    assert!(matches!(ended, Err(Error::Limit { kind: LimitKind::WallTime, .. })), "{ended:?}");
}

/// Ten random numbers of an instance.
fn numbers(jar: &mut Instance) -> String {
    jar.eval("Array.from({ length: 10 }, Math.random).join()").unwrap().get().unwrap()
}

/// The id of a paused call of an instance.
fn id(jar: &mut Instance) -> String {
    match block_on(jar.step_eval_async("await host.rpc('ask')")).unwrap() {
        Turn::Paused(paused) => paused.pending()[0].id.to_string(),
        other => panic!("it should have paused: {other:?}"),
    }
}

#[test]
fn a_forked_child_draws_numbers_and_ids_of_its_own() {
    if !is_alone("forked::a_forked_child_draws_numbers_and_ids_of_its_own") {
        return;
    }
    let runtime = Runtime::builder().max_instances(8).build().unwrap();
    let start = || runtime.instance(&router(), &Limits::default()).unwrap();
    // Earlier draws leave no state that the children would share.
    let mut used = start();
    let mut seen = HashSet::from([numbers(&mut used), id(&mut used)]);
    let (mut fresh, mut waiting) = (start(), start());
    id(&mut waiting);
    let mut draw = || {
        used.reset().unwrap();
        [
            numbers(&mut start()),
            id(&mut start()),
            numbers(&mut fresh),
            id(&mut used),
            numbers(&mut used),
            id(&mut waiting),
        ]
        .join(" ")
    };
    let children: Vec<_> = (0..4).map(|_| fork(&mut draw)).collect();
    let drawn: Vec<String> = children.into_iter().map(|child| child.join()).chain([draw()]).collect();
    for text in drawn.iter().flat_map(|drawn| drawn.split(' ')) {
        let nonce = text.split_once('-').map_or(text, |(nonce, _)| nonce);
        assert!(seen.insert(nonce.to_owned()), "{nonce} was drawn twice: {drawn:?}");
    }
    assert_eq!(seen.len(), 2 + 5 * 6);
}

#[test]
fn a_forked_child_feels_the_wall_limit_of_a_call_that_waits() {
    if !is_alone("forked::a_forked_child_feels_the_wall_limit_of_a_call_that_waits") {
        return;
    }
    let runtime = Runtime::builder().max_instances(4).build().unwrap();
    let waits = || {
        let mut jar = runtime.instance(&router(), &hasty()).unwrap();
        assert_out_of_time(block_on(jar.eval_async("await host.rpc('never')")));
        assert_out_of_time(block_on(jar.eval_async("host.rpcSync('never')")));
        assert_usable(&mut jar);
    };
    // The parent has used its timer before the fork, and grandchildren need separate timers too.
    waits();
    let child = fork(|| {
        let before = fork(|| {
            waits();
            "before".into()
        });
        waits();
        let after = fork(|| {
            waits();
            "after".into()
        });
        format!("{} {}", before.join(), after.join())
    });
    waits();
    assert_eq!(child.join(), "before after");
}

#[test]
fn a_call_that_waited_when_its_process_forked_feels_its_wall_limit_in_both() {
    if !is_alone("forked::a_call_that_waited_when_its_process_forked_feels_its_wall_limit_in_both") {
        return;
    }
    let runtime = Runtime::builder().max_instances(4).build().unwrap();
    let limits = Limits { wall_time: Duration::from_millis(500), ..Limits::default() };
    let mut jar = runtime.instance(&router(), &limits).unwrap();
    let mut dropped = runtime.instance(&router(), &limits).unwrap();
    {
        let mut call = Box::pin(jar.eval_async("await host.rpc('never')"));
        let mut other = Box::pin(dropped.eval_async("await host.rpc('never')"));
        assert!(poll_until_waiting(&mut call).is_pending() && poll_until_waiting(&mut other).is_pending());
        let child = fork(|| {
            drop(other);
            assert_out_of_time(block_on(&mut call));
            "out of time".into()
        });
        assert_eq!(child.join(), "out of time");
        assert_out_of_time(block_on(call));
    }
    assert_usable(&mut jar);
    assert_usable(&mut dropped);
}

#[test]
fn forks_while_other_threads_wait_hang_no_child() {
    if !is_alone("forked::forks_while_other_threads_wait_hang_no_child") {
        return;
    }
    let (busy, quiet) =
        (Runtime::builder().max_instances(4).build().unwrap(), Runtime::builder().max_instances(4).build().unwrap());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // These threads constantly make waiting calls in one runtime; the children use the other runtime.
        for _ in 0..2 {
            scope.spawn(|| {
                let limits = Limits { wall_time: Duration::from_millis(1), ..Limits::default() };
                let mut jar = busy.instance(&router(), &limits).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    assert_out_of_time(block_on(jar.eval_async("await host.rpc('never')")));
                }
            });
        }
        let mut jar =
            quiet.instance(&router(), &Limits { wall_time: Duration::from_millis(3), ..Limits::default() }).unwrap();
        assert_out_of_time(block_on(jar.eval_async("await host.rpc('never')")));
        let from = Instant::now();
        for _ in 0..200 {
            let child = fork(|| {
                assert_out_of_time(block_on(jar.eval_async("await host.rpc('never')")));
                "ended".into()
            });
            assert_eq!(child.join(), "ended");
        }
        println!("200 children in {:?}", from.elapsed());
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_child_makes_instances_while_its_parent_counts_memory_in_another_thread() {
    if !is_alone("forked::a_child_makes_instances_while_its_parent_counts_memory_in_another_thread") {
        return;
    }
    let runtime = Runtime::builder().max_instances(60).build().unwrap();
    let jars: Vec<_> = (0..50).map(|_| runtime.instance(&Router::new(), &Limits::default()).unwrap()).collect();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (runtime, is_over) = (&runtime, &is_over);
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let _ = runtime.stats();
            }
        });
        for _ in 0..10 {
            let answer = fork(|| {
                let mut jar = runtime.instance(&Router::new(), &Limits::default()).unwrap();
                jar.eval("1 + 2").unwrap().as_str().to_owned()
            });
            assert_eq!(answer.join(), "3");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(jars);
}
