//! A number for each thread, by which sharded structures assign threads to shards.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of this thread, in the order in which threads first asked for one.
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
