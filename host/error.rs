//! The errors: what went wrong, whose fault it is, and a stable code for each.
//!
//! It owns [`Error`]; `thrown.rs` owns what a script threw. It must never know wasmtime or a message of the guest. A
//! code comes from what the host observed: a script that throws `new Error("interrupted")` gets `js_error`.

use std::fmt;

use crate::excerpt;
use crate::limits::{LimitKind, Limits};
use crate::script::Script;
pub(crate) use crate::thrown::JsError;

/// The result of most functions of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The ways in which a call can fail.
///
/// ```
/// use belljar::{Error, Limits, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let mut jar = runtime.instance(&Router::new(), &Limits::default())?;
/// let error = jar.eval("null.x").unwrap_err();
/// assert_eq!(error.code(), "js_error");
/// let Error::Js(js) = error else { unreachable!() };
/// assert_eq!(js.name, "TypeError");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The script threw an error or another value.
    Js(JsError),
    /// A limit was hit.
    #[non_exhaustive]
    Limit {
        /// Which one.
        kind: LimitKind,
        /// Its value, in [`LimitKind::unit`].
        limit: u64,
    },
    /// A limit is too low for the memory or snapshot that an instance starts from.
    #[non_exhaustive]
    LimitTooLow {
        /// Which one.
        kind: LimitKind,
        /// Its value, in [`LimitKind::unit`].
        limit: u64,
        /// The lowest value that is enough.
        needed: u64,
    },
    /// [`CancelHandle::cancel`](crate::CancelHandle::cancel) was called.
    Cancelled,
    /// A call was stopped in a way that may have left the memory of the instance inconsistent.
    /// [`Instance::reset`](crate::Instance::reset) restores it.
    Poisoned,
    /// The result is a promise that nothing can settle any more.
    NeverSettled {
        /// The methods of the calls that still have no answer: the first twenty, then the number of others. A name is
        /// cut to its first 80 characters, and unprintable characters are escaped.
        pending: Vec<String>,
    },
    /// A handler paused the call, but the call was not started with a `step_…` method, which could have returned the
    /// pause.
    Paused {
        /// The methods of the calls that were paused, as in [`Error::NeverSettled`].
        pending: Vec<String>,
    },
    /// The result is or holds something that cannot leave the script: a function, a symbol, a promise.
    /// [`Instance::inspect`](crate::Instance::inspect) shows such a value. Also a value that JSON was asked of and that
    /// JSON has no form for.
    NotSerializable {
        /// What it is and where, for example `result.users[3].f: a function cannot cross`.
        message: String,
    },
    /// A JSON text did not have the shape that the caller asked for.
    Shape {
        /// The path of the value that did not match, and why.
        message: String,
    },
    /// The script registered no handler for this event.
    #[non_exhaustive]
    NoSuchEvent {
        /// The event.
        name: String,
        /// The events that have a handler: the first twenty, then the number of others.
        registered: Vec<String>,
    },
    /// An argument of the caller is invalid.
    Input {
        /// Why.
        message: String,
    },
    /// The bytes are not a program of this build. Compile the source again.
    Program {
        /// What did not match.
        message: String,
    },
    /// The bytes are not a snapshot of this build.
    Snapshot {
        /// What did not match.
        message: String,
    },
    /// A replayed script did something else than was recorded.
    Diverged {
        /// Which call it made, and which one was recorded.
        message: String,
    },
    /// All instances of the runtime are in use.
    Capacity {
        /// The number of instances of the runtime.
        instances: u32,
    },
    /// The guest broke the protocol between guest and host. An intact guest never does.
    Guest {
        /// How.
        message: String,
    },
    /// The system or the embedder's set-up is at fault, or too many calls are nested; see [`Router`](crate::Router).
    Host {
        /// How.
        message: String,
    },
}

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The script's.
    Script,
    /// Nobody's: a limit was reached.
    Limits,
    /// The code that called belljar.
    Caller,
    /// The system's, or that of the embedder's set-up.
    Host,
}

