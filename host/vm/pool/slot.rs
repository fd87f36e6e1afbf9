//! A slot: one reservation of address space that holds the memory and the stack of one instance at a time.
//!
//! ```text
//! guard | stack | guard | linear memory: a private mapping of the image, then room to grow | guard
//! ```
//!
//! Its memory begins as a copy-on-write mapping of an image, and [`Slot::reset`] brings it back to that. It must
//! never know who uses it.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap};

use super::census;
use super::contents::Contents;
use super::pagemap::{Changed, Question, State};
use crate::error::{Error, Result};
use crate::vm::tuning::{GUARD_BYTES, RESERVATION_BYTES, STACK_BYTES};

const MEMORY_BYTES: usize = RESERVATION_BYTES as usize;
/// Between stack and memory, and behind memory, lies what generated code may reach without a check.
const GUARD: usize = GUARD_BYTES as usize;
/// Below the stack. No page of a system we run on is larger.
const STACK_GUARD: usize = 64 << 10;
const STACK_AT: usize = STACK_GUARD;
const MEMORY_AT: usize = STACK_AT + STACK_BYTES + GUARD;
const TOTAL: usize = MEMORY_AT + MEMORY_BYTES + GUARD;

/// Changed memory that is written back in place, so that the next instance finds its pages there; what goes beyond is
/// given back to the system. It covers the pages that most scripts write to.
const KEEP_BYTES: usize = 512 << 10;
/// Stack that is cleared in place, from its top.
const KEEP_STACK_BYTES: usize = 64 << 10;

/// See the head of this file.
pub(super) struct Slot {
    base: NonNull<u8>,
    image_bytes: usize,
    /// Bytes of linear memory that can be accessed: the image's at least.
    accessible: Arc<AtomicUsize>,
    has_memory: AtomicBool,
    has_stack: AtomicBool,
}

