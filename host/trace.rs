//! What an operator sees of calls, with the feature `tracing`: a span per call, an event per handler that it calls.
//! Without the feature there is nothing here. It must never carry a script's text, its values or its messages.

use std::future::Future;

use belljar_abi::Op;

use crate::error::Result;
use crate::stats::Stats;

/// Runs a call inside its span.
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

/// Takes down how the call in progress has ended.
#[cfg(feature = "tracing")]
pub(crate) fn ended<T>(result: &Result<T>, stats: &Stats) {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let span = tracing::Span::current();
    span.record("code", result.as_ref().map_or_else(|error| error.code(), |_| "ok"));
    span.record("fuel", stats.fuel);
    span.record("cpu_us", micros(stats.cpu_time));
    span.record("wall_us", micros(stats.wall_time));
    span.record("rpc_calls", stats.rpc_calls);
    span.record("dropped_calls", stats.dropped_calls);
}

/// Takes down how the call in progress has ended.
#[cfg(not(feature = "tracing"))]
pub(crate) fn ended<T>(_: &Result<T>, _: &Stats) {}

/// A handler is about to be called.
#[cfg(feature = "tracing")]
pub(crate) fn rpc(method: &str) {
    // Where a fallback answers, a script can choose any name.
    tracing::debug!(target: "belljar", method = &*crate::excerpt::plain(method).to_string(), "rpc");
}

/// A handler is about to be called.
#[cfg(not(feature = "tracing"))]
pub(crate) fn rpc(_: &str) {}
