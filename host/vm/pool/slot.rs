//! A slot: one reservation of address space for the memory and the stack of one instance at a time.
//!
//! ```text
//! guard | stack | guard | linear memory: a private mapping of the image, then room to grow | guard
//! ```
//!
//! Its memory starts as a copy-on-write mapping of an image, and [`Slot::reset`] restores that state. It must never
//! know who uses it.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap};

use super::census::Entry;
use super::contents::Contents;
use super::pagemap::{Changed, Question, State};
use crate::error::{Error, Result};
use crate::vm::tuning::{GUARD_BYTES, RESERVATION_BYTES, STACK_BYTES};

const MEMORY_BYTES: usize = RESERVATION_BYTES as usize;
/// The guard between stack and memory, and after memory: generated code may access it without a bounds check, and
/// then faults.
const GUARD: usize = GUARD_BYTES as usize;
/// The guard below the stack. It is at least one page on every supported system.
const STACK_GUARD: usize = 64 << 10;
const STACK_AT: usize = STACK_GUARD;
const MEMORY_AT: usize = STACK_AT + STACK_BYTES + GUARD;
const TOTAL: usize = MEMORY_AT + MEMORY_BYTES + GUARD;

/// The most changed memory that is restored in place, so that the next instance has no page faults there; pages
/// beyond it are returned to the system. It covers the pages that most scripts write to.
const KEEP_BYTES: usize = 512 << 10;
/// The part of the stack, at its top, that is cleared in place.
const KEEP_STACK_BYTES: usize = 64 << 10;

/// A slot; its layout is at the head of this file.
pub(super) struct Slot {
    base: NonNull<u8>,
    image_bytes: usize,
    /// Accessible bytes of linear memory: at least those of the image.
    accessible: AtomicUsize,
    entry: Option<&'static Entry>,
    has_memory: AtomicBool,
    has_stack: AtomicBool,
}

// SAFETY: the slot owns its reservation, and its methods on a shared reference use only system calls and atomics.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

