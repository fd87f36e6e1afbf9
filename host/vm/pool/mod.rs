//! The memory of instances: reusable slots that map an image copy-on-write.
//!
//! [`MemoryImage`] is an image and the idle slots that map it. [`Lease`] is the use of a slot by one instance; when
//! it ends, the slot is reset to the image. [`pagemap`] finds the changed pages, [`slot`] restores them, [`probe`]
//! chooses the method, [`creator`] lets wasmtime take memory and stacks from a slot, and [`census`] adds up what the
//! slots hold. It must never know what an instance is for, nor how many there may be.

mod census;
mod contents;
mod creator;
mod pagemap;
mod probe;
mod slot;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{Config, InstanceAllocationStrategy};

pub(crate) use self::census::census;
use self::contents::Contents;
use self::creator::Creator;
use self::pagemap::{Changed, changed};
use self::probe::Method;
use self::slot::Slot;
use crate::error::Result;
use crate::thread;
use crate::vm::engine::Allocation;

/// Number of lists of idle slots of an image; several, to avoid lock contention between threads.
const SHARDS: usize = 8;

/// The initial memory of instances.
pub(crate) struct MemoryImage {
    contents: Contents,
    /// The pages that differ from the guest's own image, as ascending page numbers.
    differing: Box<[u32]>,
    method: Method,
    most_idle_in_shard: usize,
    idle: [Shard; SHARDS],
}

/// One list of idle slots, aligned so that no two lists share a cache line.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<Arc<Slot>>>);

impl Shard {
    fn take(&self) -> Option<Arc<Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a slot; returns it if the list is full.
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
    /// An image of this length that starts with these bytes. It keeps up to `most_idle` slots for later instances.
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

    /// The same image, with the list of pages that differ from the guest's own image.
    pub(crate) fn differing(self, pages: &[u32]) -> MemoryImage {
        MemoryImage { differing: pages.into(), ..self }
    }

    /// The pages that differ from the guest's own image, in ascending order.
    pub(crate) fn differing_pages(&self) -> &[u32] {
        &self.differing
    }

    /// The bytes of the image.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.contents.bytes()
    }

    /// How its slots are reset, as text for people.
    pub(crate) fn reset(&self) -> &'static str {
        if self.most_idle_in_shard == 0 { Method::Unmap.name() } else { self.method.name() }
    }

    /// Leases a slot: an idle one if there is one, otherwise a new one.
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
            // If the list is full, the slot is unmapped here, after the lock has been released.
            drop(shard.put(slot, self.most_idle_in_shard));
        }
    }
}

/// A lease of a slot by one instance.
pub(crate) struct Lease {
    /// None once the lease has ended.
    slot: Option<Arc<Slot>>,
    image: Arc<MemoryImage>,
}

impl Lease {
    /// The image that the memory started as.
    pub(crate) fn image(&self) -> &Arc<MemoryImage> {
        &self.image
    }

    /// Runs code in which wasmtime may request the memory or the stack of this instance.
    pub(super) fn with<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.slot {
            Some(slot) => creator::with(slot, work),
            None => work(),
        }
    }

    /// Does nothing: a slot maps the image already.
    pub(super) fn fill(&self, _: &mut [u8]) {}

    /// Calls `each` with the offsets of each range of linear memory that may have changed. False when this is
    /// unknown; then all of it may have changed.
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
        // If a part of the slot is still referenced, it is not reused, and is unmapped when the last reference is
        // dropped.
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

