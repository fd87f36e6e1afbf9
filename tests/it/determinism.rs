//! Determinism: the seed, the clock and the fixed time zone are enough to repeat a script.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belljar::{Answer, Call, Clock, Instance, Limits, Reply, Router, RpcError, Script, Snapshot, Turn, Value};
use sha2::{Digest, Sha256};

use crate::support::{Log, block_on, itself, jar, runtime};

const DRAW: &str = "Array.from({ length: 20 }, () => Math.random())";

fn seeded(seed: u64) -> Instance {
    runtime().build_instance().seed(seed).start(&Router::new(), &Limits::default()).unwrap()
}

fn with_clock(clock: Clock) -> Instance {
    runtime().build_instance().clock(clock).start(&Router::new(), &Limits::default()).unwrap()
}

fn draw(jar: &mut Instance) -> Vec<f64> {
    jar.eval(DRAW).unwrap().get().unwrap()
}

#[test]
fn a_seed_makes_random_numbers_repeatable() {
    for seed in [0, 1, 7, u64::MAX] {
        let (mut first, mut second) = (seeded(seed), seeded(seed));
        let numbers = draw(&mut first);
        assert_eq!(numbers, draw(&mut second));
        // The sequence continues from call to call, in every kind of call.
        let more: Vec<f64> = block_on(first.eval_async(DRAW)).unwrap().get().unwrap();
        assert_eq!(more, draw(&mut second));
        assert_ne!(numbers, more);
        first.reset().unwrap();
        assert_eq!(draw(&mut first), numbers);
    }
}

#[test]
fn other_seeds_give_other_numbers() {
    let mut sequences: Vec<Vec<f64>> = (0..50).map(|seed| draw(&mut seeded(seed))).collect();
    sequences.sort_by(|a, b| a.partial_cmp(b).unwrap());
    sequences.dedup();
    assert_eq!(sequences.len(), 50);
}

#[test]
fn instances_without_a_seed_differ_from_each_other() {
    let mut firsts: Vec<String> = (0..50).map(|_| jar().eval("Math.random()").unwrap().as_str().to_owned()).collect();
    firsts.sort();
    firsts.dedup();
    assert_eq!(firsts.len(), 50);
}

#[test]
fn a_reset_instance_without_a_seed_draws_anew() {
    let mut jar = jar();
    let before = draw(&mut jar);
    jar.reset().unwrap();
    assert_ne!(draw(&mut jar), before);
}

#[test]
fn random_numbers_fill_their_range() {
    let script = "const n = Array.from({ length: 10000 }, Math.random);
        [n.every(x => x >= 0 && x < 1), new Set(n).size, n.filter(x => x < 0.5).length, Math.max(...n) > 0.99, Math.min(...n) < 0.01]";
    let (all, distinct, low, high_end, low_end): (bool, u32, u32, bool, bool) =
        seeded(3).eval(script).unwrap().get().unwrap();
    assert!(all && high_end && low_end && distinct == 10_000 && (4500..5500).contains(&low), "{low}");
}

#[test]
fn a_fixed_clock_stands_still() {
    let mut jar = with_clock(Clock::Fixed(Duration::from_millis(1_700_000_000_123)));
    let script =
        "const a = Date.now(); for (let i = 0; i < 1e5; i++); [a, Date.now(), +new Date(), new Date().toISOString()]";
    let expected = r#"[1700000000123,1700000000123,1700000000123,"2023-11-14T22:13:20.123Z"]"#;
    assert_eq!(jar.eval(script).unwrap().as_str(), expected);
    assert_eq!(block_on(jar.eval_async(&format!("{{ {script} }}"))).unwrap().as_str(), expected);
    assert_eq!(jar.eval("performance.now() === performance.now()").unwrap().as_str(), "true");
}

#[test]
fn a_stepped_clock_moves_each_time_it_is_read() {
    let clock = Clock::Stepped { start: Duration::from_millis(1000), step: Duration::from_millis(10) };
    let mut jar = with_clock(clock.clone());
    let script = "[Date.now(), Date.now(), +new Date(), performance.now(), performance.now()]";
    assert_eq!(jar.eval(script).unwrap().as_str(), "[1000,1010,1020,1030,1040]");
    // The clock continues from call to call; another instance has a separate one.
    assert_eq!(jar.eval("Date.now()").unwrap().as_str(), "1050");
    assert_eq!(with_clock(clock).eval("Date.now()").unwrap().as_str(), "1000");
}

