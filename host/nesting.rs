//! Counts calls of instances that are nested on one thread: a handler runs a script in another instance, that script
//! calls a handler, and so on.
//!
//! Each call uses some of the thread's stack, and a stack overflow would end the process. This file must never know
//! what a call does.

use std::cell::Cell;

use crate::error::{Error, Result};

/// The most calls that may be nested on one thread. In a debug build, which uses the most stack, this many calls
/// leave half of a 2 MB stack free.
const MOST: u32 = 24;

thread_local! {
    /// The number of calls in progress on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Checks that this thread has room for one more call.
///
/// # Errors
///
/// [`Error::Host`] when it has no room.
pub(crate) fn check() -> Result<()> {
    if DEPTH.get() < MOST {
        return Ok(());
    }
    Err(Error::host(format!(
        "{MOST} calls are nested on this thread, which is the most that its stack has room for; a handler that runs scripts should give their \
         instances a router without that handler"
    )))
}

/// Polls a call, and counts it as nested during the poll.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn inside<R>(poll: impl FnOnce() -> R) -> Result<R> {
    check()?;
    let _inside = Inside::enter();
    Ok(poll())
}

/// Counts one call until it is dropped. A guard, because a panic may unwind through a poll.
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