/// Makes wasmtime take memory and stacks from slots, and the rest of an instance from the heap.
pub(super) fn configure(config: &mut Config, _: Allocation) {
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    config.with_host_memory(Arc::new(Creator));
    config.with_host_stack(Arc::new(Creator));
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test that cannot go on should stop there")]
mod tests {
    use super::pagemap::{Question, State};
    use super::*;

    const LENGTH: usize = 1 << 20;
    const SECRET: u8 = 0x5a;
    const METHODS: [Method; 3] = [Method::Scan, Method::Words, Method::Discard];

    /// Contents with alternating ranges of data and zeros.
    fn contents() -> Contents {
        let bytes: Vec<u8> =
            (0..LENGTH / 2).map(|at| if at / 50_000 % 2 == 0 { 0 } else { (at % 251) as u8 }).collect();
        Contents::new(&bytes, LENGTH).expect("there is memory for it")
    }

    /// Writes a secret byte every `step` bytes of all memory and stack of a slot.
    fn confide(slot: &mut Slot, step: usize) {
        slot.grow(LENGTH + (1 << 20)).expect("there is room");
        let bytes = slot.whole_memory_mut();
        (0..bytes.len()).step_by(step).for_each(|at| bytes[at] = SECRET);
        let stack = slot.whole_stack_mut();
        (0..stack.len()).step_by(step).for_each(|at| stack[at] = SECRET);
        // A stack starts at its upper end.
        if let Some(last) = stack.last_mut() {
            *last = SECRET;
        }
    }

    #[track_caller]
    fn assert_fresh(slot: &mut Slot, contents: &Contents) {
        assert!(slot.image_mut() == contents.bytes());
        assert!(slot.whole_stack_mut().iter().all(|byte| *byte == 0));
        slot.grow(LENGTH + (1 << 20)).expect("there is room");
        assert!(slot.whole_memory_mut().iter().skip(LENGTH).all(|byte| *byte == 0));
    }

    fn reset(slot: &mut Slot, contents: &Contents, method: Method) -> bool {
        match method.question() {
            Some(question) => slot.reset(contents, question, |range, each| changed(question, range, each)),
            None => slot.discard_all(),
        }
    }

    #[test]
    fn a_slot_is_fresh_after_every_way_to_bring_it_back() {
        let contents = contents();
        'methods: for method in METHODS {
            for step in [4096, 3 * 4096 + 1, 40 * 4096, LENGTH] {
                let mut slot = Slot::map(&contents).expect("there is address space");
                for _ in 0..3 {
                    confide(&mut slot, step);
                    if !reset(&mut slot, &contents, method) && method == Method::Scan {
                        continue 'methods; // This kernel has no such ioctl.
                    }
                    assert_fresh(&mut slot, &contents);
                }
            }
        }
    }

    /// Simulates the kernel's answers while it swaps, moves or merges pages, although the pages are present: the
    /// answer decides what is restored, not the page.
    #[test]
    fn a_page_that_is_said_to_be_in_swap_or_on_the_move_or_all_zeros_is_brought_back_too() {
        let contents = contents();
        for state in [State::Absent, State::Zero] {
            let mut slot = Slot::map(&contents).expect("there is address space");
            let image = slot.image();
            confide(&mut slot, 4096);
            let is_reset = slot.reset(&contents, Question::Words, |range, each| {
                changed(Question::Words, range, |told| {
                    // A fresh stack is all zeros, so a stack page reported as zero would rightly be left alone; only
                    // image pages are reported so.
                    let state = if told.range.start >= image.start { state } else { State::Absent };
                    each(Changed { state, ..told });
                })
            });
            assert!(is_reset);
            assert_fresh(&mut slot, &contents);
        }
    }

    #[test]
    fn a_list_of_pages_that_breaks_off_brings_every_page_back() {
        let contents = contents();
        let mut slot = Slot::map(&contents).expect("there is address space");
        confide(&mut slot, 4096);
        let is_reset = slot.reset(&contents, Question::Scan, |range, each| {
            let mut first = true;
            changed(Question::Words, range, |told| {
                if std::mem::take(&mut first) {
                    each(told);
                }
            });
            false
        });
        assert!(is_reset);
        assert_fresh(&mut slot, &contents);
    }

    #[test]
    fn a_page_that_is_not_the_slots_is_not_touched_and_ends_the_slot() {
        let contents = contents();
        let mut slot = Slot::map(&contents).expect("there is address space");
        let outside = slot.image().end..slot.image().end + 4096;
        let is_reset = slot.reset(&contents, Question::Scan, |_, each| {
            each(Changed { range: outside.clone(), state: State::Present });
            true
        });
        assert!(!is_reset);
    }

    #[test]
    fn a_slot_is_used_again_where_it_may_be_and_never_where_somebody_still_has_a_part_of_it() {
        let image = |most_idle| Arc::new(MemoryImage::new(&[1], LENGTH, most_idle).expect("there is memory for it"));
        let place = |lease: &Lease| lease.slot.as_ref().map(|slot| slot.image().start);
        let pool = image(2);
        let first = pool.lease().expect("there is address space");
        let (was, part) = (place(&first), first.slot.clone());
        drop(first);
        let second = pool.lease().expect("there is address space");
        assert_ne!(place(&second), was, "a part of it is in use");
        let was = place(&second);
        drop((part, second));
        assert_eq!(place(&pool.lease().expect("there is address space")), was);
        // A pool without idle slots maps a new slot each time, and keeps none.
        let on_demand = image(0);
        drop(on_demand.lease());
        assert!(on_demand.idle.iter().all(|shard| shard.take().is_none()));
    }

    #[test]
    fn a_system_that_was_tried_out_uses_slots_again() {
        assert_ne!(Method::of_this_system(), Method::Unmap);
    }
}
