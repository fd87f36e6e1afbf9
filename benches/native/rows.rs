//! The rows: what is done on each side.
//!
//! Native QuickJS runs with rquickjs's defaults, which set no limit. Belljar runs with [`Limits::default`] and a limit on fuel
//! besides, so that every limit there is is armed.

use std::cell::RefCell;
use std::fmt::Write;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use belljar::{Call, Instance, Limits, Router, Runtime};
use rquickjs as native;
use serde_json::Value;

use crate::report::{Figure, Goal, NATIVE, Row};
use crate::{Bench, timed};

/// What stands in DESIGN for a script that computes; each is sized to take a few milliseconds at most.
const CPU: [(&str, bool, &str); 11] = [
    ("fib", true, "(function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) })(20)"),
    ("loop", true, "(function () { let x = 0; for (let i = 0; i < 50000; i++) x = (x + i * 3) | 0; return x })()"),
    ("float", false, "(function () { let x = 0.5; for (let i = 0; i < 40000; i++) x = x * 1.0000001 + 0.1; return x })()"),
    ("string", true, "(function () { let s = ''; for (let i = 0; i < 8000; i++) s += 'ab' + i; return s.length })()"),
    (
        "json",
        true,
        "(function () { const o = { a: [1, 2, 3, { b: 'hello', c: null }], d: 'x'.repeat(100) }; let n = 0;
            for (let i = 0; i < 250; i++) n += JSON.stringify(JSON.parse(JSON.stringify(o))).length; return n })()",
    ),
    (
        "sort",
        true,
        "(function () { const a = []; let x = 1;
            for (let i = 0; i < 3000; i++) { x = (x * 1103515245 + 12345) & 0x7fffffff; a.push(x) }
            a.sort((p, q) => p - q); return a[5] })()",
    ),
    (
        "regex",
        true,
        "(function () { let n = 0; const r = /([a-z]+)(\\d+)/g, s = 'abc123 def456 '.repeat(200);
            for (let i = 0; i < 4; i++) for (const m of s.matchAll(r)) n += m[1].length; return n })()",
    ),
    (
        "map_set",
        false,
        "(function () { const m = new Map(), s = new Set(); for (let i = 0; i < 4000; i++) { m.set('k' + i % 1000, i); s.add(i % 100) }
            let t = s.size; for (const [, v] of m) t += v; return t })()",
    ),
    (
        "class",
        false,
        "(function () { class A { #x = 1; get x() { return this.#x } add(y) { this.#x += y; return this } }
            const a = new A(); for (let i = 0; i < 20000; i++) a.add(i & 3); return a.x })()",
    ),
    (
        "typed_arrays",
        false,
        "(function () { const a = new Float64Array(10000);
            for (let k = 0; k < 2; k++) for (let i = 0; i < a.length; i++) a[i] = a[i] * 0.5 + i; return a[99] })()",
    ),
    ("bigint", false, "(function () { let a = 1n; for (let i = 1n; i < 400n; i++) a *= i; return a.toString().length })()"),
];

/// The small object that crosses in both directions.
const SMALL: &str = "{ a: 1, b: 'two', c: [1, 2, 3] }";

/// Every limit armed, and none hit.
fn limits() -> Limits {
    Limits { fuel: Some(1 << 50), ..Limits::default() }
}

fn router() -> Router {
    Router::new()
        .handle("same", |_: &Call, value: Value| Ok(value))
        .handle_async("same_later", |_: Call, value: Value| async move { Ok(value) })
}

/// A native context with its runtime.
fn context() -> native::Context {
    native::Context::full(&native::Runtime::new().unwrap()).unwrap()
}

/// What a handler does on the native side: reads the JSON, and writes it again.
fn same(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    serde_json::to_string(&value).unwrap()
}

fn run_native(context: &native::Context, script: &str) {
    context.with(|ctx| {
        let value: native::Value<'_> = ctx.eval(script).unwrap();
        black_box(value);
    });
}

pub(crate) fn measure(bench: &mut Bench) {
    // First, before the allocator holds memory that a later measurement would be given for nothing.
    if bench.wants("memory") {
        memory(bench);
    }
    let runtime = Runtime::new().unwrap();
    let jar = || runtime.instance(&router(), &limits()).unwrap();
    type Group<'a> = (&'a str, &'a dyn Fn(&mut Bench));
    let groups: [Group<'_>; 9] = [
        ("cold_start", &|bench| cold_start(bench, &runtime)),
        ("eval", &|bench| eval(bench, jar())),
        ("rpc_sync", &|bench| rpc_sync(bench, jar())),
        ("dispatch", &|bench| dispatch(bench, jar())),
        ("parallel_async", &|bench| parallel_async(bench, jar())),
        ("cpu", &|bench| cpu(bench, jar())),
        ("program", &|bench| program(bench, &runtime)),
        ("snapshot", &|bench| snapshot(bench, &runtime)),
        ("two_threads", &|bench| two_threads(bench, &runtime)),
    ];
    for (name, group) in groups {
        if bench.wants(name) {
            group(bench);
        }
    }
}

