//! Measures the same jobs in belljar, in native QuickJS and in sandboxes of other languages: `make bench-peers`.
//!
//! Each sandbox runs in a separate process (`worker.mjs`, `worker.py`, and this bench itself for the two in Rust).
//! The process takes a job and reports the time by its own clock, so no figure includes communication between
//! processes. The sandboxes take turns, round by round, and a figure is the median of its rounds.
//!
//! `cargo bench --bench peers -- [--json PATH] [--page PATH]`, after `benches/peers/install`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on should stop there")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it found")]

#[path = "../native/machine.rs"]
mod machine;
#[path = "../native/scripts.rs"]
mod scripts;
mod sides;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use scripts::{CPU, SMALL};

/// Rounds of the sandboxes. Odd, so that the median is one of the figures.
const ROUNDS: usize = 9;
/// The length of a turn, in microseconds.
const TURN: f64 = 15_000.0;
/// How often a computing script repeats its work in one run.
const TIMES: usize = 20;
/// Number of instances that are kept to measure the memory of one.
const KEPT: u64 = 40;

/// A job, and the title of its row.
struct Job {
    name: String,
    unit: &'static str,
    kind: &'static str,
    script: String,
}

/// A sandbox, and how its process is started.
struct Sandbox {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
}

impl Sandbox {
    fn command(&self, once: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(once);
        command
    }

    fn start(&self) -> Result<Worker, String> {
        let mut command = self.command(&[]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut worker = Worker { process, answers, version: String::new() };
        let hello = worker.answer()?;
        worker.version = hello["version"].as_str().unwrap_or_default().into();
        Ok(worker)
    }
}

/// A running process of a sandbox.
struct Worker {
    process: Child,
    answers: BufReader<ChildStdout>,
    version: String,
}

impl Worker {
    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|_| String::from("its process ended"))
    }

    fn run(&mut self, job: &Job, runs: u64) -> Result<f64, String> {
        let line = json!({ "job": job.kind, "script": job.script, "runs": runs });
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").map_err(|error| error.to_string())?;
        let answer = self.answer()?;
        answer["figure"].as_f64().ok_or_else(|| answer["error"].as_str().unwrap_or("no figure").to_owned())
    }

    /// The number of runs in a turn.
    fn calibrate(&mut self, job: &Job) -> Result<u64, String> {
        let mut runs = 1;
        while runs < 1 << 16 && self.run(job, runs)? < TURN / 2.0 {
            runs *= 2;
        }
        // Repeated, because a just-in-time compiler makes later runs faster.
        while runs < 1 << 16 && self.run(job, runs)? < TURN / 2.0 {
            runs *= 2;
        }
        Ok(runs)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn jobs() -> Vec<Job> {
    let job = |name: &str, unit, kind, script: &str| Job { name: name.into(), unit, kind, script: script.into() };
    let mut jobs = vec![
        job("fresh instance, 1+2, end", "us", "cold_start", ""),
        job("warm eval of 1+2", "us", "eval", "1+2"),
        job("sync host call, JSON each way", "us", "rpc", &format!("host.rpcSync('same', {SMALL})")),
        job("dispatch, JSON each way", "us", "dispatch", ""),
    ];
    let set = CPU.iter().filter(|(_, in_goal, _)| *in_goal);
    // Repeated often enough for a just-in-time compiler to take effect.
    let often = |script: &str| format!("for (let again = 0; again < {TIMES}; again++) {script}");
    jobs.extend(set.map(|(name, _, script)| job(&format!("{name}, {TIMES} times"), "us", "eval", &often(script))));
    jobs.push(job("idle instance after an eval", "KB", "memory", ""));
    jobs.push(job("whole process for 1+2", "ms", "process", ""));
    jobs
}

fn sandboxes(target: &Path) -> Vec<Sandbox> {
    let peers = target.join("peers");
    let this = std::env::current_exe().unwrap();
    let here = |name: &'static str| Sandbox {
        name,
        program: this.clone(),
        arguments: vec![String::from("--worker"), name.into()],
    };
    let node = |name: &'static str| Sandbox {
        name,
        program: peers.join("node_modules/node/bin/node"),
        // isolated-vm requires the first; the second allows a garbage collection before memory is measured.
        arguments: ["--no-node-snapshot", "--expose-gc", &peers.join("worker.mjs").to_string_lossy(), name]
            .map(String::from)
            .into(),
    };
    let python = |name: &'static str| Sandbox {
        name,
        program: peers.join("python/bin/python"),
        arguments: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/peers/worker.py").into(), name.into()],
    };
    vec![
        here("belljar"),
        here("native"),
        node("quickjs-wasi"),
        node("quickjs-emscripten"),
        node("quickjs-emscripten, own module"),
        node("isolated-vm"),
        python("quickjs-rs"),
        python("jsrun"),
    ]
}

