//! Measures what instances cost on this machine.
//!
//! It owns what is measured and how often. It must never know how a time is written.

use std::io::Write as _;
use std::sync::Barrier;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use belljar::{Call, Instance, Limits, Modules, Router, Runtime};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::arguments;
use crate::ending::{Ending, Refusal};
use crate::executor::block_on;
use crate::interrupt::Interrupt;
use crate::jar;
use crate::language::Language;
use crate::measure::{self, Summary, Times};
use crate::problem::Refused;
use crate::run;
use crate::screen::{DIM, Screen};
use crate::source::Source;
use crate::speech::Speech;

/// How many instances are alive at once while memory is measured.
const CROWD: u64 = 200;
/// Rounds before those that are counted. They warm the caches.
const WARM_UP: usize = 20;

const SMALL: &str = r#"{"id":7,"name":"Ada","tags":["a","b"]}"#;

/// One thing that was timed.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    #[serde(skip)]
    about: &'static str,
    #[serde(flatten)]
    summary: Summary,
}

/// What `--json` prints.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Report {
    script: Option<String>,
    times: Vec<Row>,
    /// None where the system does not tell.
    bytes_per_instance: Option<u64>,
    throughput: Vec<Throughput>,
    fuel: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Throughput {
    threads: usize,
    instances_per_second: u64,
    instances_per_second_per_thread: u64,
}

/// What runs in every instance, and under which limits.
struct Subject {
    runtime: Runtime,
    router: Router,
    limits: Limits,
    modules: Modules,
    source: Source,
}

impl Subject {
    fn instance(&self) -> belljar::Result<Instance> {
        self.runtime.build_instance().modules(&self.modules).start(&self.router, &self.limits)
    }

    fn run(&self, instance: &mut Instance) -> belljar::Result<()> {
        match &self.source {
            Source::Script { name, text, language } => {
                let script = language.script(name, text)?;
                block_on(instance.eval_async(script)).or_else(unread).map(drop)
            }
            Source::Program { program, .. } => block_on(instance.run_async(program)).or_else(unread).map(drop),
        }
    }
}

/// The value of the script is not used, so it need not have a JSON form.
fn unread(error: belljar::Error) -> belljar::Result<belljar::Value> {
    match error {
        belljar::Error::NotSerializable { .. } => Ok(belljar::Value::UNDEFINED),
        other => Err(other),
    }
}

pub(crate) fn perform(bench: &arguments::Bench, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let limits = bench.jar.bounds.limits();
    let router = jar::router(Router::new().on_console(|_, _, _| {}), &bench.jar)?;
    let (source, is_own) = match &bench.file {
        Some(path) => (Source::of_file(path)?.stripped(), true),
        None => {
            let (name, text) = ("sum.js".into(), "1+2".into());
            (Source::Script { name, text, language: Language::JavaScript }, false)
        }
    };
    let subject = Subject {
        runtime: Runtime::new()?,
        router,
        limits,
        modules: bench.jar.modules(bench.file.as_deref())?,
        source,
    };
    let threads = bench.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1);
    // Nothing is measured for a script that fails.
    let mut first = subject.instance()?;
    if let Err(error) = interrupt.guard(first.cancel_handle(), || subject.run(&mut first)) {
        if bench.json {
            let refusal = Refusal::from(error);
            screen.write_json(&Refused::of(&refusal, Speech::Flags))?;
            return Ok(refusal.ending());
        }
        let ending = run::tell(screen, &error, &subject.source, Speech::Flags);
        run::name_dropped(screen, &first);
        return Ok(ending);
    }
    let fuel = first.call_stats().fuel;
    drop(first);
    let rounds = bench.rounds;
    let rows = if is_own { 4 } else { 5 };
    let progress = Progress::new(rows * rounds as u64 + 2 * rounds as u64);
    let mut report = Report { fuel: Some(fuel), ..Report::default() };
    if let Some(path) = &bench.file {
        report.script = Some(path.display().to_string());
    }
    report.times.extend(cold(&subject, rounds, &progress)?);
    if is_own {
        compiled(&subject, rounds, &progress, &mut report)?
    } else {
        calls(rounds, &progress, &mut report)?
    }
    report.bytes_per_instance = memory(&subject)?;
    progress.say("instances per second");
    for count in if threads == 1 { vec![1] } else { vec![1, threads] } {
        report.throughput.push(throughput(&subject, count, rounds)?);
        progress.went(rounds as u64);
    }
    progress.end();
    if bench.json {
        return screen.write_json(&report);
    }
    screen.write_bytes(report.table(screen).as_bytes())
}

