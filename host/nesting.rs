//! How many calls of instances lie inside each other on one thread: a handler that runs a script, which calls a handler, and so on.
//!
//! It must never know what a call is. Each one takes a part of the thread's own stack, and no one can catch the end of that.

use std::cell::Cell;

use crate::error::{Error, Result};

/// The most calls inside each other on one thread.
const MOST: u32 = 24;

thread_local! {
    /// How many calls this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread has room for one more.
///
/// # Errors
///
/// [`Error::Host`] when it has not.
pub(crate) fn check() -> Result<()> {
    if DEPTH.get() < MOST {
        return Ok(());
    }
    Err(Error::host(format!(
        "{MOST} calls of instances lie inside each other on this thread, which is the most that its stack is good for; a handler that runs \
         scripts must not be in the reach of those: give their instances a router without it"
    )))
}

/// Polls a call, which counts meanwhile.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn inside<R>(poll: impl FnOnce() -> R) -> Result<R> {
    check()?;
    let _inside = Inside::enter();
    Ok(poll())
}

/// One more call, until it is dropped: a panic of the embedder's executor may go through here.
struct Inside;

impl Inside {
    fn enter() -> Inside {
        DEPTH.set(DEPTH.get() + 1);
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}
