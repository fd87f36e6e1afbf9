//! Counts the memory that a thread has allocated, so that a target can bound the memory that an input may cause.
//!
//! It must never know what the memory is for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// The bytes that this thread holds, and their peak, since it started. The count can be negative, because a
    /// thread can free memory of another one.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: every request is passed unchanged to the system's allocator. Counting allocates nothing, because a
// thread-local cell without a destructor needs no registration.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // The old and the new block exist at the same time while one is copied to the other.
        count(size(bytes));
        count(-size(layout.size()));
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

/// The result of some work. Panics if at any moment the work holds more than this many additional bytes.
#[track_caller]
pub(crate) fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let before = HELD.get();
    MOST.set(before);
    let result = work();
    let taken = MOST.get().saturating_sub(before);
    assert!(taken <= size(most), "it took {taken} bytes where {most} are enough");
    result
}