/// A progress bar on standard error, so that a file with the results does not get it.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(total: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:<22} [{bar:40}] {percent:>3} %") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress { bar }
    }

    fn say(&self, what: &'static str) {
        self.bar.set_message(what);
    }

    fn went(&self, rounds: u64) {
        self.bar.inc(rounds);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Runs a round many times. [`row`] leaves out the first few, which warm the caches.
fn repeat(rounds: usize, progress: &Progress, mut round: impl FnMut() -> belljar::Result<()>) -> belljar::Result<()> {
    for _ in 0..WARM_UP {
        round()?;
    }
    for _ in 0..rounds {
        round()?;
        progress.went(1);
    }
    Ok(())
}

fn row(name: &'static str, about: &'static str, times: &Times) -> Option<Row> {
    times.after(WARM_UP).summary().map(|summary| Row { name, about, summary })
}

fn cold(subject: &Subject, rounds: usize, progress: &Progress) -> belljar::Result<Vec<Row>> {
    progress.say("cold start");
    let (mut whole, mut create, mut eval, mut end) = <(Times, Times, Times, Times)>::default();
    repeat(rounds, progress, || {
        let from = Instant::now();
        let mut instance = create.time(|| subject.instance())?;
        eval.time(|| subject.run(&mut instance))?;
        end.time(|| drop(instance));
        whole.add(from.elapsed());
        Ok(())
    })?;
    let rows = [
        row("cold start", "a fresh instance, the script, and its end", &whole),
        row("create", "of a cold start: the instance alone", &create),
        row("eval", "of a cold start: parsing and running the script", &eval),
        row("drop", "of a cold start: freeing the memory", &end),
    ];
    Ok(rows.into_iter().flatten().collect())
}

fn calls(rounds: usize, progress: &Progress, report: &mut Report) -> Result<(), Refusal> {
    let router = Router::new()
        .handle("echo", |_: &Call, value: belljar::Value| Ok(value))
        .handle_async("later", |_: Call, value: belljar::Value| async move { Ok(value) });
    let mut instance = Runtime::new()?.instance(&router, &Limits::default())?;
    let params = belljar::Value::from_json(SMALL)?;
    instance.eval(format!("const small = {SMALL}; host.on('echo', value => value)"))?;
    let mut measured = |name, about, round: &mut dyn FnMut(&mut Instance) -> belljar::Result<()>| {
        progress.say(name);
        let mut times = Times::default();
        repeat(rounds, progress, || times.time(|| round(&mut instance)))?;
        report.times.extend(row(name, about, &times));
        Ok::<(), Refusal>(())
    };
    measured("warm eval", "1+2 in an instance that has run before", &mut |jar| jar.eval("1+2").map(drop))?;
    measured("rpc", "a synchronous call, small JSON each way", &mut |jar| {
        jar.eval("host.rpcSync('echo', small); 0").map(drop)
    })?;
    measured("rpc, async", "the same with await", &mut |jar| {
        block_on(jar.eval_async("await host.rpc('later', small); 0")).map(drop)
    })?;
    measured("dispatch", "an event, small JSON each way", &mut |jar| jar.dispatch("echo", &params).map(drop))
}

fn compiled(subject: &Subject, rounds: usize, progress: &Progress, report: &mut Report) -> Result<(), Refusal> {
    let program = match &subject.source {
        Source::Script { name, text, language } => language
            .script(name, text)
            .and_then(|script| subject.runtime.compile_modules(script, &subject.modules, &Limits::default()))
            .map_err(|error| Refusal::of_compiling(&error))?,
        Source::Program { program, .. } => program.clone(),
    };
    progress.say("compiled");
    let mut times = Times::default();
    repeat(rounds, progress, || {
        let mut instance = subject.instance()?;
        times.time(|| block_on(instance.run_async(&program)).or_else(unread).map(drop))
    })?;
    report.times.extend(row("compiled", "running it from a program, in a fresh instance", &times));
    progress.say("snapshot");
    let mut instance = subject.instance()?;
    subject.run(&mut instance)?;
    let (mut take, mut restore) = <(Times, Times)>::default();
    repeat(rounds, progress, || {
        let snapshot = take.time(|| instance.snapshot())?;
        let twin = restore.time(|| subject.runtime.restore(&snapshot, &subject.router, &subject.limits))?;
        drop(twin);
        Ok(())
    })?;
    report.times.extend(row("snapshot", "a snapshot of what the script left", &take));
    report.times.extend(row("restore", "an instance from that snapshot", &restore));
    Ok(())
}

/// The memory that an instance holds after it has run the script.
fn memory(subject: &Subject) -> Result<Option<u64>, Refusal> {
    let Some(before) = measure::resident_bytes() else { return Ok(None) };
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut instance = subject.instance()?;
        subject.run(&mut instance)?;
        crowd.push(instance);
    }
    Ok(measure::resident_bytes().map(|after| after.saturating_sub(before) / CROWD))
}

