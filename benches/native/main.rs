//! What belljar costs, beside native rquickjs in the same process: `make bench`.
//!
//! The two sides of a row take turns, round by round, so that whatever else the machine is doing slows both. A figure
//! is the median of its rounds, and a ratio the median of the rounds' ratios: on a shared machine a ratio
//! can be repeated where an absolute figure cannot.
//!
//! `cargo bench --bench native -- [FILTER] [--json PATH] [--criterion]`. With `--criterion` each side of each row is handed to
//! criterion instead, for its statistics and its comparison with the run before; criterion cannot take turns, so it gives no ratios.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on should stop there")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it found")]

mod report;
mod rows;

use std::time::{Duration, Instant};

use report::{Figure, Goal, Row};

/// How often the two sides take turns. Odd, so that a median is one of the figures.
const ROUNDS: usize = 41;
/// How long one side runs in one round: long beside a clock reading, and short beside the time that a scheduler gives to
/// one process on a shared machine, so that most rounds are not disturbed at all.
const TURN: Duration = Duration::from_millis(4);

/// One side of a row: does its work so many times, and says how long the part that counts took. The shape is criterion's `iter_custom`.
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
        let (mine, theirs) = (calibrate(belljar), calibrate(other));
        let rounds = (0..ROUNDS).map(|round| {
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
        let runs = calibrate(belljar);
        let figure = median((0..ROUNDS).map(|_| per_run(belljar, runs)));
        self.rows.push(Row { name: name.into(), belljar: Figure::Micros(figure), other: None, ratio: None, goal });
    }

    /// Takes a row that was not measured in time.
    fn row(&mut self, row: Row) {
        if self.criterion.is_none() && row.name.contains(&self.filter) {
            self.rows.push(row);
        }
    }
}

/// How many runs make up a turn. Finding out warms the side up, too.
fn calibrate(side: Side<'_>) -> u64 {
    let mut runs = 1;
    while side(runs) < TURN / 2 && runs < 1 << 20 {
        runs *= 2;
    }
    runs
}

/// Microseconds of one run.
fn per_run(side: Side<'_>, runs: u64) -> f64 {
    side(runs).as_secs_f64() * 1e6 / runs as f64
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
            "--criterion" => criterion = Some(criterion::Criterion::default()),
            other if other.starts_with('-') => panic!("{other} is not an option; --json PATH and --criterion are"),
            other => filter = other.to_owned(),
        }
    }
    let mut bench = Bench { filter, criterion, rows: Vec::new() };
    rows::measure(&mut bench);
    match &mut bench.criterion {
        Some(criterion) => criterion.final_summary(),
        None => report::print(&bench.rows, json.as_ref()),
    }
}
