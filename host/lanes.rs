//! The engines of a runtime, side by side: threads that make instances at the same time do so in different ones.
//!
//! Making an instance and letting it go counts some thirty references and figures that belong to an engine, its code
//! and its pool. Two threads that share an engine wait for each other at every one of them, and together make hardly
//! more instances than one. So a thread has its lane, an engine with code and a pool of its own; the first lane has
//! room for every instance, and the others for those that come and go.
//!
//! It must never know what an instance is for.

use std::num::NonZero;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use crate::error::Result;
use crate::limits::Limits;
use crate::thread;
use crate::vm::engine::Allocation;
use crate::vm::fibre::Vm;
use crate::vm::image::Image;
use crate::vm::pool::MemoryImage;
use crate::vm::state::Desk;

/// The most lanes of a runtime. Each holds a copy of the native code and of the image, five megabytes.
const MOST: usize = 8;

pub(crate) struct Lanes {
    first: Image,
    /// Made when a thread first needs it; None where the machine refused, and then its threads use the first.
    others: Box<[OnceLock<Option<Image>>]>,
    allocation: Allocation,
}

impl Lanes {
    /// One lane for all threads.
    pub(crate) fn one(image: Image, allocation: Allocation) -> Lanes {
        Lanes { first: image, others: Box::default(), allocation }
    }

    /// A lane for each thread that the machine can run at once, as long as they are few; `image` is the built-in one.
    pub(crate) fn many(image: Image, allocation: Allocation) -> Lanes {
        let lanes = available_parallelism().map_or(1, NonZero::get).min(MOST);
        let others = (1..lanes).map(|_| OnceLock::new()).collect();
        Lanes { first: image, others, allocation }
    }

    /// What is the same in all of them.
    pub(crate) fn image(&self) -> &Image {
        &self.first
    }

    /// What becomes of the memory of instances.
    pub(crate) fn allocation(&self) -> Allocation {
        self.allocation
    }

    /// The number of this thread's lane.
    pub(crate) fn mine(&self) -> usize {
        thread::number() % (self.others.len() + 1)
    }

    /// Stamps out an instance in that lane, whose memory begins as this image.
    pub(crate) fn vm(&self, lane: usize, memory: &Arc<MemoryImage>, desk: &Arc<Desk>, limits: &Limits) -> Result<Vm> {
        Vm::new(self.other(lane).unwrap_or(&self.first), memory, desk.clone(), limits)
    }

    fn other(&self, lane: usize) -> Option<&Image> {
        self.others.get(lane.checked_sub(1)?)?.get_or_init(|| self.first.again(self.allocation).ok()).as_ref()
    }
}