/// The parts of a life, each with its own clock.
#[derive(Default)]
struct Life {
    create: Duration,
    eval: Duration,
    drop: Duration,
}

impl Life {
    fn live<T>(&mut self, create: impl FnOnce() -> T, eval: impl FnOnce(&mut T)) {
        let start = Instant::now();
        let mut it = create();
        let created = Instant::now();
        eval(&mut it);
        let evaluated = Instant::now();
        drop(it);
        self.drop += evaluated.elapsed();
        self.create += created - start;
        self.eval += evaluated - created;
    }
}

fn cold_start(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits) = (router(), limits());
    let belljar = |runs: u64| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(|| runtime.instance(&router, &limits).unwrap(), |jar| drop(jar.eval("1+2").unwrap()));
        }
        life
    };
    let other = |runs: u64| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(context, |context| run_native(context, "1+2"));
        }
        life
    };
    type Part = (&'static str, Goal, fn(Life) -> Duration);
    let parts: [Part; 4] = [
        ("cold_start", Goal::Faster(6.0, 10.0), |life| life.create + life.eval + life.drop),
        ("cold_start/create", Goal::None, |life| life.create),
        ("cold_start/eval", Goal::None, |life| life.eval),
        ("cold_start/drop", Goal::None, |life| life.drop),
    ];
    for (name, goal, part) in parts {
        bench.pair(name, goal, NATIVE, &mut |runs| part(belljar(runs)), &mut |runs| part(other(runs)));
    }
}

fn eval(bench: &mut Bench, mut jar: Instance) {
    let context = context();
    bench.pair(
        "eval",
        Goal::Times(2.0, 1.3),
        NATIVE,
        &mut |runs| timed(runs, || drop(black_box(jar.eval("1+2").unwrap()))),
        &mut |runs| timed(runs, || run_native(&context, "1+2")),
    );
}

fn rpc_sync(bench: &mut Bench, mut jar: Instance) {
    let context = context();
    context.with(|ctx| {
        let call = native::Function::new(ctx.clone(), |_method: String, params: String| same(&params)).unwrap();
        ctx.globals().set("call", call).unwrap();
        let host = "globalThis.host = { rpcSync: (m, p) => JSON.parse(call(m, JSON.stringify(p))) }; 0";
        let _: i32 = ctx.eval(host).unwrap();
    });
    // Many calls in one script, so that what the script itself costs is no part of the figure; in belljar a script may make 10,000.
    let scripts = |runs: u64| {
        let script = |calls| format!("for (let i = 0; i < {calls}; i++) host.rpcSync('same', {SMALL})");
        (0..runs).step_by(5000).map(move |done| script((runs - done).min(5000)))
    };
    bench.pair(
        "rpc_sync",
        Goal::Times(1.0, 0.4),
        NATIVE,
        &mut |runs| scripts(runs).map(|script| timed(1, || drop(jar.eval(&*script).unwrap()))).sum(),
        &mut |runs| scripts(runs).map(|script| timed(1, || run_native(&context, &script))).sum(),
    );
}

fn dispatch(bench: &mut Bench, mut jar: Instance) {
    let handler = "p => ({ ok: p.a, l: p.c })";
    let payload = serde_json::json!({ "a": 1, "b": "two", "c": [1, 2, 3] });
    jar.eval(&*format!("host.on('event', {handler})")).unwrap();
    let context = context();
    run_native(&context, &format!("globalThis.handle = text => JSON.stringify(({handler})(JSON.parse(text))); 0"));
    bench.pair(
        "dispatch",
        Goal::Times(1.0, 0.4),
        NATIVE,
        &mut |runs| {
            timed(runs, || {
                black_box(jar.dispatch("event", &payload).unwrap().get::<Value>().unwrap());
            })
        },
        &mut |runs| {
            context.with(|ctx| {
                let handle: native::Function<'_> = ctx.globals().get("handle").unwrap();
                timed(runs, || {
                    let text: String = handle.call((serde_json::to_string(&payload).unwrap(),)).unwrap();
                    black_box(serde_json::from_str::<Value>(&text).unwrap());
                })
            })
        },
    );
}

