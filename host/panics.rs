//! Contains panics of the embedder's code: of handlers, closures, destructors and wakers.
//!
//! It must never know what the code does.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that may panic; None when it panics.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(discard).ok()
}

/// Drops the payload of a panic. The payload is a value of the embedder, so its destructor may panic too. The payload
/// of that second panic is leaked, because dropping it could panic again without end.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(next);
    }
}
