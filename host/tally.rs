//! Sharded counters of what happened to the instances of a runtime: each thread adds to one shard, which avoids
//! cache-line contention, and a reader sums all shards.
//!
//! It must never know what is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::thread;

/// The number of shards; threads share them by their number.
const SHARDS: usize = 8;

/// The events that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Made,
    Reset,
    Poisoned,
    Refused,
}

/// The number of variants of [`Count`].
const COUNTS: usize = 4;

/// One shard, aligned so that no two shards share a cache line.
#[derive(Default)]
#[repr(align(128))]
struct Shard([AtomicU64; COUNTS]);

#[derive(Default)]
pub(crate) struct Tally([Shard; SHARDS]);

impl Tally {
    pub(crate) fn add(&self, what: Count) {
        let count = self.0.get(thread::number() % SHARDS).and_then(|shard| shard.0.get(what as usize));
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn sum(&self, what: Count) -> u64 {
        self.0.iter().filter_map(|shard| shard.0.get(what as usize)).map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_threads_count_is_added_up() {
        let tally = Tally::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..1000).for_each(|_| tally.add(Count::Made)));
            }
        });
        assert_eq!((tally.sum(Count::Made), tally.sum(Count::Reset)), (3000, 0));
    }
}