fn throughput(subject: &Subject, threads: usize, rounds: usize) -> Result<Throughput, Refusal> {
    let work = |rounds| (0..rounds).try_for_each(|_| subject.run(&mut subject.instance()?));
    // All threads warm up at the same time, and none is timed before the last one is ready.
    let (warm, begin) = (Barrier::new(threads), Barrier::new(threads + 1));
    let worker = |gate: Receiver<()>| {
        // The gate is closed if another thread could not be started. At the barrier, this one would wait for it
        // forever.
        if gate.recv().is_err() {
            return Ok(());
        }
        warm.wait();
        let warmed = work(WARM_UP.max(rounds / 10));
        begin.wait();
        warmed.and_then(|()| work(rounds))
    };
    let (results, seconds) = thread::scope(|scope| {
        let (mut gates, mut workers) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (open, gate) = mpsc::channel();
            let worker = thread::Builder::new().spawn_scoped(scope, || worker(gate));
            workers.push(worker.map_err(|error| Refusal::no_thread(&error))?);
            gates.push(open);
        }
        for open in gates {
            let _ = open.send(());
        }
        begin.wait();
        let from = Instant::now();
        let results = workers.into_iter().map(|worker| worker.join()).collect::<Vec<_>>();
        Ok::<_, Refusal>((results, from.elapsed().as_secs_f64()))
    })?;
    for result in results {
        let result: belljar::Result<()> = result.map_err(|_| Refusal::internal("a thread of the bench panicked"))?;
        result?;
    }
    let per_thread = rounds as f64 / seconds;
    Ok(Throughput {
        threads,
        instances_per_second: (per_thread * threads as f64) as u64,
        instances_per_second_per_thread: per_thread as u64,
    })
}

impl Report {
    fn table(&self, screen: &Screen) -> String {
        let mut text = Vec::new();
        let dim = |text: &str| screen.painted(text, |text| format!("{DIM}{text}{DIM:#}"));
        let _ = writeln!(text, "{:<12} {:>10} {:>10}  {:<16}", "", "median", "p99", "from least to p99");
        for Row { name, about, summary } in &self.times {
            let (median, p99) = (measure::duration(summary.median_ns), measure::duration(summary.p99_ns));
            let _ = writeln!(text, "{name:<12} {median:>10} {p99:>10}  {}  {}", summary.bars(), dim(about));
        }
        let bytes = self
            .bytes_per_instance
            .map_or("not told by this system".into(), |bytes| format!("{:.1} KB", bytes as f64 / 1000.0));
        let _ = writeln!(text, "\nmemory of an instance that has run it: {bytes}");
        for Throughput { threads, instances_per_second, instances_per_second_per_thread } in &self.throughput {
            let noun = if *threads == 1 { "thread" } else { "threads" };
            let _ = writeln!(
                text,
                "instances per second, {threads} {noun}: {instances_per_second}, \
                 {instances_per_second_per_thread} per thread"
            );
        }
        if let Some(fuel) = self.fuel {
            let _ = writeln!(text, "fuel of one run: {fuel} units, the same on every machine of this build");
        }
        if cfg!(debug_assertions) {
            let _ = writeln!(
                text,
                "\nThis belljar was built without optimisation: the times say nothing. Build it with --release."
            );
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}
