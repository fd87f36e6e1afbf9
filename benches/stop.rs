//! How long it takes to stop a script: every bomb of `tests/bombs` that burns processor time, as a multiple of its
//! limit.
//!
//! The time is the thread's CPU time, if the system reports it, as it is for the limit: elapsed time would include
//! other load on the machine.
//!
//! `cargo bench --bench stop -- [--json PATH] [ROUNDS]`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "this is a bench: it prints, and stops where it cannot go on"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use belljar::{Call, Limits, Router, RpcError, Runtime, Status, Value};

/// Long compared to a few slices, and short enough for many rounds.
const LIMIT: Duration = Duration::from_millis(20);

struct Row {
    name: String,
    /// Multiples of the limit, sorted.
    times: Vec<f64>,
    poisoned: usize,
}

/// The CPU time of this thread; on systems other than Unix, the elapsed time.
fn clock() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
    }
    #[cfg(not(unix))]
    std::time::UNIX_EPOCH.elapsed().unwrap()
}

/// The quantile of a sorted list.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).ceil() as usize).copied().unwrap_or_default()
}

fn main() {
    let (mut rounds, mut json) = (20_usize, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo passes this to every bench.
            "--bench" => {}
            "--json" => json = arguments.next(),
            other => rounds = other.parse().unwrap(),
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/bombs");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let runtime = Runtime::builder().max_instances(1).build().unwrap();
    let router = Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle_async("never", |_: Call, _: Value| std::future::pending::<Result<(), RpcError>>())
        .on_console(|_, _, _| ());
    let limits = Limits {
        cpu_time: LIMIT,
        js_heap_bytes: 16 << 20,
        memory_bytes: 32 << 20,
        stack_bytes: 256 << 10,
        ..Limits::default()
    };
    let mut rows = Vec::new();
    for path in paths {
        let source = fs::read_to_string(&path).unwrap();
        let mut row =
            Row { name: path.file_stem().unwrap().to_string_lossy().into_owned(), times: Vec::new(), poisoned: 0 };
        for _ in 0..rounds {
            let mut jar = runtime.instance(&router, &limits).unwrap();
            let begun = clock();
            let ended = jar.eval(&source);
            let took = clock().saturating_sub(begun);
            if ended.is_err_and(|error| error.code() == "cpu_limit_exceeded") {
                row.times.push(took.as_secs_f64() / LIMIT.as_secs_f64());
                row.poisoned += usize::from(jar.status() == Status::Poisoned);
            }
        }
        row.times.sort_by(f64::total_cmp);
        if !row.times.is_empty() {
            eprintln!("{}", row.name);
            rows.push(row);
        }
    }
    rows.sort_by(|one, other| quantile(&other.times, 0.99).total_cmp(&quantile(&one.times, 0.99)));
    println!("| bomb | stopped | hard | median | p99 | most |");
    println!("|---|---|---|---|---|---|");
    let mut all: Vec<f64> = rows.iter().flat_map(|row| row.times.iter().copied()).collect();
    all.sort_by(f64::total_cmp);
    let poisoned = rows.iter().map(|row| row.poisoned).sum();
    let total = Row { name: "**all**".into(), times: all, poisoned };
    for row in rows.iter().take(10).chain([&total]) {
        let [median, p99, most] = [0.5, 0.99, 1.0].map(|share| quantile(&row.times, share));
        println!("| {} | {} | {} | {median:.2} | {p99:.2} | {most:.2} |", row.name, row.times.len(), row.poisoned);
    }
    println!(
        "\n{} bombs, {rounds} rounds each, a limit of {} ms; times are multiples of it.",
        rows.len(),
        LIMIT.as_millis()
    );
    if let Some(path) = json {
        let rows: Vec<_> = rows.iter().chain([&total]).map(|row| serde_json::json!({
            "bomb": row.name, "stopped": row.times.len(), "hard": row.poisoned,
            "median": quantile(&row.times, 0.5), "p99": quantile(&row.times, 0.99), "most": quantile(&row.times, 1.0),
        })).collect();
        fs::write(path, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    }
}
