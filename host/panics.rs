//! Where a panic of the embedder's code ends: in handlers, in closures, in destructors, in wakers.
//!
//! It must never know whose code it is.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that may panic; None when it did.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(discard).ok()
}

/// Drops what a panic carried. The payload is a value of the embedder's, so its destructor may panic too; what that
/// one carries is leaked, because a destructor that panics every time would go on for ever.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(next);
    }
}