impl Error {
    /// A short string that stays the same across versions, for logs and wire formats.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Js(_) => "js_error",
            Error::Limit { kind, .. } => kind.code(),
            Error::LimitTooLow { .. } => "limit_too_low",
            Error::Cancelled => "cancelled",
            Error::Poisoned => "poisoned",
            Error::NeverSettled { .. } => "never_settled",
            Error::Paused { .. } => "paused",
            Error::NotSerializable { .. } => "not_serializable",
            Error::Shape { .. } => "wrong_shape",
            Error::NoSuchEvent { .. } => "no_such_event",
            Error::Input { .. } => "invalid_input",
            Error::Program { .. } => "invalid_program",
            Error::Snapshot { .. } => "invalid_snapshot",
            Error::Diverged { .. } => "replay_diverged",
            Error::Capacity { .. } => "no_capacity",
            Error::Guest { .. } => "guest_broke_protocol",
            Error::Host { .. } => "host_error",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Error::Js(_) | Error::NeverSettled { .. } | Error::NotSerializable { .. } | Error::Guest { .. } => {
                Blame::Script
            }
            // The script registered no handler at all, so the name of the event is not at fault.
            Error::NoSuchEvent { registered, .. } if registered.is_empty() => Blame::Script,
            Error::Limit { .. } => Blame::Limits,
            Error::LimitTooLow { .. }
            | Error::Cancelled
            | Error::Poisoned
            | Error::Paused { .. }
            | Error::Shape { .. }
            | Error::NoSuchEvent { .. }
            | Error::Input { .. }
            | Error::Program { .. }
            | Error::Snapshot { .. }
            | Error::Diverged { .. } => Blame::Caller,
            Error::Capacity { .. } | Error::Host { .. } => Blame::Host,
        }
    }

    /// The same error. If a script threw it, the line of this script is added where it was thrown.
    pub(crate) fn in_script(mut self, script: &Script<'_>) -> Error {
        if let Error::Js(error) = &mut self {
            error.locate(script);
        }
        self
    }

    pub(crate) fn host(message: impl Into<String>) -> Error {
        Error::Host { message: message.into() }
    }

    pub(crate) fn guest(message: impl Into<String>) -> Error {
        Error::Guest { message: message.into() }
    }

    pub(crate) fn input(message: impl Into<String>) -> Error {
        Error::Input { message: message.into() }
    }

    pub(crate) fn no_form(why: &str) -> Error {
        Error::input(format!("the value has no form in JavaScript: {why}"))
    }
}

impl Limits {
    /// Refuses limits under which nothing can run, and limits that contradict each other.
    pub(crate) fn check(&self) -> Result<()> {
        for (kind, time) in [(LimitKind::CpuTime, self.cpu_time), (LimitKind::WallTime, self.wall_time)] {
            if time.is_zero() {
                return Err(Error::input(format!("{} is zero, so that nothing can run", kind.noun())));
            }
        }
        if self.js_heap_bytes > self.memory_bytes {
            return Err(Error::input(format!(
                "the heap limit of {} bytes is above the memory limit of {} bytes, which holds the heap",
                self.js_heap_bytes, self.memory_bytes
            )));
        }
        Ok(())
    }
}

impl LimitKind {
    /// The error of a call that hit this limit.
    pub(crate) fn error(self, limits: &Limits) -> Error {
        Error::Limit { kind: self, limit: self.of(limits) }
    }

    /// The error of an instance that cannot begin under this limit.
    pub(crate) fn too_low(self, limits: &Limits, needed: u64) -> Error {
        Error::LimitTooLow { kind: self, limit: self.of(limits), needed }
    }
}

/// Says what happened without naming items of this library; [`Error::advice`] names them.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Js(error) => write!(f, "{error}"),
            Error::Limit { kind, limit } => f.write_str(&kind.exceeded(*limit)),
            Error::LimitTooLow { kind, limit, needed } => {
                write!(f, "{} is {limit} {}, and {needed} are needed", kind.noun(), kind.unit())
            }
            Error::Cancelled => f.write_str("the call was cancelled"),
            Error::Poisoned => f.write_str("the instance was stopped in the middle of a call and takes no more"),
            Error::NeverSettled { pending } if pending.is_empty() => {
                f.write_str("the result is a promise that nothing can settle: no call is in flight and no job is left")
            }
            Error::NeverSettled { pending } => {
                write!(f, "the result is a promise that nothing can settle; without an answer: {}", pending.join(", "))
            }
            Error::Paused { pending } => write!(f, "a handler paused the call ({})", pending.join(", ")),
            Error::NotSerializable { message } => f.write_str(message),
            Error::Shape { message } => write!(f, "the value has another shape: {message}"),
            Error::NoSuchEvent { name, registered } if registered.is_empty() => {
                write!(f, "no handler is registered for the event {}, nor for any other", excerpt::quoted(name))
            }
            Error::NoSuchEvent { name, registered } => write!(
                f,
                "no handler is registered for the event {}; there are handlers for {}",
                excerpt::quoted(name),
                registered.join(", ")
            ),
            Error::Input { message } => f.write_str(message),
            Error::Program { message } => write!(f, "not a program of this build: {message}"),
            Error::Snapshot { message } => write!(f, "not a snapshot of this build: {message}"),
            Error::Diverged { message } => write!(f, "the replay differs from the recording: {message}"),
            Error::Capacity { instances } => write!(f, "all {instances} instances of the runtime are in use"),
            Error::Guest { message } => write!(f, "the guest broke the protocol: {message}"),
            Error::Host { message } => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