/// The time of a whole process, in milliseconds. Belljar's is its command, if that is built.
fn process(sandbox: &Sandbox, target: &Path) -> Result<f64, String> {
    let command = target.join("release").join(format!("belljar{}", std::env::consts::EXE_SUFFIX));
    let mut process = sandbox.command(&["once"]);
    if sandbox.name == "belljar" {
        process = Command::new(command);
        process.args(["-p", "1+2"]);
    }
    let begun = Instant::now();
    let output = process.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let took = begun.elapsed();
    if output.stdout != b"3\n" {
        return Err(String::from("it did not print 3"));
    }
    Ok(took.as_secs_f64() * 1e3)
}

/// The figures of one job, by sandbox; a sandbox that cannot do it has the reason instead.
type Figures = BTreeMap<&'static str, Result<f64, String>>;

fn measure(job: &Job, sandboxes: &[Sandbox], workers: &mut BTreeMap<&'static str, Worker>, target: &Path) -> Figures {
    let present = |sandbox: &&Sandbox| workers.contains_key(sandbox.name);
    let present: Vec<&Sandbox> = sandboxes.iter().filter(present).collect();
    if job.kind == "memory" {
        // In a new process, without memory from earlier jobs.
        let held = |sandbox: &&Sandbox| Ok(sandbox.start()?.run(job, KEPT)? / KEPT as f64);
        return present.iter().map(|sandbox| (sandbox.name, held(sandbox))).collect();
    }
    let runs: BTreeMap<_, _> = present
        .iter()
        .map(|sandbox| {
            let of_a_process = job.kind == "process";
            let runs = if of_a_process { Ok(1) } else { workers.get_mut(sandbox.name).unwrap().calibrate(job) };
            (sandbox.name, runs)
        })
        .collect();
    let mut rounds: BTreeMap<&'static str, Result<Vec<f64>, String>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for sandbox in &present {
            let figure = runs[sandbox.name].clone().and_then(|runs| match job.kind {
                "process" => process(sandbox, target),
                _ => Ok(workers.get_mut(sandbox.name).unwrap().run(job, runs)? / runs as f64),
            });
            let all = rounds.entry(sandbox.name).or_insert_with(|| Ok(Vec::new()));
            match (all.as_mut(), figure) {
                (Ok(all), Ok(figure)) => all.push(figure),
                (Ok(_), Err(error)) => *all = Err(error),
                (Err(_), _) => {}
            }
        }
    }
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    rounds.into_iter().map(|(name, all)| (name, all.map(median))).collect()
}

/// The last line of output of a package's failed installation.
fn why_missing(name: &str, target: &Path) -> Option<String> {
    let package = name.split(',').next()?;
    let failed = target.join("peers/failed");
    let of = |name: &str| std::fs::read_to_string(failed.join(name)).ok();
    let said = of(package).or_else(|| of("node")).or_else(|| of("python"))?;
    Some(said.lines().rfind(|line| !line.trim().is_empty())?.trim().to_owned())
}

