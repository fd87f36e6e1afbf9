//! Calls of handlers that have no answer yet: what names them, when they were made, and what they weigh.
//!
//! It must never know a handler.

use std::sync::Arc;
use std::time::SystemTime;

use crate::driver::{Nanos, call_weight};
use crate::json::Json;
use crate::pending::{CallId, PendingCall};
use crate::vm::state::Desk;

/// When a call was made, and what names it.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// At this moment of the desk's.
    Now(Nanos),
    /// Before a pause.
    Before(CallId, SystemTime),
}

impl Made {
    pub(super) fn id(self) -> Option<CallId> {
        match self {
            Made::Now(_) => None,
            Made::Before(id, _) => Some(id),
        }
    }

    pub(super) fn at(self, desk: &Desk) -> SystemTime {
        match self {
            Made::Now(moment) => desk.wall_at(moment),
            Made::Before(_, at) => at,
        }
    }
}

/// A call whose handler is at work.
pub(super) struct InFlight {
    pub(super) slot: u32,
    /// How many the instance had made before it, counting what is made again. Unlike the guest's slot it is not used
    /// again.
    pub(super) number: u64,
    pub(super) made: Made,
    pub(super) method: Arc<str>,
    /// Kept for the case that it is paused.
    pub(super) params: Json,
}

impl InFlight {
    pub(super) fn weight(&self) -> u64 {
        call_weight(self.method.len(), self.params.text().map_or(0, str::len))
    }
}

/// What a paused call weighs.
pub(super) fn weight(call: &PendingCall) -> u64 {
    call_weight(call.method.len(), call.params.text().map_or(0, str::len))
}

/// How many calls are paused, and what they weigh together.
pub(crate) fn weigh(paused: &[PendingCall]) -> (u32, u64) {
    let together = paused.iter().fold(0, |sum: u64, call| sum.saturating_add(weight(call)));
    (u32::try_from(paused.len()).unwrap_or(u32::MAX), together)
}
