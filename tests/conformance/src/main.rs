//! Runs test262 natively and in a jar, and compares the results with each other and with the baseline:
//! `belljar-conformance DIR`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command, and this is the file that prints")]

mod case;
mod engine;
mod report;
mod verdict;

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use belljar::Runtime;

use crate::case::Case;
use crate::report::{Outcome, Report};

const USAGE: &str = "\
usage: belljar-conformance DIR [options]

  DIR             a checkout of test262
  --only PATH     run what lies under this path of DIR/test; may be given more than once (default: language, built-ins, harness, annexB)
  --every N       run one file of N
  --threads N     use so many threads (default: one for each processor)
  --json FILE     write the report as JSON
  --bless         write the baseline instead of comparing with it";

/// Native QuickJS recurses deeply on the thread's stack.
const STACK_BYTES: usize = 16 << 20;

struct Options {
    folder: PathBuf,
    only: Vec<String>,
    every: usize,
    threads: usize,
    json: Option<PathBuf>,
    is_blessing: bool,
}

impl Options {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            folder: PathBuf::new(),
            only: Vec::new(),
            every: 1,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            json: None,
            is_blessing: false,
        };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--only" => options.only.push(value()?),
                "--every" => options.every = value()?.parse().context("--every takes a number")?,
                "--threads" => options.threads = value()?.parse().context("--threads takes a number")?,
                "--json" => options.json = Some(value()?.into()),
                "--bless" => options.is_blessing = true,
                flag if flag.starts_with('-') => bail!("unknown option {flag}\n{USAGE}"),
                folder if options.folder.as_os_str().is_empty() => options.folder = folder.into(),
                _ => bail!("more than one folder\n{USAGE}"),
            }
        }
        if !options.folder.join("harness/assert.js").is_file() {
            bail!("{:?} is no checkout of test262\n{USAGE}", options.folder);
        }
        if options.only.is_empty() {
            options.only = ["language", "built-ins", "harness", "annexB"].map(str::to_owned).to_vec();
        }
        if options.every == 0 || options.threads == 0 {
            bail!("a number of zero makes no sense\n{USAGE}");
        }
        Ok(options)
    }
}

/// Every test under a folder; files with `_FIXTURE` in their names are parts of other tests.
fn tests(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if folder.is_file() {
        found.push(folder.into());
        return Ok(());
    }
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            tests(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "js")
            && !path.to_string_lossy().contains("_FIXTURE")
        {
            found.push(path);
        }
    }
    Ok(())
}

/// The scripts that tests include, by name.
fn harness(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = Vec::new();
    let folder = folder.join("harness");
    tests(&folder, &mut files)?;
    let mut harness = BTreeMap::new();
    for file in files {
        let name = file.strip_prefix(&folder)?.to_string_lossy().into_owned();
        harness.insert(name, fs::read_to_string(&file)?);
    }
    Ok(harness)
}

fn run_file(runtime: &Runtime, harness: &BTreeMap<String, String>, path: &str, source: &str, report: &Mutex<Report>) {
    let case = Case::read(source);
    let lock = || report.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = case.skipped(source) {
        lock().skipped.push((path.into(), why));
        return;
    }
    let mut includes: Vec<&str> = Vec::new();
    if !case.has("raw") {
        includes.extend(["assert.js", "sta.js"]);
        includes.extend(case.has("async").then_some("doneprintHandle.js"));
        includes.extend(case.includes.iter().map(String::as_str));
    }
    let scripts: Vec<&str> = includes.iter().filter_map(|name| harness.get(*name).map(String::as_str)).collect();
    for &mode in case.modes() {
        let source = verdict::source_in(mode, &case, source);
        let scripts: Vec<&str> = scripts.iter().copied().chain([source.as_str()]).collect();
        let native = verdict::of(&case, &engine::in_native(&scripts));
        let jar = verdict::of(&case, &engine::in_jar(runtime, &scripts));
        lock().outcomes.push(Outcome { path: path.into(), mode, native, jar });
    }
}

/// Shows the progress if standard error is a terminal.
fn draw(done: usize, all: usize) {
    let mut screen = std::io::stderr();
    if screen.is_terminal() && (done.is_multiple_of(50) || done == all) {
        let filled = done * 40 / all.max(1);
        let end = if done == all { "\n" } else { "" };
        let _ = write!(screen, "\r[{}{}] {done}/{all}{end}", "#".repeat(filled), ".".repeat(40 - filled));
        let _ = screen.flush();
    }
}

fn run_all(options: &Options) -> Result<Report> {
    let root = options.folder.join("test");
    let mut files = Vec::new();
    for only in &options.only {
        tests(&root.join(only), &mut files)?;
    }
    files.sort();
    files.dedup();
    let files: Vec<_> = files.into_iter().step_by(options.every).collect();
    let harness = harness(&options.folder)?;
    let runtime = Runtime::builder().max_instances(u32::try_from(options.threads)?).build()?;
    let (next, done, report) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Report::default()));
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..options.threads {
            let work = || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let path = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
                    match fs::read_to_string(file) {
                        Ok(source) => run_file(&runtime, &harness, &path, &source, &report),
                        Err(error) => {
                            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                            report.skipped.push((path, format!("unreadable: {error}")));
                        }
                    }
                    draw(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
                }
            };
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work)?;
        }
        Ok(())
    })?;
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.sort();
    Ok(report)
}

fn run() -> Result<ExitCode> {
    let options = Options::read(std::env::args().skip(1))?;
    let report = run_all(&options)?;
    print!("{}", report.table());
    let differences = report.differences();
    for (reason, outcomes) in &differences {
        println!("\n{} differences between native and jar: {}", outcomes.len(), reason.unwrap_or("nobody knows why"));
        for outcome in outcomes.iter().filter(|_| reason.is_none()) {
            let (native, jar) = (said(&outcome.native), said(&outcome.jar));
            println!("  {} {}\n    native: {native}\n    jar: {jar}", outcome.mode, outcome.path);
        }
    }
    if let Some(path) = &options.json {
        fs::write(path, serde_json::to_string_pretty(&report.json())?)?;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.txt");
    if options.is_blessing {
        fs::write(path, report.baseline())?;
        return Ok(ExitCode::SUCCESS);
    }
    let change = report.against(&fs::read_to_string(&path).unwrap_or_default());
    for line in &change.new {
        println!("new: {line}");
    }
    for line in &change.gone {
        println!("gone: {line}");
    }
    println!("{} failures that the baseline does not know, {} of it are gone", change.new.len(), change.gone.len());
    let is_known = change.new.is_empty() && change.gone.is_empty() && !differences.contains_key(&None);
    Ok(if is_known { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn said(verdict: &verdict::Verdict) -> &str {
    verdict.as_deref().unwrap_or("passed")
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::from(2)
    })
}
