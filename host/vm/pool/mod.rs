//! Where instances have their memory: slots that map an image copy-on-write, used again and again.
//!
//! [`MemoryImage`] is an image and the idle slots that map it; [`Lease`] is the use of a slot by one instance, at whose end the slot is
//! brought back to what it was mapped from. [`pagemap`] finds the pages that have changed, [`slot`] puts them back, [`creator`] lets wasmtime
//! take memory and stacks from a slot. It must never know what an instance is for, nor how many there may be.

mod contents;
mod creator;
mod pagemap;
mod probe;
mod slot;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{Config, InstanceAllocationStrategy};

use self::contents::Contents;
use self::creator::Creator;
use self::pagemap::{Changed, changed};
pub(crate) use self::probe::Method;
use self::slot::Slot;
use crate::error::Result;
use crate::thread;
use crate::vm::engine::Allocation;

/// How many lists of idle slots an image has, so that threads seldom meet at one.
const SHARDS: usize = 8;

/// The memory that instances begin with.
pub(crate) struct MemoryImage {
    contents: Contents,
    /// Numbers of the pages that differ from the guest's own image, rising.
    differing: Box<[u32]>,
    method: Method,
    most_idle_in_shard: usize,
    idle: [Shard; SHARDS],
}

/// Idle slots, on a line of memory of their own.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<Arc<Slot>>>);

impl Shard {
    fn take(&self) -> Option<Arc<Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a slot; gives it back where it has enough.
    fn put(&self, slot: Arc<Slot>, most: usize) -> Option<Arc<Slot>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < most {
            idle.push(slot);
            return None;
        }
        Some(slot)
    }
}

impl MemoryImage {
    /// An image of this length that begins with these bytes. It keeps up to so many slots for later instances.
    pub(crate) fn new(bytes: &[u8], length: usize, most_idle: usize) -> Result<MemoryImage> {
        MemoryImage::with(bytes, length, most_idle, Method::of_this_system())
    }

    fn with(bytes: &[u8], length: usize, most_idle: usize, method: Method) -> Result<MemoryImage> {
        Ok(MemoryImage {
            contents: Contents::new(bytes, length)?,
            differing: Box::default(),
            method,
            most_idle_in_shard: most_idle,
            idle: Default::default(),
        })
    }

    /// The same image with a note of the pages in which it differs from the guest's own.
    pub(crate) fn differing(self, pages: &[u32]) -> MemoryImage {
        MemoryImage { differing: pages.into(), ..self }
    }

    /// The pages in which it differs from the guest's own image, rising.
    pub(crate) fn differing_pages(&self) -> &[u32] {
        &self.differing
    }

    /// The bytes of the image.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.contents.bytes()
    }

    /// The use of a slot, an idle one if there is one.
    pub(crate) fn lease(self: &Arc<Self>) -> Result<Lease> {
        let mine = thread::number() % SHARDS;
        let idle = (0..SHARDS).find_map(|step| self.idle.get((mine + step) % SHARDS)?.take());
        let slot = match idle {
            Some(slot) => slot,
            None => Arc::new(Slot::map(&self.contents)?),
        };
        Ok(Lease { slot: Some(slot), image: self.clone() })
    }

    fn put_back(&self, slot: Arc<Slot>) {
        if let Some(shard) = self.idle.get(thread::number() % SHARDS) {
            // One too many is unmapped here, where no lock is held.
            drop(shard.put(slot, self.most_idle_in_shard));
        }
    }
}

/// The use of a slot by one instance.
pub(crate) struct Lease {
    /// None once it is over.
    slot: Option<Arc<Slot>>,
    image: Arc<MemoryImage>,
}

impl Lease {
    /// What the memory began as.
    pub(crate) fn image(&self) -> &Arc<MemoryImage> {
        &self.image
    }

    /// Does something for which wasmtime may ask for the memory or the stack of this instance.
    pub(super) fn with<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.slot {
            Some(slot) => creator::with(slot, work),
            None => work(),
        }
    }

    /// Writes the image into memory that is still all zeros. A slot maps it.
    pub(super) fn fill(&self, _: &mut [u8]) {}

    /// Calls with the offsets of each stretch of linear memory that may differ from what it began as; false where nobody can tell, and then
    /// all of it may.
    pub(super) fn changed(&self, mut each: impl FnMut(Range<usize>)) -> bool {
        let (Some(slot), Some(question)) = (&self.slot, self.image.method.question()) else { return false };
        let start = slot.image().start;
        changed(question, &(start..slot.used_end()), |Changed { range, .. }| {
            each(range.start - start..range.end - start)
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Where somebody still has a part of the slot, it is not used again, and unmapped when the last one goes.
        let Some(mut slot) = self.slot.take() else { return };
        let Some(own) = Arc::get_mut(&mut slot) else { return };
        let is_fresh = match (self.image.method, self.image.method.question()) {
            (_, Some(question)) => {
                own.reset(&self.image.contents, question, |range, each| changed(question, range, each))
            }
            (Method::Discard, None) => own.discard_all(),
            _ => false,
        };
        if is_fresh {
            self.image.put_back(slot);
        }
    }
}

/// Memory and stacks come from slots, and everything else of an instance from the heap.
pub(super) fn configure(config: &mut Config, _: Allocation) {
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    config.with_host_memory(Arc::new(Creator));
    config.with_host_stack(Arc::new(Creator));
}
