//! How a run ended, as an exit code, as words and as JSON.
//!
//! It must never know where the words go.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use belljar::{Blame, Error, Json, OPCODES_PER_POLL, Stats};
use serde::Serialize;

use crate::bounds;
use crate::rejections::{Rejection, Rejections};

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
    code: &'static str,
    ending: Ending,
}

impl Refusal {
    pub(crate) fn usage(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), code: "usage", ending: Ending::Usage }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), code: "internal", ending: Ending::Internal }
    }

    /// What is wrong with a file.
    pub(crate) fn of_file(path: &Path, error: &Error) -> Refusal {
        let message = format!("{}: {}", path.display(), words(error, Speech::Flags));
        Refusal { message, code: error.code(), ending: Ending::of(error) }
    }

    /// Why a jar did not begin, which may have been the fault of the snapshot that it should have begun from.
    pub(crate) fn of_start(from: Option<&Path>, error: &Error) -> Refusal {
        match (from, error) {
            (Some(path), Error::Snapshot { .. }) => Refusal::of_file(path, error),
            _ => error.clone().into(),
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending
    }

    /// What `--json` prints instead of a report.
    pub(crate) fn report(&self) -> Refused {
        let blame = match self.ending {
            Ending::Usage => "caller",
            Ending::Limit => "limits",
            _ => "host",
        };
        let failure = Failure::told(self.message.clone(), blame);
        Refused { ok: false, error: Problem { code: self.code, failure }, logs: [] }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal { message: words(&error, Speech::Flags), code: error.code(), ending: Ending::of(&error) }
    }
}

/// A report of what did not even begin.
#[derive(Serialize)]
pub(crate) struct Refused {
    ok: bool,
    error: Problem,
    logs: [(); 0],
}

impl Refused {
    pub(crate) fn of(error: &Error, rejections: &Rejections) -> Refused {
        Refused { ok: false, error: Problem::of(error, rejections), logs: [] }
    }

    /// The line that it is.
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// How whoever reads an error changes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// With a flag.
    Flags,
    /// At the prompt.
    Prompt,
    /// With a JSON line.
    Lines,
}

impl Speech {
    /// What raises a limit.
    pub(crate) fn setting(self, name: &str) -> String {
        match self {
            Speech::Flags => format!("--{name}"),
            Speech::Prompt => format!(".limits {name} VALUE"),
            Speech::Lines => format!("{{\"limits\": {{\"{}\": …}}}}", bounds::camel(name)),
        }
    }

    /// A message of the library that names the one limit which it compares with what a snapshot holds.
    fn renamed(self, message: &str) -> String {
        let name = match self {
            Speech::Flags => "--max-memory-mb",
            Speech::Prompt => "max-memory-mb",
            Speech::Lines => "maxMemoryMb",
        };
        message.replace("`memory_bytes`", name)
    }

    fn reset(self) -> &'static str {
        match self {
            Speech::Flags => "run it again",
            Speech::Prompt => ".reset brings it back",
            Speech::Lines => "{\"reset\": true} brings it back",
        }
    }
}

/// An error in one sentence. The library's own words name items of Rust; here it is something else that helps.
pub(crate) fn words(error: &Error, speech: Speech) -> String {
    match error {
        Error::Limit { kind, limit, .. } => {
            // Of one there is no plural, and "ms" is none.
            let single = kind.unit().strip_suffix('s').filter(|unit| unit.len() > 1);
            let unit = if *limit == 1 { single.unwrap_or(kind.unit()) } else { kind.unit() };
            let setting = speech.setting(bounds::setting(*kind));
            format!("{}: {} is limited to {limit} {unit}; {setting} raises it", error.code(), kind.field())
        }
        Error::NeverSettled { pending } if pending.is_empty() => {
            "the script waits for a promise that nothing can settle".into()
        }
        Error::NeverSettled { pending } => {
            format!("the script waits for a promise that nothing can settle; without an answer: {}", pending.join(", "))
        }
        Error::NotSerializable { message } => {
            format!("the value has no JSON form: {message}; print it with console.log")
        }
        Error::Poisoned => {
            format!("the jar was stopped in the middle of a call and takes no more; {}", speech.reset())
        }
        Error::Program { message } => format!("the program cannot be run: {message}; compile it again"),
        Error::Snapshot { message } => format!("the snapshot cannot be used: {}", speech.renamed(message)),
        Error::Input { message } => speech.renamed(message),
        // The library goes on with advice for who writes Rust.
        Error::Host { message } if message.contains("mmap failed") => format!(
            "{}; a jar needs 4 GiB of address space: raise what the shell allows, as with ulimit -v unlimited",
            message.split("; ").next().unwrap_or_default()
        ),
        other => other.to_string(),
    }
}

/// An error as `--json` has it.
#[derive(Serialize)]
pub(crate) struct Problem {
    code: &'static str,
    #[serde(flatten)]
    failure: Failure,
}

impl Problem {
    pub(crate) fn of(error: &Error, rejections: &Rejections) -> Problem {
        Problem { code: error.code(), failure: Failure::of(error, rejections, Speech::Flags) }
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
    /// The call whose failure it is, as far as the host knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Rejection>,
    blame: &'static str,
}

impl Failure {
    fn told(message: String, blame: &'static str) -> Failure {
        Failure { name: String::new(), message, stack: None, thrown: None, call: None, blame }
    }

    pub(crate) fn of(error: &Error, rejections: &Rejections, speech: Speech) -> Failure {
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
                call: rejections.behind(js),
                blame,
            },
            other => Failure::told(words(other, speech), blame),
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
