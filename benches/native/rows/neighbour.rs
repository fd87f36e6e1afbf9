//! How late a neighbouring task's timer fires next to runaway scripts: a task of the same executor repeatedly sleeps
//! five milliseconds. The other side is the same task without neighbours.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use belljar::{Instance, Limits, Router, Runtime};

use crate::report::{Figure, Goal, Row};
use crate::{Bench, median, timed};

const SLEEP: Duration = Duration::from_millis(5);
const NAPS: usize = 41;
const RUNAWAYS: [usize; 3] = [1, 4, 16];
/// The goal for the median lateness. Without yields, tokio's worst was 123 ms.
const GOAL: Goal = Goal::Absolute(Figure::Micros(10_000.0), Figure::Micros(5_000.0));

/// An executor: its name, and a function that measures the lateness next to this many scripts.
type Executor = (&'static str, fn(usize) -> f64);
const EXECUTORS: [Executor; 3] =
    [("tokio, current thread", on_current_thread), ("tokio, two workers", on_two_workers), ("smol, local", on_smol)];

pub(super) fn measure(bench: &mut Bench) {
    price(bench);
    for (executor, late) in EXECUTORS {
        let quiet = if bench.wants("neighbour") { late(0) } else { continue };
        for runaways in RUNAWAYS {
            let name = format!("neighbour/{executor}, {runaways}");
            eprintln!("{name}");
            let goal = if runaways == 1 && executor.starts_with("tokio") { GOAL } else { Goal::None };
            let beside = late(runaways);
            bench.row(Row {
                name,
                belljar: Figure::Micros(beside),
                other: Some(("alone", Figure::Micros(quiet))),
                ratio: None,
                goal,
            });
        }
    }
}

/// The cost of yielding for a busy script. The other side is the same script in `eval`, which never yields.
fn price(bench: &mut Bench) {
    const BUSY: &str = "{ let x = 0; for (let i = 0; i < 1000000; i++) x = (x + i * 3) | 0; x }";
    let executor = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let runtime = Runtime::new().unwrap();
    let (mut giving_way, _) = runaway(&runtime);
    let (mut keeping_on, _) = runaway(&runtime);
    bench.pair(
        "neighbour/price of giving way",
        Goal::Times(1.02, 1.01),
        "eval",
        &mut |runs| timed(runs, || drop(executor.block_on(giving_way.eval_async(BUSY)).unwrap())),
        &mut |runs| timed(runs, || drop(keeping_on.eval(BUSY).unwrap())),
    );
}

/// The median lateness of sleeps, in microseconds.
async fn naps<S: Future>(sleep: impl Fn(Duration) -> S) -> f64 {
    let mut late = Vec::with_capacity(NAPS);
    for _ in 0..NAPS {
        let before = Instant::now();
        sleep(SLEEP).await;
        late.push(before.elapsed().saturating_sub(SLEEP).as_secs_f64() * 1e6);
    }
    median(late.into_iter())
}

fn runaway(runtime: &Runtime) -> (Instance, belljar::CancelHandle) {
    let limits =
        Limits { cpu_time: Duration::from_secs(600), wall_time: Duration::from_secs(600), ..Limits::default() };
    let jar = runtime.instance(&Router::new(), &limits).unwrap();
    let cancel = jar.cancel_handle();
    (jar, cancel)
}

async fn run_away(mut jar: Instance, ended: Arc<AtomicBool>) {
    let _ = jar.eval_async("for (;;) {}").await;
    assert!(ended.load(Ordering::SeqCst), "the script ended by itself");
}

fn on_current_thread(runaways: usize) -> f64 {
    on_tokio(&tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(), runaways)
}

fn on_two_workers(runaways: usize) -> f64 {
    on_tokio(&tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap(), runaways)
}

fn on_tokio(executor: &tokio::runtime::Runtime, runaways: usize) -> f64 {
    let (runtime, ended) = (Runtime::new().unwrap(), Arc::new(AtomicBool::new(false)));
    executor.block_on(async {
        let (jars, cancels): (Vec<_>, Vec<_>) = (0..runaways).map(|_| runaway(&runtime)).unzip();
        let tasks: Vec<_> = jars.into_iter().map(|jar| tokio::spawn(run_away(jar, ended.clone()))).collect();
        let late = tokio::spawn(naps(tokio::time::sleep)).await.unwrap();
        ended.store(true, Ordering::SeqCst);
        cancels.iter().for_each(|cancel| cancel.cancel());
        for task in tasks {
            task.await.unwrap();
        }
        late
    })
}

fn on_smol(runaways: usize) -> f64 {
    let (runtime, ended) = (Runtime::new().unwrap(), Arc::new(AtomicBool::new(false)));
    let executor = smol::LocalExecutor::new();
    smol::block_on(executor.run(async {
        let (jars, cancels): (Vec<_>, Vec<_>) = (0..runaways).map(|_| runaway(&runtime)).unzip();
        let tasks: Vec<_> = jars.into_iter().map(|jar| executor.spawn(run_away(jar, ended.clone()))).collect();
        let late = executor.spawn(naps(|nap| async move { smol::Timer::after(nap).await })).await;
        ended.store(true, Ordering::SeqCst);
        cancels.iter().for_each(|cancel| cancel.cancel());
        for task in tasks {
            task.await;
        }
        late
    }))
}
