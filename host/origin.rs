//! What an instance begins with: where its memory comes from, and the rarer choices of its builder.
//!
//! It must never know a builder or an instance.

use crate::clock::Clock;
use crate::data::Data;
use crate::snapshot::Snapshot;

/// The rarer choices of an instance.
pub(crate) struct Options {
    pub(crate) seed: Option<u64>,
    pub(crate) clock: Option<Clock>,
    pub(crate) code_generation: bool,
    pub(crate) is_session: bool,
    pub(crate) keeps_last_value: bool,
    pub(crate) drains: bool,
    pub(crate) data: Data,
    pub(crate) origin: Origin,
}

/// What an instance begins as.
#[derive(Clone)]
pub(crate) enum Origin {
    /// What the runtime's set-up left, or the bare guest where there is none.
    Runtime,
    /// The bare guest.
    Image,
    /// What somebody's set-up left; the instance is a new one all the same.
    Prelude(Snapshot),
    /// An instance that goes on.
    Restored(Snapshot),
}

impl Origin {
    /// The memory to begin with, where that is not the bare guest's.
    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        match self {
            Origin::Runtime | Origin::Image => None,
            Origin::Prelude(snapshot) | Origin::Restored(snapshot) => Some(snapshot),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: None,
            clock: None,
            code_generation: true,
            is_session: false,
            keeps_last_value: false,
            drains: true,
            data: Data::default(),
            origin: Origin::Runtime,
        }
    }
}
