//! How a run ended, as an exit code, as words and as JSON.
//!
//! It must never know where the words go.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use belljar::{Blame, Error, Json, LimitKind, OPCODES_PER_POLL, Stats};
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
    cause: Cause,
    code: &'static str,
    ending: Ending,
}

#[derive(Debug)]
enum Cause {
    Told(String),
    /// A snapshot that does not fit under the limits, in the words of the library, which names its own fields.
    Start {
        file: PathBuf,
        message: String,
    },
    /// Becomes text when it is printed, because the advice depends on the task.
    Error {
        file: Option<PathBuf>,
        error: Box<Error>,
    },
}

impl Refusal {
    pub(crate) fn usage(message: impl Into<String>) -> Refusal {
        Refusal { cause: Cause::Told(message.into()), code: "usage", ending: Ending::Usage }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Refusal {
        Refusal { cause: Cause::Told(message.into()), code: "internal", ending: Ending::Internal }
    }

    /// What is wrong with a file.
    pub(crate) fn of_file(path: &Path, error: &Error) -> Refusal {
        let cause = Cause::Error { file: Some(path.to_owned()), error: Box::new(error.clone()) };
        Refusal { cause, code: error.code(), ending: Ending::of(error) }
    }

    /// Why a jar did not begin, which may have been the fault of the snapshot that it should have begun from.
    pub(crate) fn of_start(from: Option<&Path>, error: &Error) -> Refusal {
        match (from, error) {
            (Some(path), Error::Snapshot { .. }) => Refusal::of_file(path, error),
            (Some(path), Error::Input { message }) => {
                let cause = Cause::Start { file: path.to_owned(), message: message.clone() };
                Refusal { cause, code: error.code(), ending: Ending::of(error) }
            }
            _ => error.clone().into(),
        }
    }

    /// Why a script was not compiled. No flag changes the limits of the compiler.
    pub(crate) fn of_compiling(error: &Error) -> Refusal {
        let cause = Cause::Told(words(error, Speech::Fixed));
        Refusal { cause, code: error.code(), ending: Ending::of(error) }
    }

    /// A thread could not be started.
    pub(crate) fn no_thread(error: &io::Error) -> Refusal {
        Refusal::internal(format!(
            "no thread can be started: {error}; raise ulimit -u for this user, or the pids limit of the container"
        ))
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending
    }

    /// The refusal as text, with advice for this kind of reader.
    pub(crate) fn told(&self, speech: Speech) -> String {
        match &self.cause {
            Cause::Told(message) => message.clone(),
            Cause::Start { file, message } => {
                // These two limits are all that a snapshot can need more of.
                let settings = [LimitKind::Memory, LimitKind::PendingRpcs].map(|kind| speech.setting(kind));
                let settings = settings.into_iter().flatten().collect::<Vec<_>>().join(" or ");
                format!("{}: {message}, with {settings}", file.display())
            }
            Cause::Error { file: None, error } => words(error, speech),
            Cause::Error { file: Some(path), error } => format!("{}: {}", path.display(), words(error, speech)),
        }
    }

    /// What `--json` prints instead of a report.
    pub(crate) fn report(&self, speech: Speech) -> Refused {
        let blame = match self.ending {
            Ending::Usage => "caller",
            Ending::Limit => "limits",
            _ => "host",
        };
        let failure = Failure::told(self.told(speech), blame);
        Refused { ok: false, error: Problem { code: self.code, failure }, logs: [] }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let (code, ending) = (error.code(), Ending::of(&error));
        Refusal { cause: Cause::Error { file: None, error: Box::new(error) }, code, ending }
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
        Refused { ok: false, error: Problem::of(error, rejections, Speech::Flags), logs: [] }
    }
}

/// How whoever reads an error changes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// With a flag.
    Flags,
    /// Not at all: the task has no flags for limits.
    Fixed,
    /// At the prompt.
    Prompt,
    /// With a JSON line.
    Lines,
    /// Not at all, for a `compile` line: it does not use the limits of an instance.
    FixedLines,
}

impl Speech {
    /// What raises a limit, and its name in the library. None where nothing does.
    pub(crate) fn setting(self, kind: LimitKind) -> Option<String> {
        let name = bounds::setting(kind);
        let setting = match self {
            Speech::Flags => format!("--{name}"),
            Speech::Prompt => format!(".limits {name} VALUE"),
            Speech::Lines => format!("{{\"limits\": {{\"{}\": …}}}}", bounds::camel(name)),
            Speech::Fixed | Speech::FixedLines => return None,
        };
        Some(format!("{setting} ({})", kind.field()))
    }

    fn reset(self) -> &'static str {
        match self {
            Speech::Flags | Speech::Fixed => "run it again",
            Speech::Prompt => ".reset brings it back",
            Speech::Lines | Speech::FixedLines => "{\"reset\": true} brings it back",
        }
    }
}

/// What a limit says when it was hit, and how it is raised.
pub(crate) fn limit_words(kind: LimitKind, limit: u64, speech: Speech) -> String {
    let what = format!("{}: {} is limited to {}", kind.code(), bounds::noun(kind), bounds::shown(kind, limit));
    match (speech.setting(kind), speech) {
        (Some(setting), _) => format!("{what}; {setting} raises it"),
        (None, Speech::FixedLines) => format!("{what}; `limits` does not apply to compile, so split the script"),
        (None, _) => format!("{what}; no flag raises it, so split the script"),
    }
}

