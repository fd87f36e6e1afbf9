//! Measures belljar against native rquickjs in the same process: `make bench`.
//!
//! The two sides of a row take turns, round by round, so that other load on the machine slows both. A figure is the
//! median of its rounds, and a ratio is the median of the rounds' ratios: on a shared machine ratios are reproducible
//! where absolute figures are not. A turn that the scheduler interrupted is repeated.
//!
//! `cargo bench --bench native -- [FILTER] [--json PATH] [--criterion]`. With `--criterion`, criterion measures each
//! side of each row instead, for its statistics and its comparison with the previous run. Criterion cannot take
//! turns, so it gives no ratios.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on should stop there")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it found")]

mod machine;
mod report;
mod rows;
mod scripts;

use std::time::{Duration, Instant};

use report::{Figure, Goal, Row};

/// Rounds of the two sides. Odd, so that the median is one of the figures.
const ROUNDS: usize = 41;
/// Rounds when one run takes longer than [`LONG`].
const FEWER_ROUNDS: usize = 11;
const LONG: Duration = Duration::from_millis(10);
/// How long one side retries for a turn without interruption.
const PATIENCE: Duration = Duration::from_millis(40);
/// The length of a turn: long compared to a clock reading, and short compared to a scheduler's time slice, so that
/// most turns are not interrupted.
const TURN: Duration = Duration::from_millis(4);

/// One side of a row: runs its work this many times, and returns the time of the part that counts. The shape is that
/// of criterion's `iter_custom`.
type Side<'a> = &'a mut dyn FnMut(u64) -> Duration;

/// Measures, and collects the rows.
struct Bench {
    filter: String,
    criterion: Option<criterion::Criterion>,
    rows: Vec<Row>,
}

impl Bench {
    /// Whether the filter selects anything of this group, so that a group prepares nothing unnecessarily.
    fn wants(&self, group: &str) -> bool {
        self.filter.is_empty() || self.filter.starts_with(group) || group.contains(&self.filter)
    }

    /// Measures belljar against another side, and returns the ratio.
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
            // The order alternates, so that neither side always runs second.
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

    /// Measures belljar without another side.
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

    /// Adds a row that is not a time.
    fn row(&mut self, row: Row) {
        if self.criterion.is_none() && row.name.contains(&self.filter) {
            self.rows.push(row);
        }
    }
}

/// The number of runs in a turn, and the time of one run. This also warms up the side.
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

/// Microseconds of one run, from a turn without interruption: the scheduler reports whether it descheduled the
/// thread. If every turn is interrupted, the shortest of a few turns.
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

/// Involuntary context switches of this thread, if the system reports them.
fn interruptions() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))?.trim().parse().ok()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Measures the time of this many runs.
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
            // Cargo passes this to every bench.
            "--bench" => {}
            "--json" => json = arguments.next().expect("--json takes a path"),
            // `rows/outside.rs` runs this program with this argument.
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