fn text(figure: f64) -> String {
    let digits = if figure < 10.0 { 2 } else { usize::from(figure < 1000.0) };
    format!("{figure:.digits$}")
}

fn page(machine: &str, sandboxes: &[Sandbox], notes: &[String], rows: &[(Job, Figures)]) -> String {
    let mut page = format!("| |{}\n|---|", sandboxes.iter().map(|it| format!(" {} |", it.name)).collect::<String>());
    page += &"---|".repeat(sandboxes.len());
    for (job, figures) in rows {
        write!(page, "\n| {} ({}) |", job.name, job.unit).unwrap();
        for sandbox in sandboxes {
            let figure = figures.get(sandbox.name).and_then(|figure| figure.as_ref().ok());
            write!(page, " {} |", figure.map_or("-".into(), |figure| text(*figure))).unwrap();
        }
    }
    write!(page, "\n\nMeasured on {machine}.\n").unwrap();
    notes.iter().for_each(|note| write!(page, "\n- {note}").unwrap());
    page + "\n"
}

fn bar(done: usize, total: usize) {
    if std::io::stderr().is_terminal() {
        let end = if done == total { "\n" } else { "" };
        eprint!("\r[{:<40}] {done}/{total}{end}", "#".repeat(40 * done / total));
    }
}

fn main() {
    let (mut json_path, mut page_path) = (PathBuf::from("target/peers.json"), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo passes this to every bench.
            "--bench" => {}
            "--json" => json_path = arguments.next().expect("--json takes a path").into(),
            "--page" => page_path = arguments.next(),
            "--worker" => return sides::work(&arguments.next().unwrap(), arguments.next().is_some()),
            other => panic!("{other} is not an option; --json PATH and --page PATH are"),
        }
    }
    // The bench is in target/release/deps.
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let sandboxes = sandboxes(&target);
    let machine = machine::description();
    let (mut workers, mut notes) = (BTreeMap::new(), Vec::new());
    for sandbox in &sandboxes {
        match sandbox.start() {
            Ok(worker) => {
                notes.push(worker.version.clone());
                workers.insert(sandbox.name, worker);
            }
            Err(error) => {
                let reason = why_missing(sandbox.name, &target).unwrap_or(error);
                notes.push(format!("{}: not measured: {reason}", sandbox.name));
            }
        }
    }
    notes.dedup();
    let jobs = jobs();
    let total = jobs.len();
    let mut rows = Vec::new();
    for (done, job) in jobs.into_iter().enumerate() {
        bar(done, total);
        let figures = measure(&job, &sandboxes, &mut workers, &target);
        let failed = figures.iter().filter_map(|(name, figure)| Some((name, figure.as_ref().err()?)));
        notes.extend(failed.map(|(name, error)| format!("{name}, {}: {error}", job.name)));
        rows.push((job, figures));
    }
    bar(total, total);
    let page = page(&machine, &sandboxes, &notes, &rows);
    print!("{page}");
    let jobs: Vec<Value> = rows
        .iter()
        .map(|(job, figures)| {
            let figures: BTreeMap<_, _> = figures.iter().map(|(name, figure)| (name, figure.as_ref().ok())).collect();
            json!({ "name": job.name, "unit": job.unit, "figures": figures })
        })
        .collect();
    let all = json!({ "machine": machine, "notes": notes, "jobs": jobs });
    std::fs::write(&json_path, serde_json::to_string_pretty(&all).unwrap() + "\n").expect("the JSON can be written");
    if let Some(path) = page_path {
        let old = std::fs::read_to_string(&path).expect("the page can be read");
        let head = old.split_once("<!-- table -->").expect("the page says where the table begins").0;
        std::fs::write(&path, format!("{head}<!-- table -->\n{page}")).expect("the page can be written");
    }
    println!("\nwritten to {}", json_path.display());
}
