//! Threads of the command, and what a person is told where the machine starts none.
//!
//! It must never know what a thread does.

use std::io;
use std::thread::Builder;

use crate::ending::Refusal;

/// Starts a thread that nobody waits for.
///
/// # Errors
///
/// When the machine refuses, with what to change.
pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
    match Builder::new().name(name.into()).spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::internal(refused(&error))),
    }
}

/// Why there is no thread, and what to change.
pub(crate) fn refused(error: &io::Error) -> String {
    format!(
        "no thread can be started: {error}; raise the limit on processes and threads (ulimit -u, or pids.max of a cgroup)"
    )
}
