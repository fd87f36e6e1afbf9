//! The engines of a runtime, side by side: threads that make instances at the same time do so in different ones.
//!
//! Making an instance and letting it go counts some thirty references and figures that belong to an engine, its code and its pool. Two threads that
//! share an engine wait for each other at every one of them, and together make hardly more instances than one. So a thread has its
//! lane, an engine with code and a pool of its own; the first lane has room for every instance, and the others for those that come and go.
//!
//! It must never know what an instance is for.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use crate::error::Result;
use crate::limits::Limits;
use crate::vm::code::Place;
use crate::vm::engine::{self, Allocation};
use crate::vm::fibre::Vm;
use crate::vm::image::Image;
use crate::vm::state::Desk;

/// The most lanes of a runtime. Each holds a copy of the native code and of the image, five megabytes.
const MOST: usize = 8;
/// The most instances in a lane that is not the first. A slot that was used keeps its mappings, and a system has only so many.
const MOST_IN_LANE: u32 = 256;

pub(crate) struct Lanes {
    first: Image,
    /// Made when a thread first needs it; None where the machine refused, and then its threads use the first.
    others: Box<[OnceLock<Option<Image>>]>,
    instances_in_lane: u32,
}

impl Lanes {
    /// One lane for all threads.
    pub(crate) fn one(image: Image) -> Lanes {
        Lanes { first: image, others: Box::default(), instances_in_lane: 0 }
    }

    /// A lane for each thread that the machine can run at once, as long as they are few; `image` is the built-in one.
    pub(crate) fn many(image: Image, instances: u32) -> Lanes {
        let lanes = available_parallelism().map_or(1, NonZero::get).min(MOST);
        let others = (1..lanes).map(|_| OnceLock::new()).collect();
        Lanes { first: image, others, instances_in_lane: instances.min(MOST_IN_LANE) }
    }

    /// What is the same in all of them.
    pub(crate) fn image(&self) -> &Image {
        &self.first
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// The number of this thread's lane.
    pub(crate) fn mine(&self) -> usize {
        number() % self.count()
    }

    /// Stamps out an instance, in that lane while it has room.
    pub(crate) fn vm(&self, lane: usize, desk: &Arc<Desk>, limits: &Limits) -> Result<Vm> {
        if let Some(image) = self.other(lane)
            && let Ok(vm) = Vm::new(image, desk.clone(), limits)
        {
            return Ok(vm);
        }
        Vm::new(&self.first, desk.clone(), limits)
    }

    fn other(&self, lane: usize) -> Option<&Image> {
        self.others.get(lane.checked_sub(1)?)?.get_or_init(|| self.open().ok()).as_ref()
    }

    fn open(&self) -> Result<Image> {
        let allocation = Allocation::Pool { instances: self.instances_in_lane };
        self.first.again(&engine::build(allocation, Place::Copied)?)
    }
}

/// The number of this thread, in the order in which threads first asked for one.
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
