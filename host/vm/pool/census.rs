//! Counts the address space and memory of all slots and images of this process.
//!
//! It takes no lock: a process can be forked while another thread counts, and the child would wait for that lock for
//! ever. It must never know who uses a slot.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::pagemap::{State, changed};
use super::probe::Method;
use super::slot::Slot;
use crate::stats::Census;

/// A slot of this process, or a free place for one, whose `base` is zero.
pub(super) struct Entry {
    base: AtomicUsize,
    /// The accessible size of its linear memory.
    accessible: AtomicUsize,
}

/// A processor with 47 bits of user addresses has room for no more slots.
const MOST: usize = 1 << 15;

static SLOTS: [Entry; MOST] = [const { Entry { base: AtomicUsize::new(0), accessible: AtomicUsize::new(0) } }; MOST];
/// The entries behind this one were never used.
static USED: AtomicUsize = AtomicUsize::new(0);
static IMAGE_BYTES: AtomicU64 = AtomicU64::new(0);

impl Entry {
    /// Registers a slot. None if there are more slots than any process can map, and then the slot is not counted.
    pub(super) fn of(base: usize, accessible: usize) -> Option<&'static Entry> {
        let is_free =
            |entry: &Entry| entry.base.compare_exchange(0, base, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        let (at, entry) = SLOTS.iter().enumerate().find(|(_, entry)| is_free(entry))?;
        entry.grow(accessible);
        USED.fetch_max(at + 1, Ordering::Relaxed);
        Some(entry)
    }

    /// Notes the accessible size.
    pub(super) fn grow(&self, accessible: usize) {
        self.accessible.store(accessible, Ordering::Relaxed);
    }

    /// Unregisters the slot.
    pub(super) fn leave(&self) {
        self.base.store(0, Ordering::Relaxed);
    }
}

/// Counts an image of this length.
pub(super) fn add_image(bytes: usize) {
    IMAGE_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Stops counting an image of this length.
pub(super) fn remove_image(bytes: usize) {
    IMAGE_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
}

/// Asks the kernel about the pages of every slot, which takes a few microseconds for each. A slot that is unmapped
/// meanwhile may be counted by the pages of what is mapped in its place.
pub(crate) fn census() -> Census {
    let question = Method::of_this_system().question();
    let (mut slots, mut resident, mut is_told) = (0, 0, question.is_some());
    for entry in SLOTS.iter().take(USED.load(Ordering::Relaxed)) {
        let base = entry.base.load(Ordering::Relaxed);
        if base == 0 {
            continue;
        }
        slots += 1;
        let Some(question) = question else { continue };
        let mut each = |changed: super::Changed| {
            resident += if changed.state == State::Present { changed.range.len() as u64 } else { 0 };
        };
        let parts = Slot::parts(base, entry.accessible.load(Ordering::Relaxed));
        let is_answered = parts.iter().all(|range| changed(question, range, &mut each));
        is_told &= is_answered || entry.base.load(Ordering::Relaxed) != base;
    }
    Census {
        mapped_bytes: slots * Slot::RESERVED_BYTES as u64,
        resident_bytes: is_told.then_some(resident),
        image_bytes: IMAGE_BYTES.load(Ordering::Relaxed),
    }
}
