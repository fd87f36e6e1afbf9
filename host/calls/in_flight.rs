//! Handler calls without an answer: their ids, the time when they were made, and their weight against the memory
//! limit.
//!
//! It must never know a handler.

use std::sync::Arc;
use std::time::SystemTime;

use crate::driver::{Nanos, call_weight};
use crate::pending::{CallId, PendingCall};
use crate::value::Value;
use crate::vm::state::Desk;

/// When a call was made, and its id.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// In this run, at this moment of the desk, or at this one of the embedder's clock.
    Now(Nanos, Option<SystemTime>),
    /// Before a pause, with this id.
    Before(CallId, SystemTime),
}

impl Made {
    pub(super) fn now(desk: &Desk) -> Made {
        Made::Now(desk.driver().seen(), desk.own_moment())
    }

    pub(super) fn id(self) -> Option<CallId> {
        match self {
            Made::Now(..) => None,
            Made::Before(id, _) => Some(id),
        }
    }

    pub(super) fn at(self, desk: &Desk) -> SystemTime {
        match self {
            Made::Now(_, Some(at)) | Made::Before(_, at) => at,
            Made::Now(moment, None) => desk.system_moment(moment),
        }
    }
}

/// A call whose handler is running.
pub(super) struct InFlight {
    pub(super) slot: u32,
    /// The number of the call in the instance; a call that is made again gets a new one. Unlike the guest's slot, it
    /// is not reused.
    pub(super) number: u64,
    pub(super) made: Made,
    /// What the call weighs until it has an answer.
    pub(super) weight: u64,
    pub(super) method: Arc<str>,
    /// Kept in case the call is paused.
    pub(super) params: Value,
}

/// The weight of a paused call.
pub(super) fn weight(call: &PendingCall) -> u64 {
    call_weight(call.method.len(), call.params.wire().len())
}

/// The number of paused calls, and their total weight.
pub(crate) fn weigh(paused: &[PendingCall]) -> (u32, u64) {
    let together = paused.iter().fold(0, |sum: u64, call| sum.saturating_add(weight(call)));
    (u32::try_from(paused.len()).unwrap_or(u32::MAX), together)
}
