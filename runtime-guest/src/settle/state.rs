//! What settling keeps while a call waits for answers: what the call will result in, and rejections.
//!
//! A borrow of it never spans a call into script, which may come back here.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::hint::black_box;

use super::Root;
use crate::qjs::free::clear_spare;
use crate::qjs::{PromiseState, Value};
use crate::single::Single;

pub(super) struct State {
    /// What the call in progress will result in.
    pub(super) root: Option<Root>,
    /// Promises that were rejected and have no handler yet.
    pub(super) rejections: Vec<Value>,
}

static STATE: Single<RefCell<State>> = Single::new(RefCell::new(State { root: None, rejections: Vec::new() }));

/// Looks at or changes the state. The closure must not call script.
pub(super) fn with<R>(body: impl FnOnce(&mut State) -> R) -> R {
    body(&mut STATE.borrow_mut())
}

/// A call begins: what an earlier one would have resulted in is dropped.
pub fn clear() {
    with(|state| state.root = None);
}

/// A promise was rejected without a handler, or got one late.
pub fn rejection(promise: Value, handled: bool) {
    with(|state| {
        if handled {
            state.rejections.retain(|other| !other.is_same(&promise));
        } else {
            state.rejections.push(promise);
        }
    });
}

/// Drops the rejections that nobody has handled.
pub fn drop_rejections() {
    drop(with(|state| core::mem::take(&mut state.rejections)));
}

/// Drops everything, and stops waiting for the result.
pub fn abandon() {
    let (root, rejections) = with(|state| (state.root.take(), core::mem::take(&mut state.rejections)));
    if let Some(Root { value, .. }) = &root
        && value.is_promise()
        && value.promise_state() == PromiseState::Pending
    {
        value.mark_handled();
    }
    drop((root, rejections));
}

/// Clears what an older result or rejection has left in memory.
pub fn forget() {
    with(|state| {
        if state.root.is_none() {
            // `None` leaves the bits of the last result where they are, and those may be a number.
            state.root = Some(Root::threw(Value::undefined()));
            black_box(&mut state.root);
            state.root = None;
        }
        clear_spare(&mut state.rejections);
    });
}
