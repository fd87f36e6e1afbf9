//! How a run ended, as an exit code, and why the command did nothing, as words.
//!
//! It must never know where the words go.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use belljar::{Blame, Error};

use crate::speech::{self, Speech};

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
            // The caller's other mistakes are on the command line: a file of another build, limits that are too low.
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

/// Why the command, or a request of a client, was not carried out: an error of the library, or a reason of the
/// command's own.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The file that is at fault.
    file: Option<PathBuf>,
    cause: Cause,
    code: &'static str,
    ending: Ending,
}

#[derive(Debug)]
enum Cause {
    Told(String),
    /// Becomes text when it is printed, because the advice depends on the reader.
    Error(Box<Error>),
}

impl Refusal {
    fn told_with(code: &'static str, ending: Ending, message: impl Into<String>) -> Refusal {
        Refusal { file: None, cause: Cause::Told(message.into()), code, ending }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Refusal {
        Refusal::told_with("usage", Ending::Usage, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Refusal {
        Refusal::told_with("internal", Ending::Internal, message)
    }

    /// What a client asked for cannot be understood or cannot be done. The code is the library's for such an input.
    pub(crate) fn input(message: impl Into<String>) -> Refusal {
        Refusal::told_with("invalid_input", Ending::Usage, message)
    }

    /// A snapshot cannot be used here. The code is the library's for such a snapshot.
    pub(crate) fn snapshot(message: impl Into<String>) -> Refusal {
        Refusal::told_with("invalid_snapshot", Ending::Usage, message)
    }

    /// A script was not compiled. No flag changes the limits of the compiler.
    pub(crate) fn of_compiling(error: &Error) -> Refusal {
        Refusal::told_with(error.code(), Ending::of(error), speech::words(error, Speech::Fixed))
    }

    /// A thread could not be started.
    pub(crate) fn no_thread(error: &io::Error) -> Refusal {
        Refusal::internal(format!(
            "no thread can be started: {error}; raise ulimit -u for this user, or the pids limit of the container"
        ))
    }

    /// The same, with the file that is at fault.
    pub(crate) fn in_file(self, path: &Path) -> Refusal {
        Refusal { file: Some(path.to_owned()), ..self }
    }

    /// The same for an instance that did not begin. It names the snapshot that the instance should have begun from,
    /// where that is at fault.
    pub(crate) fn of_start(self, from: Option<&Path>) -> Refusal {
        match from {
            Some(path) if matches!(self.code, "invalid_snapshot" | "limit_too_low") => self.in_file(path),
            _ => self,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending
    }

    pub(crate) fn blame(&self) -> Blame {
        match (&self.cause, self.ending) {
            (Cause::Error(error), _) => error.blame(),
            (_, Ending::Usage) => Blame::Caller,
            (_, Ending::Limit) => Blame::Limits,
            _ => Blame::Host,
        }
    }

    /// The error of the library, if it was one.
    pub(crate) fn error(&self) -> Option<&Error> {
        match &self.cause {
            Cause::Told(_) => None,
            Cause::Error(error) => Some(error),
        }
    }

    /// The refusal in words, with advice for this reader.
    pub(crate) fn told(&self, speech: Speech) -> String {
        let told = match &self.cause {
            Cause::Told(message) => message.clone(),
            Cause::Error(error) => speech::words(error, speech),
        };
        match &self.file {
            Some(path) => format!("{}: {told}", path.display()),
            None => told,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        let (code, ending) = (error.code(), Ending::of(&error));
        Refusal { file: None, cause: Cause::Error(Box::new(error)), code, ending }
    }
}