impl Slot {
    /// Reserves a slot and maps an image into it.
    pub(super) fn map(contents: &Contents) -> Result<Slot> {
        let failed = |what: &str, error: rustix::io::Errno| {
            let error = std::io::Error::from(error);
            Error::host(format!(
                "cannot {what} of an instance: {error}; an instance takes four gigabytes of address space and five mappings: raise \
                 `ulimit -v`, the memory limit of the container or `vm.max_map_count`, or have fewer instances at once"
            ))
        };
        let image_bytes = contents.bytes().len();
        // SAFETY: a new mapping at an address that the kernel chooses.
        let base = unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            mmap_anonymous(std::ptr::null_mut(), TOTAL, ProtFlags::empty(), flags)
        };
        let base = base.map_err(|error| failed("reserve the address space", error))?;
        let Some(base) = NonNull::new(base.cast()) else {
            return Err(Error::host("the system reserved memory at address zero"));
        };
        // From here on, dropping the slot frees the reservation.
        let slot = Slot {
            base,
            image_bytes,
            accessible: AtomicUsize::new(image_bytes),
            entry: Entry::of(base.addr().get(), image_bytes),
            has_memory: AtomicBool::new(false),
            has_stack: AtomicBool::new(false),
        };
        // One written byte would change a whole huge page. A kernel without huge pages refuses, which does no harm.
        // SAFETY: advice about the slot's own reservation.
        let _ = unsafe { madvise(slot.at(0), TOTAL, Advice::LinuxNoHugepage) };
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the stack lies in the reservation, to which no reference exists yet.
        unsafe { mprotect(slot.at(STACK_AT), STACK_BYTES, access) }.map_err(|error| failed("map the stack", error))?;
        // SAFETY: the image replaces a part of the reservation, to which no reference exists yet.
        let mapped = unsafe {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
            mmap(slot.at(MEMORY_AT), image_bytes, access, flags, contents.file(), 0)
        };
        mapped.map_err(|error| failed("map the memory", error))?;
        Ok(slot)
    }

    /// The address space of a slot.
    pub(super) const RESERVED_BYTES: usize = TOTAL;

    /// The addresses of the stack and of accessible linear memory in a slot at this base address.
    pub(super) fn parts(base: usize, accessible: usize) -> [Range<usize>; 2] {
        let stack = base + STACK_AT..base + STACK_AT + STACK_BYTES;
        [stack, base + MEMORY_AT..base + MEMORY_AT + accessible]
    }

    fn at(&self, offset: usize) -> *mut std::ffi::c_void {
        self.base.as_ptr().wrapping_add(offset).cast()
    }

    /// Where linear memory begins.
    pub(super) fn memory(&self) -> *mut u8 {
        self.at(MEMORY_AT).cast()
    }

    /// Claims linear memory for one user; false if it has one already.
    pub(super) fn take_memory(&self) -> bool {
        !self.has_memory.swap(true, Ordering::Relaxed)
    }

    /// Claims the stack for one user; false if it has one already.
    pub(super) fn take_stack(&self) -> bool {
        !self.has_stack.swap(true, Ordering::Relaxed)
    }

    /// Releases the stack.
    pub(super) fn return_stack(&self) {
        self.has_stack.store(false, Ordering::Relaxed);
    }

    /// Addresses of the stack.
    pub(super) fn stack(&self) -> Range<usize> {
        let start = self.at(STACK_AT).addr();
        start..start + STACK_BYTES
    }

    /// The guard below the stack.
    pub(super) fn stack_guard(&self) -> Range<*mut u8> {
        self.at(0).cast()..self.at(STACK_AT).cast()
    }

    /// Addresses of the image in linear memory.
    pub(super) fn image(&self) -> Range<usize> {
        let start = self.memory().addr();
        start..start + self.image_bytes
    }

    /// The maximum size of linear memory.
    pub(super) const fn most_memory() -> usize {
        MEMORY_BYTES
    }

    /// Makes this many bytes of linear memory accessible; new bytes are zero.
    pub(super) fn grow(&self, bytes: usize) -> std::io::Result<()> {
        let before = self.accessible.load(Ordering::Relaxed);
        if bytes <= before {
            return Ok(());
        }
        if bytes > MEMORY_BYTES {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        // SAFETY: this range lies in the reservation after the accessible part, so no reference into it exists.
        unsafe {
            mprotect(self.at(MEMORY_AT + before), bytes - before, MprotectFlags::READ | MprotectFlags::WRITE)?;
        }
        self.note_accessible(bytes);
        Ok(())
    }

    fn note_accessible(&self, bytes: usize) {
        self.accessible.store(bytes, Ordering::Relaxed);
        if let Some(entry) = self.entry {
            entry.grow(bytes);
        }
    }

    /// The address at which accessible memory ends.
    pub(super) fn used_end(&self) -> usize {
        self.memory().addr() + self.accessible.load(Ordering::Relaxed)
    }

    /// Restores the slot to its state after mapping; false when that failed, and then the slot must not be reused.
    ///
    /// `tell` reports the changed pages of a range: it calls its second argument for each range of pages, and returns
    /// whether the report is complete.
    pub(super) fn reset(
        &mut self,
        contents: &Contents,
        question: Question,
        mut tell: impl FnMut(&Range<usize>, &mut dyn FnMut(Changed)) -> bool,
    ) -> bool {
        self.has_memory = AtomicBool::new(false);
        self.has_stack = AtomicBool::new(false);
        let (stack, image) = (self.stack(), self.image());
        let (mut is_done, mut kept) = (self.shrink(), 0);
        let mut restore = |changed: Changed| is_done &= self.restore(contents, &changed, &mut kept);
        let is_whole = match question {
            Question::Scan => tell(&(stack.start..image.end), &mut restore),
            // Here the kernel's answer has a word for every page, so most of the stack is discarded instead.
            Question::Words => {
                let kept = stack.end - KEEP_STACK_BYTES;
                self.discard(&(stack.start..kept))
                    && tell(&(kept..stack.end), &mut restore)
                    && tell(&image, &mut restore)
            }
        };
        is_done && (is_whole || self.discard_all())
    }

    /// As [`Slot::reset`], when the changed pages are unknown.
    pub(super) fn discard_all(&mut self) -> bool {
        self.has_memory = AtomicBool::new(false);
        self.has_stack = AtomicBool::new(false);
        self.shrink() && self.discard(&self.stack()) && self.discard(&self.image())
    }

    /// The image in linear memory. No instance uses the slot.
    pub(super) fn image_mut(&mut self) -> &mut [u8] {
        // SAFETY: the image is mapped there, and `&mut self` is the only access to the slot.
        unsafe { std::slice::from_raw_parts_mut(self.memory(), self.image_bytes) }
    }

    /// The part of the stack that is cleared in place. No instance uses the slot.
    pub(super) fn stack_mut(&mut self) -> &mut [u8] {
        let start = self.at(STACK_AT + STACK_BYTES - KEEP_STACK_BYTES).cast();
        // SAFETY: this is a part of the stack, and `&mut self` is the only access to the slot.
        unsafe { std::slice::from_raw_parts_mut(start, KEEP_STACK_BYTES) }
    }

    /// All accessible memory. No instance uses the slot.
    #[cfg(test)]
    pub(super) fn whole_memory_mut(&mut self) -> &mut [u8] {
        // SAFETY: it is accessible, and the slot is ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.memory(), self.accessible.load(Ordering::Relaxed)) }
    }

    /// The whole stack. No instance uses the slot.
    #[cfg(test)]
    pub(super) fn whole_stack_mut(&mut self) -> &mut [u8] {
        // SAFETY: it is accessible, and the slot is ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.at(STACK_AT).cast(), STACK_BYTES) }
    }

    /// Makes memory that was added by growth inaccessible again, and frees it.
    fn shrink(&mut self) -> bool {
        let accessible = self.accessible.load(Ordering::Relaxed);
        let grown = accessible.saturating_sub(self.image_bytes);
        if grown == 0 {
            return true;
        }
        let place = self.at(MEMORY_AT + self.image_bytes);
        // SAFETY: this range lies in the reservation, and `&mut self` is the only access to the slot.
        let is_back = unsafe {
            madvise(place, grown, Advice::LinuxDontNeed).and_then(|()| mprotect(place, grown, MprotectFlags::empty()))
        };
        self.note_accessible(self.image_bytes);
        is_back.is_ok()
    }

    /// Returns pages to the system: afterwards they read as what they are mapped from.
    fn discard(&self, range: &Range<usize>) -> bool {
        let place = self.at(range.start - self.base.as_ptr().addr());
        // SAFETY: the range lies in the reservation, and the callers have `&mut self`, the only access to the slot.
        unsafe { madvise(place, range.len(), Advice::LinuxDontNeed) }.is_ok()
    }

    /// Restores changed pages to what they are mapped from. `kept` counts the bytes of memory that were restored in
    /// place.
    fn restore(&self, contents: &Contents, changed: &Changed, kept: &mut usize) -> bool {
        let (range, stack, image) = (&changed.range, self.stack(), self.image());
        let is_within = |outer: &Range<usize>| range.start >= outer.start && range.end <= outer.end;
        if is_within(&stack) {
            let is_kept = range.start >= stack.end - KEEP_STACK_BYTES;
            return match changed.state {
                State::Zero => true,
                State::Present if is_kept => {
                    // SAFETY: the range lies in the stack, which no instance uses any more.
                    unsafe {
                        self.at(range.start - self.base.as_ptr().addr()).cast::<u8>().write_bytes(0, range.len())
                    };
                    true
                }
                State::Present | State::Absent => self.discard(range),
            };
        }
        if !is_within(&image) {
            return false;
        }
        match contents.bytes().get(range.start - image.start..range.end - image.start) {
            // A page reported as zero became all zeros, while the image may have other contents there; so it is
            // discarded below.
            Some(bytes) if changed.state == State::Present && *kept + bytes.len() <= KEEP_BYTES => {
                *kept += bytes.len();
                let place = self.at(range.start - self.base.as_ptr().addr()).cast::<u8>();
                // SAFETY: the range lies in linear memory, which no instance uses any more, and the contents are a
                // separate mapping.
                unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                true
            }
            _ => self.discard(range),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            entry.leave();
        }
        // SAFETY: the slot made the reservation, and every user of a part of it holds a reference to the slot.
        let _ = unsafe { munmap(self.at(0), TOTAL) };
    }
}