/// An error in one sentence. The library's own words name items of Rust; here it is something else that helps.
pub(crate) fn words(error: &Error, speech: Speech) -> String {
    match error {
        Error::Limit { kind, limit, .. } => limit_words(*kind, *limit, speech),
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
        Error::Snapshot { message } => format!("the snapshot cannot be used: {message}"),
        Error::Paused { pending } => format!(
            "a call was paused ({}), and only the JSON lines eval, dispatch, run and resume can pause",
            pending.join(", ")
        ),
        Error::Host { .. } => format!("{error}; belljar doctor says what this machine lacks"),
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
    pub(crate) fn of(error: &Error, rejections: &Rejections, speech: Speech) -> Problem {
        Problem { code: error.code(), failure: Failure::of(error, rejections, speech) }
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

#[cfg(test)]
#[allow(clippy::expect_used, reason = "arguments that cannot be read are a failed test")]
mod tests {
    use std::collections::BTreeSet;

    use clap::FromArgMatches as _;

    use super::{Speech, limit_words};
    use crate::arguments::{self, Arguments};
    use crate::bounds::{self, KINDS};

    /// Every task with the least arguments that it needs.
    const TYPED: [&str; 10] = [
        "run -e 1",
        "repl",
        "compile -e 1 -o out",
        "snapshot -e 1 -o out",
        "inspect file",
        "json",
        "bench",
        "doctor",
        "man",
        "completions bash",
    ];

    fn speech(typed: &str) -> Speech {
        let words = std::iter::once("belljar").chain(typed.split(' ').filter(|word| !word.is_empty()));
        let matches = arguments::command().try_get_matches_from(words).expect("it can be typed");
        Arguments::from_arg_matches(&matches).expect("it can be read").speech()
    }

    fn flags(text: &str) -> BTreeSet<&str> {
        let is_part = |character: char| character.is_ascii_lowercase() || character == '-';
        text.split(|character| !is_part(character)).filter_map(|word| word.strip_prefix("--")).collect()
    }

    #[test]
    fn every_limit_names_a_flag_of_the_task_or_none() {
        let command = arguments::command();
        let tasks: BTreeSet<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(tasks, TYPED.iter().map(|typed| typed.split(' ').next().unwrap_or_default()).collect());
        for typed in TYPED.iter().copied().chain([""]) {
            let name = typed.split(' ').next().unwrap_or_default();
            let task = command.find_subcommand(name).unwrap_or(&command);
            let known: BTreeSet<_> = task.get_arguments().filter_map(|argument| argument.get_long()).collect();
            for kind in KINDS {
                let words = limit_words(kind, 1 << 20, speech(typed));
                let named = flags(&words);
                assert!(named.is_subset(&known), "belljar {typed}: {words}");
                let takes_limits = known.contains(bounds::setting(kind));
                assert_eq!(named.contains(bounds::setting(kind)), takes_limits, "belljar {typed}: {words}");
                assert_eq!(words.contains("split the script"), !takes_limits, "belljar {typed}: {words}");
            }
        }
    }

    #[test]
    fn a_number_is_in_the_unit_of_its_flag() {
        for kind in KINDS {
            let shown = |limit| bounds::shown(kind, limit);
            let setting = bounds::setting(kind);
            let is_size = setting.ends_with("-mb") || setting.ends_with("-kb");
            assert_eq!(is_size, kind.unit() == "bytes", "{setting}");
            match setting.rsplit('-').next() {
                Some("mb") => assert_eq!((shown(3 << 20), shown(1 << 10)), ("3 MB".into(), "1024 bytes".into())),
                Some("kb") => assert_eq!((shown(3 << 20), shown(1 << 10)), ("3072 KB".into(), "1 KB".into())),
                Some("ms") => assert_eq!(shown(7), "7 ms"),
                _ => assert!(shown(7).starts_with('7'), "{}", shown(7)),
            }
        }
    }

    #[test]
    fn neither_the_prompt_nor_a_line_names_a_flag() {
        for kind in KINDS {
            let setting = bounds::setting(kind);
            let words = |speech| limit_words(kind, 1, speech);
            let field = kind.field();
            assert!(words(Speech::Prompt).ends_with(&format!("; .limits {setting} VALUE ({field}) raises it")));
            let line = format!("; {{\"limits\": {{\"{}\": …}}}} ({field}) raises it", bounds::camel(setting));
            assert!(words(Speech::Lines).ends_with(&line));
            for speech in [Speech::Prompt, Speech::Lines, Speech::Fixed, Speech::FixedLines] {
                assert_eq!(flags(&words(speech)), BTreeSet::new());
            }
        }
    }

    #[test]
    fn the_help_of_a_limit_has_its_name_in_the_library() {
        let command = arguments::command();
        for kind in KINDS {
            let flag = command.get_arguments().find(|flag| flag.get_long() == Some(bounds::setting(kind)));
            let help = flag.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with(&format!("{}: ", kind.field())), "{help}");
        }
    }
}
