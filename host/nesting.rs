//! How many calls of instances are nested on one thread: a handler runs a script in another instance, that script
//! calls a handler, and so on.
//!
//! Each call uses some of the thread's own stack, and running out of that ends the process. This file must never know
//! what a call does.

use std::cell::Cell;

use crate::error::{Error, Result};

/// The most calls that may be nested on one thread. In a debug build, where each uses the most, they leave half of a
/// stack of 2 MB free.
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
        "{MOST} calls are nested on this thread, which is the most that its stack has room for; a handler that runs scripts should give their \
         instances a router without that handler"
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
