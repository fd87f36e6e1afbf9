//! What belljar costs, beside native rquickjs in the same process: `make bench`.
//!
//! The two sides of a row take turns, round by round, so that whatever else the machine is doing slows both. A figure
//! is the median of its rounds, and a ratio the median of the rounds' ratios: on a shared machine a ratio can be
//! repeated where an absolute figure cannot. A turn that the scheduler cut into is repeated.
//!
//! `cargo bench --bench native -- [FILTER] [--json PATH] [--criterion]`. With `--criterion` each side of each row is
//! handed to criterion instead, for its statistics and its comparison with the run before; criterion cannot take
//! turns, so it gives no ratios.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on should stop there")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it found")]

mod machine;
mod report;
mod rows;
mod scripts;

use std::time::{Duration, Instant};

use report::{Figure, Goal, Row};

/// How often the two sides take turns. Odd, so that a median is one of the figures.
const ROUNDS: usize = 41;
/// How often, when one run takes longer than [`LONG`].
const FEWER_ROUNDS: usize = 11;
const LONG: Duration = Duration::from_millis(10);
/// How long one side waits for a turn that is not cut into.
const PATIENCE: Duration = Duration::from_millis(40);
/// How long one side runs in one round: long beside a clock reading, and short beside the time that a scheduler gives
/// to one process on a shared machine, so that most rounds are not disturbed at all.
const TURN: Duration = Duration::from_millis(4);

/// One side of a row: does its work so many times, and says how long the part that counts took. The shape is
/// criterion's `iter_custom`.
type Side<'a> = &'a mut dyn FnMut(u64) -> Duration;

/// Takes measurements and keeps the rows.
struct Bench {
    filter: String,
    criterion: Option<criterion::Criterion>,
    rows: Vec<Row>,
}

impl Bench {
    /// Whether anything of this group was asked for, so that a group does not prepare what nobody wants.
    fn wants(&self, group: &str) -> bool {
        self.filter.is_empty() || self.filter.starts_with(group) || group.contains(&self.filter)
    }

    /// Measures belljar beside something else, and gives the ratio of the two.
    fn pair(
        &mut self,
        name: &str,
        goal: Goal,
        beside: &'static str,
        belljar: Side<'_>,
        other: Side<'_>,
    ) -> Option<f64> {
        if !name.contains(&self.filter) {
            return None;
        }
        if let Some(criterion) = &mut self.criterion {
            let mut group = criterion.benchmark_group(name);
            group.bench_function("belljar", |bencher| bencher.iter_custom(&mut *belljar));
            group.bench_function(beside, |bencher| bencher.iter_custom(&mut *other));
            group.finish();
            return None;
        }
        eprintln!("{name}");
        let ((mine, once), (theirs, once_there)) = (calibrate(belljar), calibrate(other));
        let rounds = (0..rounds(once.max(once_there))).map(|round| {
            // Who goes first changes from round to round, so that neither always runs in the other's wake.
            if round % 2 == 0 {
                let first = per_run(belljar, mine);
                (first, per_run(other, theirs))
            } else {
                let first = per_run(other, theirs);
                (per_run(belljar, mine), first)
            }
        });
        let rounds: Vec<(f64, f64)> = rounds.collect();
        let ratio = median(rounds.iter().map(|(belljar, other)| belljar / other));
        self.rows.push(Row {
            name: name.into(),
            belljar: Figure::Micros(median(rounds.iter().map(|round| round.0))),
            other: Some((beside, Figure::Micros(median(rounds.iter().map(|round| round.1))))),
            ratio: Some(ratio),
            goal,
        });
        Some(ratio)
    }

    /// Measures belljar where there is nothing to put beside it.
    fn alone(&mut self, name: &str, goal: Goal, belljar: Side<'_>) {
        if !name.contains(&self.filter) {
            return;
        }
        if let Some(criterion) = &mut self.criterion {
            criterion.bench_function(name, |bencher| bencher.iter_custom(&mut *belljar));
            return;
        }
        eprintln!("{name}");
        let (runs, once) = calibrate(belljar);
        let figure = median((0..rounds(once)).map(|_| per_run(belljar, runs)));
        self.rows.push(Row { name: name.into(), belljar: Figure::Micros(figure), other: None, ratio: None, goal });
    }

    /// Takes a row that was not measured in time.
    fn row(&mut self, row: Row) {
        if self.criterion.is_none() && row.name.contains(&self.filter) {
            self.rows.push(row);
        }
    }
}

/// How many runs make up a turn, and how long one of them takes. Finding out warms the side up, too.
fn calibrate(side: Side<'_>) -> (u64, Duration) {
    let mut runs = 1;
    loop {
        let took = side(runs);
        if took >= TURN / 2 || runs >= 1 << 20 {
            return (runs, took / runs as u32);
        }
        runs *= 2;
    }
}

fn rounds(once: Duration) -> usize {
    if once > LONG { FEWER_ROUNDS } else { ROUNDS }
}

/// Microseconds of one run, from a turn that nobody cut into: the scheduler says whether it took the processor away
/// meanwhile. Where it always does, the shortest of a few turns.
fn per_run(side: Side<'_>, runs: u64) -> f64 {
    let (start, mut shortest) = (Instant::now(), Duration::MAX);
    loop {
        let before = interruptions();
        shortest = shortest.min(side(runs));
        if interruptions() == before || start.elapsed() > PATIENCE {
            return shortest.as_secs_f64() * 1e6 / runs as f64;
        }
    }
}

/// How often the scheduler has taken the processor from this thread, where the system says so.
fn interruptions() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))?.trim().parse().ok()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Times a number of runs of the same thing.
fn timed(runs: u64, mut run: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..runs {
        run();
    }
    start.elapsed()
}

fn main() {
    let (mut filter, mut json, mut criterion) = (String::new(), String::from("target/bench.json"), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo says so to every bench.
            "--bench" => {}
            "--json" => json = arguments.next().expect("--json takes a path"),
            // What `rows/outside.rs` runs this program for.
            "--hold" => return rows::outside::hold(arguments),
            "--evaluate" => return rows::outside::evaluate(&arguments.next().expect("--evaluate takes a script")),
            "--criterion" => criterion = Some(criterion::Criterion::default()),
            other if other.starts_with('-') => panic!("{other} is not an option; --json PATH and --criterion are"),
            other => filter = other.to_owned(),
        }
    }
    let mut bench = Bench { filter, criterion, rows: Vec::new() };
    let machine = machine::description();
    rows::measure(&mut bench);
    match &mut bench.criterion {
        Some(criterion) => criterion.final_summary(),
        None => report::print(&bench.rows, &machine, json.as_ref()),
    }
}
