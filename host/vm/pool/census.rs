//! Counts the address space and memory of all slots and images of this process. It must never know who uses them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pagemap::{State, changed};
use super::probe::Method;
use super::slot::Slot;
use crate::stats::Census;

/// The base address of each slot, with the accessible size of its linear memory.
static SLOTS: Mutex<BTreeMap<usize, Arc<AtomicUsize>>> = Mutex::new(BTreeMap::new());
static IMAGE_BYTES: AtomicU64 = AtomicU64::new(0);

fn slots() -> MutexGuard<'static, BTreeMap<usize, Arc<AtomicUsize>>> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers a slot.
pub(super) fn enter(base: usize, accessible: Arc<AtomicUsize>) {
    slots().insert(base, accessible);
}

/// Unregisters a slot. Call it before the slot is unmapped, so that a census never reads addresses of another
/// mapping.
pub(super) fn leave(base: usize) {
    slots().remove(&base);
}

/// Counts an image of this length.
pub(super) fn add_image(bytes: usize) {
    IMAGE_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Stops counting an image of this length.
pub(super) fn remove_image(bytes: usize) {
    IMAGE_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
}

/// Asks the kernel about the pages of every slot, which takes a few microseconds for each.
pub(crate) fn census() -> Census {
    // Before the lock below is taken, because finding the method may map a slot, which takes the lock too.
    let method = Method::of_this_system();
    let slots = slots();
    let resident = method.question().and_then(|question| {
        let mut bytes = 0;
        let mut each = |changed: super::Changed| {
            bytes += if changed.state == State::Present { changed.range.len() as u64 } else { 0 };
        };
        let is_told = slots.iter().all(|(base, accessible)| {
            let parts = Slot::parts(*base, accessible.load(Ordering::Relaxed));
            parts.iter().all(|range| changed(question, range, &mut each))
        });
        is_told.then_some(bytes)
    });
    Census {
        mapped_bytes: slots.len() as u64 * Slot::RESERVED_BYTES as u64,
        resident_bytes: resident,
        image_bytes: IMAGE_BYTES.load(Ordering::Relaxed),
    }
}