/// A hundred calls in flight at once, each answered as soon as the script waits. The native side does by hand what a host of
/// QuickJS would write: a queue of calls, and a function that settles the promise of each.
fn parallel_async(bench: &mut Bench, mut jar: Instance) {
    let calls = "Promise.all(Array.from({ length: 100 }, (_, i) => host.rpc('same_later', { i })))";
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let awaited = format!("await {calls}");
    let engine = native::Runtime::new().unwrap();
    let context = native::Context::full(&engine).unwrap();
    let queue = Rc::new(RefCell::new(Vec::<String>::new()));
    let calls_made = queue.clone();
    context.with(|ctx| {
        let start = move |_method: String, params: String| calls_made.borrow_mut().push(params);
        ctx.globals().set("start", native::Function::new(ctx.clone(), start).unwrap()).unwrap();
    });
    run_native(
        &context,
        "globalThis.waiting = [];
         globalThis.host = { rpc: (m, p) => new Promise(settle => { start(m, JSON.stringify(p)); waiting.push(settle) }) };
         globalThis.settle = text => waiting.shift()(JSON.parse(text)); 0",
    );
    let started = format!("globalThis.result = undefined; {calls}.then(all => {{ result = JSON.stringify(all) }}); 0");
    let run_to_end = || {
        context.with(|ctx| {
            let _: i32 = ctx.eval(&*started).unwrap();
            let settle: native::Function<'_> = ctx.globals().get("settle").unwrap();
            for params in queue.take() {
                let () = settle.call((same(&params),)).unwrap();
            }
            while ctx.execute_pending_job() {}
            let result: String = ctx.globals().get("result").unwrap();
            result
        })
    };
    // The two do the same only if they come to the same.
    assert_eq!(executor.block_on(jar.eval_async(&*awaited)).unwrap().as_str(), run_to_end());
    bench.pair(
        "parallel_async",
        Goal::Times(1.0, 0.5),
        NATIVE,
        &mut |runs| timed(runs, || drop(black_box(executor.block_on(jar.eval_async(&*awaited)).unwrap()))),
        &mut |runs| timed(runs, || drop(black_box(run_to_end()))),
    );
}

fn cpu(bench: &mut Bench, mut jar: Instance) {
    let context = context();
    let mut ratios = Vec::new();
    for (name, in_goal, script) in CPU {
        let ratio = bench.pair(
            &format!("cpu/{name}"),
            Goal::None,
            NATIVE,
            &mut |runs| timed(runs, || drop(black_box(jar.eval(script).unwrap()))),
            &mut |runs| timed(runs, || run_native(&context, script)),
        );
        ratios.extend(ratio.map(|ratio| (in_goal, ratio)));
    }
    if ratios.len() < CPU.len() {
        return;
    }
    let mean = |ratios: Vec<f64>| (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let six = mean(ratios.iter().filter(|row| row.0).map(|row| row.1).collect());
    let all = mean(ratios.iter().map(|row| row.1).collect());
    let row = |name: &str, ratio, goal| Row {
        name: name.into(),
        belljar: Figure::None,
        other: None,
        ratio: Some(ratio),
        goal,
    };
    bench.row(row("cpu, mean of fib loop string json sort regex", six, Goal::Times(1.5, 1.1)));
    bench.row(row("cpu, mean of all", all, Goal::None));
}

/// Functions until they make up 100 KB, one of which is called.
fn large_script() -> String {
    let mut script = String::new();
    for number in 0.. {
        if script.len() >= 100_000 {
            break;
        }
        let _ = write!(
            script,
            "function f{number}(a, b) {{\n  const o = {{ x: a, y: b, name: 'number {number}' }};\n  \
             for (let i = 0; i < 10; i++) {{ if (o.x > i) o.y += i * {number}; else o.x++; }}\n  \
             return [o.x, o.y].map(n => n + {number}).join(',') + o.name;\n}}\n"
        );
    }
    script + "f0(1, 2)"
}

fn program(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits, script) = (router(), limits(), large_script());
    let program = runtime.compile(&*script).unwrap();
    // Each run is in an instance of its own, as programs are used; the clock runs for the call only.
    let fresh = |runs: u64, call: &dyn Fn(&mut Instance)| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(|| runtime.instance(&router, &limits).unwrap(), call);
        }
        life.eval
    };
    let run = |runs| fresh(runs, &|jar| drop(black_box(jar.run(&program).unwrap())));
    let parse = |runs| fresh(runs, &|jar| drop(black_box(jar.eval(&*script).unwrap())));
    let parse_natively = |runs| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(context, |context| run_native(context, &script));
        }
        life.eval
    };
    let goal = Goal::Faster(6.0, 9.0);
    bench.pair("program/100 KB, run beside eval", goal, "eval", &mut { run }, &mut { parse });
    bench.pair("program/100 KB, eval", Goal::None, NATIVE, &mut { parse }, &mut { parse_natively });
}

