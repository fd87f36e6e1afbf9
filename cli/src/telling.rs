//! The log on standard error: a line for each call and for each handler that it calls.
//!
//! It owns what switches the log on. It must cost nothing when the log is off.

use std::env;
use std::io;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::ending::Refusal;

/// The variable that switches the log on, for when another program starts belljar.
const VARIABLE: &str = "BELLJAR_LOG";

/// Switches the log on, when the flag or the variable asks for it.
pub(crate) fn begin(asked: u8) -> Result<(), Refusal> {
    let level = match (asked, env::var(VARIABLE)) {
        (1.., _) => LevelFilter::DEBUG,
        (0, Ok(level)) if !level.is_empty() => level.parse().map_err(|_| {
            Refusal::usage(format!("{VARIABLE} should be off, error, warn, info, debug or trace, not {level}"))
        })?,
        _ => return Ok(()),
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(io::stderr)
        .try_init()
        .map_err(|error| Refusal::internal(format!("the log cannot be written: {error}")))
}