#[test]
fn clocks_at_the_ends_of_time_do_no_harm() {
    for clock in [
        Clock::Fixed(Duration::ZERO),
        Clock::Fixed(Duration::MAX),
        Clock::Stepped { start: Duration::MAX, step: Duration::MAX },
    ] {
        let kinds = "[typeof Date.now(), typeof performance.now(), typeof new Date().getTime()]";
        assert_eq!(with_clock(clock).eval(kinds).unwrap().as_str(), r#"["number","number","number"]"#);
    }
}

#[test]
fn a_clock_beyond_what_a_script_can_read_is_not_the_systems() {
    for at in [Duration::MAX, Duration::from_micros(u64::MAX)] {
        let mut jar = with_clock(Clock::Fixed(at));
        let [first, second] = jar.eval("[Date.now(), Date.now()]").unwrap().get::<[f64; 2]>().unwrap();
        assert!(first == second && first > 8.64e15, "{first} {second}");
    }
}

#[test]
fn a_script_cannot_stop_the_clock_of_the_limits() {
    let limits = Limits { cpu_time: Duration::from_millis(30), ..Limits::default() };
    let mut jar =
        runtime().build_instance().clock(Clock::Fixed(Duration::ZERO)).start(&Router::new(), &limits).unwrap();
    assert_eq!(jar.eval("for (;;) Date.now()").unwrap_err().code(), "cpu_limit_exceeded");
}

#[test]
fn the_system_clock_is_the_default_and_monotonic_time_never_goes_back() {
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let script = "let last = performance.now(), ok = last >= 0;
        for (let i = 0; i < 1000; i++) { const now = performance.now(); ok &&= now >= last; last = now }
        [ok, Date.now()]";
    let (ok, now): (bool, u128) = jar().eval(script).unwrap().get().unwrap();
    let after = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert!(ok && (before..=after).contains(&now), "{before} {now} {after}");
}

#[test]
fn the_time_zone_is_utc() {
    let script = "const d = new Date(2024, 2, 10, 2, 30);
        [d.toISOString(), d.getTimezoneOffset(), new Date(2024, 6, 1).getTimezoneOffset(), d.getHours() === d.getUTCHours(),
         Date.parse('2024-03-10T02:30:00') === Date.UTC(2024, 2, 10, 2, 30), /GMT\\+0000/.test(String(d))]";
    assert_eq!(jar().eval(script).unwrap().as_str(), r#"["2024-03-10T02:30:00.000Z",0,0,true,true,true]"#);
}

#[test]
fn the_same_script_uses_the_same_fuel() {
    let fuel = |script: &str| {
        let mut jar = with_clock(Clock::Fixed(Duration::ZERO));
        jar.eval(script).unwrap();
        jar.call_stats().fuel
    };
    for script in ["1 + 2", "let s = ''; for (let i = 0; i < 1000; i++) s += i; s", "[3, 1, 2].sort().map(n => n * 2)"]
    {
        assert_eq!(fuel(script), fuel(script), "{script}");
    }
    assert!(fuel("for (let i = 0; i < 2000; i++);") > fuel("for (let i = 0; i < 1000; i++);"));
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The trace of a run: its output and result, its fuel, and the bytes of every snapshot on the way.
fn trace_of(name: &str, source: &str, seed: u64, clock: Clock) -> String {
    let log = Log::default();
    let router = log
        .console()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle("tick", |_: &Call, _: Value| Reply::pause())
        .handle("fail", |_: &Call, message: String| Err::<(), _>(RpcError::new("failed", message)))
        .handle_async("later", |_: Call, value: Value| async move { Ok(value) });
    let mut jar = runtime().build_instance().seed(seed).clock(clock).start(&router, &Limits::default()).unwrap();
    let snapshot_of = |jar: &mut Instance| {
        jar.snapshot().as_ref().map(Snapshot::to_bytes).map_or_else(|error| error.to_string(), |bytes| digest(&bytes))
    };
    let mut trace = name.to_owned();
    let mut turn = block_on(jar.step_eval_async(Script::new(source).named(name)));
    let ended = loop {
        match turn {
            Ok(Turn::Paused(_)) => {
                write!(trace, " {}", snapshot_of(&mut jar)).unwrap();
                let call = jar.pending()[0].clone();
                turn = block_on(jar.resume_async([(call.id, Answer::Result(call.params))]));
            }
            Ok(Turn::Done(value)) => break Ok(value),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break Err(error),
        }
    };
    let ended = ended.map_or_else(|error| error.to_string(), |value| value.to_string());
    let lines = log.take().join("\n");
    write!(trace, " {} {} {} {ended}", jar.stats().fuel, digest(lines.as_bytes()), snapshot_of(&mut jar)).unwrap();
    trace
}

/// The traces of the whole corpus.
fn traces(seed: u64) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js");
    let mut scripts: Vec<PathBuf> = [root.clone(), root.join("freeze")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .collect();
    scripts.sort();
    let clock = Clock::Stepped { start: Duration::from_secs(1_700_000_000), step: Duration::from_micros(1_500) };
    let trace = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        trace_of(&name, &fs::read_to_string(path).unwrap(), seed, clock.clone())
    };
    scripts.iter().map(trace).collect()
}

/// The variable with the file that another process writes its traces to.
const TRACES: &str = "BELLJAR_TRACES";

#[test]
fn the_same_seed_clock_and_answers_give_the_same_output_fuel_and_snapshots() {
    if let Some(path) = std::env::var_os(TRACES) {
        return fs::write(path, traces(11).join("\n")).unwrap();
    }
    let first = traces(11);
    assert!(first.len() >= 45, "the corpus is gone");
    assert!(first.iter().any(|trace| trace.split(' ').count() > 10), "nothing was paused");
    for (one, other) in first.iter().zip(&traces(11)) {
        assert_eq!(one, other);
    }
    // Another process has different addresses, threads and history.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("traces-{}", std::process::id()));
    let name = "determinism::the_same_seed_clock_and_answers_give_the_same_output_fuel_and_snapshots";
    let child = itself().args(["--exact", name]).env(TRACES, &path).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let elsewhere = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    for (one, other) in first.iter().zip(elsewhere.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(elsewhere.lines().count(), first.len());
}

#[test]
fn a_paused_script_is_the_same_bytes_however_long_it_took() {
    // To the limits, a slow handler is the same as a slow machine.
    let run = |spins: u64| {
        let router = Router::new()
            .handle("work", move |_: &Call, (): ()| Ok((0..spins).fold(0, |sum, n| std::hint::black_box(sum ^ n))))
            .handle("ask", |_: &Call, (): ()| Reply::pause());
        let clock = Clock::Fixed(Duration::from_secs(1));
        let mut jar = runtime().build_instance().seed(1).clock(clock).start(&router, &Limits::default()).unwrap();
        let script = "host.rpcSync('work'); let n = 0; for (let i = 0; i < 1e5; i++) n += i; await host.rpc('ask'); n";
        let Turn::Paused(paused) = block_on(jar.step_eval_async(script)).unwrap() else { panic!("it should pause") };
        paused.snapshot().to_bytes()
    };
    let bytes = run(0);
    for spins in [1, 1000, 1_000_000] {
        assert_eq!(run(spins), bytes);
    }
}

#[test]
fn a_thawed_script_under_a_clock_of_its_own_has_no_fresh_budget() {
    let router = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
    let script = "for (;;) { for (let i = 0; i < 8e4; i++); await host.rpc('ask') }";
    let limit = Duration::from_millis(200);
    for (limits, code) in [
        (Limits { cpu_time: limit, ..Limits::default() }, "cpu_limit_exceeded"),
        (Limits { wall_time: limit, ..Limits::default() }, "wall_limit_exceeded"),
    ] {
        let clock = Clock::Fixed(Duration::ZERO);
        let mut jar = runtime().build_instance().clock(clock).start(&router, &limits).unwrap();
        let mut turn = block_on(jar.step_eval_async(script));
        let (mut fuel, mut rounds) = (jar.call_stats().fuel, 0);
        while let Ok(Turn::Paused(paused)) = turn {
            let snapshot = Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
            jar = runtime().restore(&snapshot, &router, &limits).unwrap();
            let id = jar.pending()[0].id;
            turn = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
            // The call can continue only if its fuel stands for less nominal time than the limit.
            assert!(turn.is_err() || fuel < 2 * 200_000_000, "the budget began anew: {code}");
            fuel += jar.call_stats().fuel;
            rounds += 1;
        }
        assert!(rounds > 1, "{rounds}");
        assert_eq!(turn.unwrap_err().code(), code);
    }
}

#[test]
fn a_trace_shows_another_seed_another_clock_and_another_script() {
    let trace = |source: &str, seed: u64, second: u64| {
        trace_of("one.js", source, seed, Clock::Fixed(Duration::from_secs(second)))
    };
    let source = "const kept = [Math.random(), Date.now()]; await host.rpc('tick'); 1";
    assert_eq!(trace(source, 1, 1), trace(source, 1, 1));
    for other in [trace(source, 2, 1), trace(source, 1, 2), trace(&format!("{source};"), 1, 1)] {
        assert_ne!(other, trace(source, 1, 1));
    }
}
