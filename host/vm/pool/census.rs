//! The slots and images of this process: how much address space and memory they hold. It must never know who uses
//! them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pagemap::{State, changed};
use super::probe::Method;
use super::slot::Slot;
use crate::stats::Census;

/// Where each slot begins, and how much of its linear memory is accessible.
static SLOTS: Mutex<BTreeMap<usize, Arc<AtomicUsize>>> = Mutex::new(BTreeMap::new());
static IMAGE_BYTES: AtomicU64 = AtomicU64::new(0);

fn slots() -> MutexGuard<'static, BTreeMap<usize, Arc<AtomicUsize>>> {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A slot is there from now on.
pub(super) fn enter(base: usize, accessible: Arc<AtomicUsize>) {
    slots().insert(base, accessible);
}

/// A slot goes. Until this returns its addresses are its own.
pub(super) fn leave(base: usize) {
    slots().remove(&base);
}

/// An image of this length is there.
pub(super) fn add_image(bytes: usize) {
    IMAGE_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// An image of this length goes.
pub(super) fn remove_image(bytes: usize) {
    IMAGE_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
}

/// Asks the kernel about the pages of every slot, some microseconds each.
pub(crate) fn census() -> Census {
    // Finding the method may take a slot.
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
