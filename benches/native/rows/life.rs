//! Making, using and dropping an instance, on one thread and on two.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use belljar::{Instance, Runtime};

use super::{Life, context, functions, limits, router, run_native};
use crate::Bench;
use crate::report::{Figure, Goal, NATIVE};

/// The total time of a life.
fn all(life: &Life) -> Duration {
    life.create + life.eval + life.drop
}

fn one_and_two(jar: &mut Instance) {
    assert_eq!(jar.eval("1+2").unwrap().as_str(), "3");
}

fn lives(runtime: &Runtime, runs: u64) -> Life {
    let (router, limits) = (router(), limits());
    let mut life = Life::default();
    for _ in 0..runs {
        life.live(|| runtime.instance(&router, &limits).unwrap(), one_and_two);
    }
    life
}

/// Native lives. A prelude runs in each of them, because native QuickJS cannot keep its result.
fn native_lives(prelude: Option<&str>, runs: u64) -> Life {
    let mut life = Life::default();
    for _ in 0..runs {
        let create = || {
            let context = context();
            prelude.inspect(|script| run_native(&context, script));
            context
        };
        life.live(create, |context| run_native(context, "1+2"));
    }
    life
}

pub(super) fn cold_start(bench: &mut Bench, runtime: &Runtime) {
    type Part = (&'static str, Goal, fn(&Life) -> Duration);
    let parts: [Part; 4] = [
        ("cold_start", Goal::Faster(6.0, 10.0), all),
        ("cold_start/create", Goal::None, |life| life.create),
        ("cold_start/eval", Goal::None, |life| life.eval),
        ("cold_start/drop", Goal::None, |life| life.drop),
    ];
    for (name, goal, part) in parts {
        let mut belljar = |runs| part(&lives(runtime, runs));
        bench.pair(name, goal, NATIVE, &mut belljar, &mut |runs| part(&native_lives(None, runs)));
    }
    let unused = &mut |runs: u64| first_lives(runs);
    bench.pair("cold_start/slot never used", Goal::None, NATIVE, unused, &mut |runs| all(&native_lives(None, runs)));
    let on_demand = Runtime::builder().on_demand().build().unwrap();
    let mut belljar = |runs| all(&lives(&on_demand, runs));
    bench.pair("cold_start/on demand", Goal::None, NATIVE, &mut belljar, &mut |runs| all(&native_lives(None, runs)));
    for (name, bytes) in [("cold_start/20 KB prelude", 20_000), ("cold_start/500 KB prelude", 500_000)] {
        if !bench.wants(name) {
            continue;
        }
        let prelude = functions(bytes);
        let prepared = Runtime::builder().prelude(&*prelude).build().unwrap();
        let mut belljar = |runs| all(&lives(&prepared, runs));
        let mut other = |runs| all(&native_lives(Some(&prelude), runs));
        bench.pair(name, Goal::None, NATIVE, &mut belljar, &mut other);
    }
    // A library as large as the TypeScript compiler. Natively it takes a third of a second each time.
    let name = "cold_start/9 MB prelude";
    if bench.wants(name) {
        let limits = limits().with_memory_bytes(512 << 20).with_js_heap_bytes(512 << 20);
        let builder = Runtime::builder().prelude(functions(9_000_000)).prelude_limits(&limits);
        let prepared = builder.build().unwrap();
        let goal = Goal::Absolute(Figure::Micros(100.0), Figure::Micros(50.0));
        bench.alone(name, goal, &mut |runs| {
            let begun = Instant::now();
            for _ in 0..runs {
                one_and_two(&mut prepared.instance(&router(), &limits).unwrap());
            }
            begun.elapsed()
        });
    }
}

/// Lives in a pool of unused slots: each instance is kept until the last one has run.
fn first_lives(runs: u64) -> Duration {
    const SLOTS: u64 = 100;
    let (router, limits) = (router(), limits());
    let mut sum = Duration::ZERO;
    for done in (0..runs).step_by(SLOTS as usize) {
        let runtime = Runtime::builder().max_instances(SLOTS as u32).build().unwrap();
        let start = Instant::now();
        let jars: Vec<Instance> = (done..runs.min(done + SLOTS))
            .map(|_| {
                let mut jar = runtime.instance(&router, &limits).unwrap();
                one_and_two(&mut jar);
                jar
            })
            .collect();
        drop(jars);
        sum += start.elapsed();
    }
    sum
}

/// Does a number of runs on this many threads, and returns the time from the first thread's start to the last one's
/// end.
///
/// The threads take runs from a shared pot, a few at a time, so that a thread that is delayed does fewer of them;
/// with a fixed share each, the figure was that of the slower thread. The threads read the clock themselves, because
/// the waiting thread may be woken late. First they run for a while unmeasured, because a scheduler takes some
/// milliseconds to spread two threads over two cores; without this, two threads were no faster than one on idle
/// cores.
fn in_threads<'a>(threads: u64, runs: u64, make: &(dyn Fn() -> Box<dyn FnMut() + 'a> + Sync)) -> Duration {
    const SPREAD: Duration = Duration::from_millis(20);
    const HANDFUL: u64 = 8;
    let (ready, taken) = (AtomicU64::new(0), AtomicU64::new(0));
    let spans: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (ready, taken) = (&ready, &taken);
                scope.spawn(move || {
                    let mut run = make();
                    let spread = Instant::now();
                    while spread.elapsed() < SPREAD {
                        run();
                    }
                    ready.fetch_add(1, Ordering::Relaxed);
                    while ready.load(Ordering::Relaxed) < threads {
                        run();
                    }
                    let start = Instant::now();
                    loop {
                        let first = taken.fetch_add(HANDFUL, Ordering::Relaxed);
                        if first >= runs {
                            break;
                        }
                        (first..runs.min(first + HANDFUL)).for_each(|_| run());
                    }
                    (start, Instant::now())
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let first = spans.iter().map(|span| span.0).min().unwrap();
    let last = spans.iter().map(|span| span.1).max().unwrap();
    last - first
}

/// The gain from a second thread. The rows after the first show what the machine itself gives two threads: a warm
/// eval shares nothing of the pool, and native instances share nothing with each other.
pub(super) fn two_threads(bench: &mut Bench, runtime: &Runtime) {
    /// How many times longer a turn is than in other rows, because two threads are delayed more often than one.
    const LONGER: u32 = 10;
    type Make<'a> = &'a (dyn Fn() -> Box<dyn FnMut() + 'a> + Sync);
    let (router, limits) = (router(), limits());
    let start = || runtime.instance(&router, &limits).unwrap();
    let cold: Make<'_> = &|| Box::new(|| one_and_two(&mut start()));
    let warm: Make<'_> = &|| {
        let mut jar = start();
        Box::new(move || one_and_two(&mut jar))
    };
    let native_cold: Make<'_> = &|| Box::new(|| run_native(&context(), "1+2"));
    let native_warm: Make<'_> = &|| {
        let context = context();
        Box::new(move || run_native(&context, "1+2"))
    };
    let rows = [
        ("two_threads", Goal::Faster(1.7, 1.95), cold),
        ("two_threads/warm eval", Goal::None, warm),
        ("two_threads/native cold start", Goal::None, native_cold),
        ("two_threads/native warm eval", Goal::None, native_warm),
    ];
    for (name, goal, make) in rows {
        let side = |threads| move |runs: u64| in_threads(threads, runs * u64::from(LONGER), make) / LONGER;
        bench.pair(name, goal, "one thread", &mut side(2), &mut side(1));
    }
}
