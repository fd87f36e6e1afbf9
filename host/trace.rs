//! Spans and events of calls, with the feature `tracing`; without it this file does nothing. The fields are listed in
//! the documentation of the crate. It must never record a script's text, values or messages.

use std::future::Future;

use belljar_abi::Op;

use crate::stats::Stats;

/// Runs a call in its span.
#[cfg(feature = "tracing")]
pub(crate) fn call<F: Future>(op: Op, future: F) -> impl Future<Output = F::Output> {
    use tracing::field::Empty;
    let span = tracing::debug_span!(
        target: "belljar", "call",
        op = ?op, code = Empty, fuel = Empty, cpu_us = Empty, wall_us = Empty, rpc_calls = Empty, dropped_calls = Empty
    );
    tracing::Instrument::instrument(future, span)
}

/// Runs a call.
#[cfg(not(feature = "tracing"))]
pub(crate) fn call<F: Future>(_: Op, future: F) -> F {
    future
}

/// Records how the call in progress has ended.
#[cfg(feature = "tracing")]
pub(crate) fn ended(code: impl FnOnce() -> &'static str, stats: &Stats) {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let span = tracing::Span::current();
    span.record("code", code());
    span.record("fuel", stats.fuel);
    span.record("cpu_us", micros(stats.cpu_time));
    span.record("wall_us", micros(stats.wall_time));
    span.record("rpc_calls", stats.rpc_calls);
    span.record("dropped_calls", stats.dropped_calls);
}

/// Records how the call in progress has ended.
#[cfg(not(feature = "tracing"))]
pub(crate) fn ended(_: impl FnOnce() -> &'static str, _: &Stats) {}

/// Records that a handler is about to be called.
#[cfg(feature = "tracing")]
pub(crate) fn rpc(method: &str) {
    // With a fallback, a script can choose any method name, so it is escaped and cut.
    tracing::debug!(target: "belljar", method = &*crate::excerpt::plain(method).to_string(), "rpc");
}

/// Records that a handler is about to be called.
#[cfg(not(feature = "tracing"))]
pub(crate) fn rpc(_: &str) {}
