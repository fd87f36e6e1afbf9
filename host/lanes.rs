//! Lanes: the engines of a runtime. Threads that make instances at the same time use different lanes, which avoids
//! contention.
//!
//! Making and dropping an instance changes some thirty reference counts and counters that belong to an engine, its
//! code and its pool. Two threads that share an engine contend for each of them, and together make hardly more
//! instances than one thread. So each thread is assigned a lane, an engine with separate code and a separate pool.
//! Lanes beyond the first are made when they are needed.
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

/// The most lanes of a runtime. Each holds a copy of the native code, a few megabytes.
const MOST: usize = 8;

pub(crate) struct Lanes {
    first: Image,
    /// Made when a thread first needs it; None if the system refused, and then its threads use the first lane.
    others: Box<[OnceLock<Option<Image>>]>,
    allocation: Allocation,
}

impl Lanes {
    /// One lane for all threads.
    pub(crate) fn one(image: Image, allocation: Allocation) -> Lanes {
        Lanes { first: image, others: Box::default(), allocation }
    }

    /// One lane for each hardware thread, up to [`MOST`]; `image` is the built-in one.
    pub(crate) fn many(image: Image, allocation: Allocation) -> Lanes {
        let lanes = available_parallelism().map_or(1, NonZero::get).min(MOST);
        let others = (1..lanes).map(|_| OnceLock::new()).collect();
        Lanes { first: image, others, allocation }
    }

    /// The image of the first lane; what is asked of it is the same in all lanes.
    pub(crate) fn image(&self) -> &Image {
        &self.first
    }

    /// How the memory of instances is allocated.
    pub(crate) fn allocation(&self) -> Allocation {
        self.allocation
    }

    /// The number of this thread's lane.
    pub(crate) fn mine(&self) -> usize {
        thread::number() % (self.others.len() + 1)
    }

    /// Makes an instance in this lane, whose memory starts as this image.
    pub(crate) fn vm(&self, lane: usize, memory: &Arc<MemoryImage>, desk: &Arc<Desk>, limits: &Limits) -> Result<Vm> {
        Vm::new(self.other(lane).unwrap_or(&self.first), memory, desk.clone(), limits)
    }

    fn other(&self, lane: usize) -> Option<&Image> {
        self.others.get(lane.checked_sub(1)?)?.get_or_init(|| self.first.again(self.allocation).ok()).as_ref()
    }
}
