//! Times of many rounds, and memory: taken, ordered, summed up.
//!
//! It must never know what is measured.

use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

/// How many bars a histogram has.
const BARS: usize = 16;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What many rounds of one thing took.
#[derive(Clone, Default)]
pub(crate) struct Times {
    nanos: Vec<u64>,
}

/// The times in a few numbers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    rounds: usize,
    pub(crate) median_ns: u64,
    pub(crate) p99_ns: u64,
    min_ns: u64,
    max_ns: u64,
    /// How many times lie in each of sixteen steps from the shortest time to the 99th percentile, on a logarithmic
    /// scale. Longer times are in the last step.
    histogram: [usize; BARS],
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.nanos.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Times something, and gives what it made.
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let from = Instant::now();
        let made = work();
        self.add(from.elapsed());
        made
    }

    /// Without the first few, which warmed the caches.
    pub(crate) fn after(&self, first: usize) -> Times {
        Times { nanos: self.nanos.get(first..).unwrap_or_default().to_vec() }
    }

    /// None when nothing was timed.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let mut nanos = self.nanos.clone();
        nanos.sort_unstable();
        let (min, max) = (*nanos.first()?, *nanos.last()?);
        let at = |part: usize| nanos.get(((nanos.len() - 1) * part).div_ceil(100)).copied().unwrap_or(max);
        let p99 = at(99);
        let least = min.max(1) as f64;
        let step = (p99.max(1) as f64 / least).ln() / BARS as f64;
        let mut histogram = [0; BARS];
        for time in &nanos {
            let steps = (*time as f64 / least).ln() / step;
            // When all times are equal, the step is zero, and there is one bar.
            let bar = if steps.is_finite() { (steps as usize).min(BARS - 1) } else { 0 };
            if let Some(count) = histogram.get_mut(bar) {
                *count += 1;
            }
        }
        Some(Summary { rounds: nanos.len(), median_ns: at(50), p99_ns: p99, min_ns: min, max_ns: max, histogram })
    }
}

impl Summary {
    /// The histogram as a line of bars. A step that is not empty has a visible bar.
    pub(crate) fn bars(&self) -> String {
        let most = self.histogram.iter().copied().max().unwrap_or(0).max(1);
        self.histogram
            .iter()
            .map(|&count| match count {
                0 => ' ',
                count => HEIGHTS.get(count * (HEIGHTS.len() - 1) / most).copied().unwrap_or(' '),
            })
            .collect()
    }
}

/// A time for people, to three digits.
pub(crate) fn duration(nanos: u64) -> String {
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (nanos as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// The private memory of this process, in bytes. None where the system does not tell.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(&status, "RssAnon:").map(|kilobytes| kilobytes << 10)
}

fn kilobytes(status: &str, field: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix("kB")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{Times, duration};
    use std::time::Duration;

    #[test]
    fn a_summary_has_the_middle_and_the_end_of_the_times() {
        let mut times = Times::default();
        assert!(times.summary().is_none());
        for nanos in (1..=100).rev() {
            times.add(Duration::from_nanos(nanos));
        }
        times.add(Duration::from_nanos(1_000_000));
        let summary = times.summary().unwrap_or_else(|| unreachable!());
        assert_eq!((summary.median_ns, summary.p99_ns, summary.max_ns), (51, 100, 1_000_000));
        assert_eq!(summary.histogram.iter().sum::<usize>(), 101);
        assert_eq!(summary.bars().chars().count(), 16);
    }

    #[test]
    fn equal_times_are_one_bar() {
        let mut times = Times::default();
        times.add(Duration::from_nanos(5));
        times.add(Duration::from_nanos(5));
        assert_eq!(times.after(1).summary().map(|summary| summary.rounds), Some(1));
        assert_eq!(times.summary().map(|summary| summary.bars()), Some("█               ".into()));
    }

    #[test]
    fn a_time_has_three_digits_and_a_unit() {
        let shown = [7, 1_234, 12_345, 123_456, 1_500_000, 2_000_000_000].map(duration);
        assert_eq!(shown, ["7 ns", "1.23 us", "12.3 us", "123 us", "1.50 ms", "2.00 s"]);
    }
}