// SAFETY: the slot owns its reservation, and what it is asked through a shared reference is a system call or an
// atomic.
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
        // SAFETY: a new mapping at a place that the kernel chooses.
        let base = unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            mmap_anonymous(std::ptr::null_mut(), TOTAL, ProtFlags::empty(), flags)
        };
        let base = base.map_err(|error| failed("reserve the address space", error))?;
        let Some(base) = NonNull::new(base.cast()) else {
            return Err(Error::host("the system reserved memory at address zero"));
        };
        // From here on the reservation goes with the slot.
        let slot = Slot {
            base,
            image_bytes,
            accessible: Arc::new(AtomicUsize::new(image_bytes)),
            has_memory: AtomicBool::new(false),
            has_stack: AtomicBool::new(false),
        };
        census::enter(base.addr().get(), slot.accessible.clone());
        // A large page would be changed as a whole by the first byte that is written. A kernel without them refuses.
        // SAFETY: advice about the slot's own reservation.
        let _ = unsafe { madvise(slot.at(0), TOTAL, Advice::LinuxNoHugepage) };
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the stack lies in the reservation, of which nobody has a reference yet.
        unsafe { mprotect(slot.at(STACK_AT), STACK_BYTES, access) }.map_err(|error| failed("map the stack", error))?;
        // SAFETY: the image takes the place of a part of the reservation, of which nobody has a reference yet.
        let mapped = unsafe {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
            mmap(slot.at(MEMORY_AT), image_bytes, access, flags, contents.file(), 0)
        };
        mapped.map_err(|error| failed("map the memory", error))?;
        Ok(slot)
    }

    /// Address space that a slot reserves.
    pub(super) const RESERVED_BYTES: usize = TOTAL;

    /// Addresses of the stack and of accessible linear memory in a slot that begins there.
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

    /// Gives linear memory to its one user; false where it has one.
    pub(super) fn take_memory(&self) -> bool {
        !self.has_memory.swap(true, Ordering::Relaxed)
    }

    /// Gives the stack to its one user; false where it has one.
    pub(super) fn take_stack(&self) -> bool {
        !self.has_stack.swap(true, Ordering::Relaxed)
    }

    /// Takes the stack back.
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

    /// Bytes of linear memory that there can be.
    pub(super) const fn most_memory() -> usize {
        MEMORY_BYTES
    }

    /// Makes that much of linear memory accessible; what is new reads as zeros.
    pub(super) fn grow(&self, bytes: usize) -> std::io::Result<()> {
        let before = self.accessible.load(Ordering::Relaxed);
        if bytes <= before {
            return Ok(());
        }
        if bytes > MEMORY_BYTES {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        // SAFETY: this lies in the reservation behind what is accessible, so nobody has a reference into it.
        unsafe {
            mprotect(self.at(MEMORY_AT + before), bytes - before, MprotectFlags::READ | MprotectFlags::WRITE)?;
        }
        self.accessible.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The address at which accessible memory ends.
    pub(super) fn used_end(&self) -> usize {
        self.memory().addr() + self.accessible.load(Ordering::Relaxed)
    }

    /// Brings the slot back to how it was mapped; false where that failed, and then it must not be used again.
    ///
    /// `tell` is asked for the changed pages of a range: it calls its second argument for each stretch, and says
    /// whether that were all of them.
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
            // An answer in words has one for every page, of which the stack has many.
            Question::Words => {
                let kept = stack.end - KEEP_STACK_BYTES;
                self.discard(&(stack.start..kept))
                    && tell(&(kept..stack.end), &mut restore)
                    && tell(&image, &mut restore)
            }
        };
        is_done && (is_whole || self.discard_all())
    }

    /// As [`Slot::reset`], where nobody knows which pages have changed.
    pub(super) fn discard_all(&mut self) -> bool {
        self.has_memory = AtomicBool::new(false);
        self.has_stack = AtomicBool::new(false);
        self.shrink() && self.discard(&self.stack()) && self.discard(&self.image())
    }

    /// The image in linear memory. The slot is in nobody's use.
    pub(super) fn image_mut(&mut self) -> &mut [u8] {
        // SAFETY: the image is mapped there, and the slot is ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.memory(), self.image_bytes) }
    }

    /// The upper end of the stack, as far as it is cleared in place. The slot is in nobody's use.
    pub(super) fn stack_mut(&mut self) -> &mut [u8] {
        let start = self.at(STACK_AT + STACK_BYTES - KEEP_STACK_BYTES).cast();
        // SAFETY: this is a part of the stack, and the slot is ours alone.
        unsafe { std::slice::from_raw_parts_mut(start, KEEP_STACK_BYTES) }
    }

    /// All of accessible memory. The slot is in nobody's use.
    #[cfg(test)]
    pub(super) fn whole_memory_mut(&mut self) -> &mut [u8] {
        // SAFETY: it is accessible, and the slot is ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.memory(), self.accessible.load(Ordering::Relaxed)) }
    }

    /// All of the stack. The slot is in nobody's use.
    #[cfg(test)]
    pub(super) fn whole_stack_mut(&mut self) -> &mut [u8] {
        // SAFETY: it is accessible, and the slot is ours alone.
        unsafe { std::slice::from_raw_parts_mut(self.at(STACK_AT).cast(), STACK_BYTES) }
    }

    /// Takes back what memory has grown by.
    fn shrink(&mut self) -> bool {
        let accessible = self.accessible.load(Ordering::Relaxed);
        let grown = accessible.saturating_sub(self.image_bytes);
        if grown == 0 {
            return true;
        }
        let place = self.at(MEMORY_AT + self.image_bytes);
        // SAFETY: this lies in the reservation, and the slot is ours alone.
        let is_back = unsafe {
            madvise(place, grown, Advice::LinuxDontNeed).and_then(|()| mprotect(place, grown, MprotectFlags::empty()))
        };
        self.accessible.store(self.image_bytes, Ordering::Relaxed);
        is_back.is_ok()
    }

    /// Gives pages back to the system: they read as what they are mapped from.
    fn discard(&self, range: &Range<usize>) -> bool {
        let place = self.at(range.start - self.base.as_ptr().addr());
        // SAFETY: the range lies in the reservation, and the slot is its caller's alone.
        unsafe { madvise(place, range.len(), Advice::LinuxDontNeed) }.is_ok()
    }

    /// Makes changed pages what they are mapped from. `kept` counts the bytes of memory that were written back in
    /// place.
    fn restore(&self, contents: &Contents, changed: &Changed, kept: &mut usize) -> bool {
        let (range, stack, image) = (&changed.range, self.stack(), self.image());
        let is_within = |outer: &Range<usize>| range.start >= outer.start && range.end <= outer.end;
        if is_within(&stack) {
            let is_kept = range.start >= stack.end - KEEP_STACK_BYTES;
            return match changed.state {
                State::Zero => true,
                State::Present if is_kept => {
                    // SAFETY: the range lies in the stack, which nobody uses any more.
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
            // The page of zeros is here the content of a page that became all zeros, and the image may hold something
            // else.
            Some(bytes) if changed.state == State::Present && *kept + bytes.len() <= KEEP_BYTES => {
                *kept += bytes.len();
                let place = self.at(range.start - self.base.as_ptr().addr()).cast::<u8>();
                // SAFETY: the range lies in linear memory, which nobody uses any more, and the view of the contents
                // elsewhere.
                unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                true
            }
            _ => self.discard(range),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        census::leave(self.base.addr().get());
        // SAFETY: the slot made the reservation, and whoever uses a part of it holds on to the slot.
        let _ = unsafe { munmap(self.at(0), TOTAL) };
    }
}
