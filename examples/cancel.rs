//! Four ways to end a call early, and proof that nothing of it keeps running.
//!
//! Shows: [`CancelHandle`](belljar::CancelHandle) from another thread, in a loop and inside a native built-in;
//! dropping the future of an async call; a handler's own token; the wall-clock limit.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use belljar::{Call, Error, Limits, Router, RpcError, Runtime, Status};
use tokio::sync::Notify;

fn main() -> belljar::Result<()> {
    let runtime = Runtime::new()?;
    from_another_thread(&runtime)?;
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.unwrap_or_else(|error| panic!("tokio does not start: {error}"));
    executor.block_on(async {
        by_dropping_the_future(&runtime).await?;
        by_running_out_of_time(&runtime).await
    })
}

/// A script that runs JavaScript unwinds and keeps its state. A script that is inside a native built-in is stopped in
/// the middle, and its instance refuses calls until it is reset. Which of the two happens depends on timing.
fn from_another_thread(runtime: &Runtime) -> belljar::Result<()> {
    let begun = Arc::new(Barrier::new(2));
    let met = begun.clone();
    let router = Router::new().handle("begun", move |_: &Call, (): ()| {
        met.wait();
        Ok(())
    });
    for (what, script) in [
        ("a loop", "globalThis.kept = 1; host.rpcSync('begun'); for (;;) {}"),
        ("a native built-in", "host.rpcSync('begun'); new Array(2e7) + ''"),
    ] {
        let mut jar = runtime.instance(&router, &Limits::default())?;
        let handle = jar.cancel_handle();
        let ended = thread::scope(|threads| {
            threads.spawn(|| {
                begun.wait();
                handle.cancel();
            });
            jar.eval(script)
        });
        println!("cancelled in {what}: the instance is {:?}", jar.status());
        assert_eq!(ended, Err(Error::Cancelled));
        if jar.status() == Status::Poisoned {
            jar.reset()?;
        }
        assert_eq!(jar.eval("1 + 2")?.get::<i64>()?, 3);
    }
    Ok(())
}

/// Counts handlers that have started and have not been dropped.
struct AtWork(Arc<AtomicU32>);

impl AtWork {
    fn begin(counter: &Arc<AtomicU32>) -> AtWork {
        counter.fetch_add(1, Ordering::SeqCst);
        AtWork(counter.clone())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Handlers are polled inside the future of the call, so they end with it. Work that a handler has passed to another
/// task does not; the [`Call`] tells that work when its result is no longer wanted.
async fn by_dropping_the_future(runtime: &Runtime) -> belljar::Result<()> {
    let (at_work, all_began, task_ended) =
        (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (counter, began, ended) = (at_work.clone(), all_began.clone(), task_ended.clone());
    let router = Router::new().handle_async("forever", move |call: Call, (): ()| {
        let at_work = AtWork::begin(&counter);
        let ended = ended.clone();
        if counter.load(Ordering::SeqCst) == 3 {
            began.notify_one();
        }
        async move {
            tokio::spawn(async move {
                call.cancelled().await;
                ended.notify_one();
            });
            std::future::pending::<()>().await;
            drop(at_work);
            Ok(())
        }
    });
    let mut jar = runtime.instance(&router, &Limits::default())?;

    let call = jar.eval_async("await Promise.all([1, 2, 3].map(() => host.rpc('forever')))");
    tokio::select! {
        ended = call => panic!("the call ended by itself: {ended:?}"),
        () = all_began.notified() => {}
    }
    println!("dropped a call with three handlers at work: {} are left", at_work.load(Ordering::SeqCst));
    assert_eq!(at_work.load(Ordering::SeqCst), 0);
    task_ended.notified().await;
    println!("a task that a handler had started heard of it");

    assert_eq!(jar.status(), Status::Ready);
    assert_eq!(jar.eval("1 + 2")?.get::<i64>()?, 3);
    Ok(())
}

/// The wall-clock limit ends a waiting call, although its script uses no processor time.
async fn by_running_out_of_time(runtime: &Runtime) -> belljar::Result<()> {
    let router = Router::new().handle_async("forever", |call: Call, (): ()| async move {
        assert!(call.time_left() <= Duration::from_millis(50));
        std::future::pending::<Result<(), RpcError>>().await
    });
    let limits = Limits { wall_time: Duration::from_millis(50), ..Limits::default() };
    let mut jar = runtime.instance(&router, &limits)?;
    let ended = jar.eval_async("await host.rpc('forever')").await;
    println!("waited too long: {}", ended.as_ref().err().map(ToString::to_string).unwrap_or_default());
    assert_eq!(ended.err().map(|error| error.code()), Some("wall_limit_exceeded"));
    assert_eq!(jar.eval("1 + 2")?.get::<i64>()?, 3);
    Ok(())
}
