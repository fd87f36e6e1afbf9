//! How an instance starts: where its memory comes from, and the options of its builder.
//!
//! It must never know a builder or an instance.

use crate::clock::Clock;
use crate::data::Data;
use crate::modules::Modules;
use crate::snapshot::Snapshot;

/// The options of an instance.
pub(crate) struct Options {
    pub(crate) seed: Option<u64>,
    pub(crate) clock: Option<Clock>,
    pub(crate) code_generation: bool,
    pub(crate) web_apis: bool,
    pub(crate) is_session: bool,
    pub(crate) keeps_last_value: bool,
    pub(crate) drains: bool,
    pub(crate) data: Data,
    pub(crate) modules: Modules,
    pub(crate) origin: Origin,
}

/// What an instance starts from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// The runtime's preludes, or the bare guest if there are none.
    Runtime,
    /// The bare guest.
    Image,
    /// A snapshot used as a prelude; the instance is otherwise a new one.
    Prelude(Snapshot),
    /// A snapshot that the instance continues.
    Restored(Snapshot),
}

impl Origin {
    /// The snapshot to start from; None for the bare guest.
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
            web_apis: true,
            is_session: false,
            keeps_last_value: false,
            drains: true,
            data: Data::default(),
            modules: Modules::default(),
            origin: Origin::Runtime,
        }
    }
}
