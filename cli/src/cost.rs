//! What calls have cost, as a table for people. As JSON, the figures have the shape that the library gives them.

use std::time::Duration;

use belljar::{OPCODES_PER_POLL, Stats};

/// A row for each figure.
pub(crate) fn table(stats: &Stats) -> String {
    let kib = |bytes: u64| format!("{} KiB", bytes.div_ceil(1024));
    let millis = |time: Duration| format!("{}.{:03} ms", time.as_millis(), time.subsec_micros() % 1000);
    let calls = match stats.dropped_calls {
        0 => stats.rpc_calls.to_string(),
        dropped => format!("{}, {dropped} of them cut off", stats.rpc_calls),
    };
    [
        ("fuel", format!("{} units", stats.fuel)),
        ("opcodes", stats.polls.saturating_mul(OPCODES_PER_POLL).to_string()),
        ("processor time", millis(stats.cpu_time)),
        ("wall-clock time", millis(stats.wall_time)),
        ("time in handlers", millis(stats.handler_time)),
        ("calls of handlers", calls),
        ("bytes in, out", format!("{}, {}", stats.bytes_in, stats.bytes_out)),
        ("heap now, at most", format!("{}, {}", kib(stats.heap_bytes), kib(stats.heap_peak_bytes))),
        ("memory", kib(stats.memory_bytes)),
    ]
    .map(|(name, value)| format!("{name:<18} {value}\n"))
    .concat()
}
