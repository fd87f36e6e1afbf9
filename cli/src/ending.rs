//! How a run ended, as an exit code, as words and as JSON.
//!
//! It must never know where the words go.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use belljar::{Blame, Error, Json, OPCODES_PER_POLL, Stats};
use serde::Serialize;

use crate::bounds;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Threw,
    Usage,
    Limit,
    Cancelled,
    Internal,
}

impl Ending {
    pub(crate) fn code(self) -> u8 {
        match self {
            Ending::Done => 0,
            Ending::Threw => 1,
            Ending::Usage => 2,
            Ending::Limit => 3,
            Ending::Cancelled => 4,
            Ending::Internal => 5,
        }
    }

    pub(crate) fn of(error: &Error) -> Ending {
        match (error, error.blame()) {
            (Error::Cancelled, _) => Ending::Cancelled,
            (_, Blame::Script) => Ending::Threw,
            (_, Blame::Limits) => Ending::Limit,
            // What else the caller can do wrong is on the command line: a file of another build, limits without sense.
            (_, Blame::Caller) => Ending::Usage,
            _ => Ending::Internal,
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        ExitCode::from(ending.code())
    }
}

/// Why the command did nothing, or not all of it.
#[derive(Debug)]
pub(crate) struct Refusal {
    message: String,
    ending: Ending,
}

impl Refusal {
    pub(crate) fn usage(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), ending: Ending::Usage }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), ending: Ending::Internal }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal { message: words(&error), ending: Ending::of(&error) }
    }
}

/// An error in one sentence. The library's own words name fields of Rust; here it is flags that help.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::Limit { kind, limit, .. } => format!(
            "{}: {} is limited to {limit} {}; {} raises it",
            error.code(),
            kind.field(),
            kind.unit(),
            bounds::flag(*kind)
        ),
        Error::NeverSettled { pending } if pending.is_empty() => {
            "the script waits for a promise that nothing can settle".into()
        }
        Error::NotSerializable { message } => {
            format!("the value has no JSON form: {message}; print it with console.log")
        }
        other => other.to_string(),
    }
}

/// An error as JSON, but for its code, which goes by different names in different places.
#[derive(Serialize)]
pub(crate) struct Failure {
    name: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrown: Option<Json>,
    blame: &'static str,
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Failure {
        let blame = match error.blame() {
            Blame::Script => "script",
            Blame::Limits => "limits",
            Blame::Caller => "caller",
            _ => "host",
        };
        match error {
            Error::Js(js) => Failure {
                name: js.name.clone(),
                message: js.message.clone(),
                stack: js.stack.clone(),
                thrown: js.thrown.clone(),
                blame,
            },
            other => Failure { name: String::new(), message: words(other), stack: None, thrown: None, blame },
        }
    }
}

/// What a run has cost, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cost {
    fuel: u64,
    opcodes: u64,
    cpu_time_us: u64,
    wall_time_us: u64,
    handler_time_us: u64,
    rpc_calls: u64,
    bytes_in: u64,
    bytes_out: u64,
    heap_bytes: u64,
    heap_peak_bytes: u64,
    memory_bytes: u64,
}

impl Cost {
    pub(crate) fn of(stats: &Stats) -> Cost {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Cost {
            fuel: stats.fuel,
            opcodes: stats.polls.saturating_mul(OPCODES_PER_POLL),
            cpu_time_us: micros(stats.cpu_time),
            wall_time_us: micros(stats.wall_time),
            handler_time_us: micros(stats.handler_time),
            rpc_calls: stats.rpc_calls,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            heap_bytes: stats.heap_bytes,
            heap_peak_bytes: stats.heap_peak_bytes,
            memory_bytes: stats.memory_bytes,
        }
    }

    /// A table for people.
    pub(crate) fn table(&self) -> String {
        let kib = |bytes: u64| format!("{} KiB", bytes.div_ceil(1024));
        let millis = |micros: u64| format!("{}.{:03} ms", micros / 1000, micros % 1000);
        [
            ("fuel", format!("{} units", self.fuel)),
            ("opcodes", self.opcodes.to_string()),
            ("processor time", millis(self.cpu_time_us)),
            ("wall-clock time", millis(self.wall_time_us)),
            ("time in handlers", millis(self.handler_time_us)),
            ("calls of handlers", self.rpc_calls.to_string()),
            ("bytes in, out", format!("{}, {}", self.bytes_in, self.bytes_out)),
            ("heap now, at most", format!("{}, {}", kib(self.heap_bytes), kib(self.heap_peak_bytes))),
            ("memory", kib(self.memory_bytes)),
        ]
        .map(|(name, value)| format!("{name:<18} {value}\n"))
        .concat()
    }
}