fn snapshot(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits) = (router(), limits());
    let mut jar = runtime.instance(&router, &limits).unwrap();
    jar.eval("let n = 1").unwrap();
    let taken = jar.snapshot().unwrap();
    let micros = |must, aim| Goal::Absolute(Figure::Micros(must), Figure::Micros(aim));
    bench.alone("snapshot/take", micros(50.0, 10.0), &mut |runs| {
        timed(runs, || drop(black_box(jar.snapshot().unwrap())))
    });
    let restore = |runs| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(
                || runtime.restore(&taken, &router, &limits).unwrap(),
                |jar| assert_eq!(jar.eval("n").unwrap().as_str(), "1"),
            );
        }
        life
    };
    bench.alone("snapshot/restore", micros(15.0, 5.0), &mut |runs| restore(runs).create);
    bench.alone("snapshot/restore, eval, drop", Goal::None, &mut |runs| {
        let life = restore(runs);
        life.create + life.eval + life.drop
    });
    let kilobytes = taken.to_bytes().len() as f64 / 1024.0;
    let goal = Goal::Absolute(Figure::Kilobytes(24.0), Figure::Kilobytes(8.0));
    let name = String::from("snapshot/bytes");
    bench.row(Row { name, belljar: Figure::Kilobytes(kilobytes), other: None, ratio: None, goal });
}

/// Does a number of runs in so many threads, and says how long all of them took together.
fn in_threads(threads: u64, runs: u64, run: &(dyn Fn() + Sync)) -> Duration {
    let barrier = Barrier::new(threads as usize + 1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let share = runs / threads + u64::from(thread < runs % threads);
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    timed(share, run)
                })
            })
            .collect();
        let start = Instant::now();
        barrier.wait();
        for worker in workers {
            worker.join().unwrap();
        }
        start.elapsed()
    })
}

fn two_threads(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits) = (router(), limits());
    let belljar = || drop(runtime.instance(&router, &limits).unwrap().eval("1+2").unwrap());
    // What the machine itself gives to two threads that share nothing of ours; belljar cannot be expected to do better.
    let other = || run_native(&context(), "1+2");
    let rows: [(&str, Goal, &(dyn Fn() + Sync)); 2] = [
        ("two_threads", Goal::Faster(1.7, 1.95), &belljar),
        ("two_threads, native against itself", Goal::None, &other),
    ];
    for (name, goal, run) in rows {
        bench
            .pair(name, goal, "one thread", &mut |runs| in_threads(2, runs, run), &mut |runs| in_threads(1, runs, run));
    }
}

/// What idle instances hold in memory after one eval. Only where the system says what a process holds.
fn memory(bench: &mut Bench) {
    const INSTANCES: usize = 200;
    let (router, limits) = (router(), limits());
    let runtime = Runtime::new().unwrap();
    let Some(belljar) = resident(INSTANCES, || {
        let mut jar = runtime.instance(&router, &limits).unwrap();
        jar.eval("1+2").unwrap();
        jar
    }) else {
        return;
    };
    let Some(other) = resident(INSTANCES, || {
        let context = context();
        run_native(&context, "1+2");
        context
    }) else {
        return;
    };
    bench.row(Row {
        name: "memory of an idle instance".into(),
        belljar: Figure::Kilobytes(belljar),
        other: Some((NATIVE, Figure::Kilobytes(other))),
        ratio: Some(belljar / other),
        goal: Goal::Absolute(Figure::Kilobytes(120.0), Figure::Kilobytes(60.0)),
    });
}

/// By how many kilobytes the process grows for each of so many things that it keeps. A page that many of them share, such as one of
/// the image that none has written to, counts once: `VmRSS` would count it for each.
fn resident<T>(count: usize, make: impl Fn() -> T) -> Option<f64> {
    let held = || {
        let sums = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
        let line = sums.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
    };
    // One beforehand, so that what is made once for all of them does not count.
    drop(make());
    let before = held()?;
    let kept: Vec<T> = (0..count).map(|_| make()).collect();
    let after = held()?;
    drop(kept);
    Some((after - before) / count as f64)
}
