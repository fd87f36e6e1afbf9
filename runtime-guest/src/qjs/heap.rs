//! The heap: C's allocator with a limit, which counts what QuickJS allocates.
//!
//! It owns the limit and the figures in `belljar_vitals`. When it hands out a block, it clears the bytes beyond those
//! that were asked for; free memory is cleared before a snapshot (`free.rs`). It must never know a value.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};

use rquickjs_sys as sys;

use crate::single::Single;

unsafe extern "C" {
    fn malloc_usable_size(pointer: *const c_void) -> usize;
    #[link_name = "malloc"]
    fn c_malloc(size: usize) -> *mut c_void;
    #[link_name = "calloc"]
    fn c_calloc(count: usize, size: usize) -> *mut c_void;
    #[link_name = "realloc"]
    fn c_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    #[link_name = "free"]
    fn c_free(pointer: *mut c_void);
    #[link_name = "aligned_alloc"]
    fn c_aligned_alloc(align: usize, size: usize) -> *mut c_void;
}

/// Bytes held and the most ever held, as `belljar_abi::vitals` lists them. They are atomics
/// because a static must be `Sync`; there is one thread, and the host reads them in place.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is the export's")]
pub static belljar_vitals: [AtomicU32; belljar_abi::vitals::WORDS] =
    [const { AtomicU32::new(0) }; belljar_abi::vitals::WORDS];

/// How often the limit has refused.
static REFUSALS: Single<Cell<u32>> = Single::new(Cell::new(0));
/// The limit that the host has set.
static ALLOWED: Single<Cell<usize>> = Single::new(Cell::new(usize::MAX));
/// The limit of the call in progress.
static LIMIT: Single<Cell<usize>> = Single::new(Cell::new(usize::MAX));
/// The largest reserve, which is kept back from the host's limit.
const RESERVE_BYTES: usize = 256 << 10;

/// Sets the limit.
pub fn set_limit(bytes: u32) {
    ALLOWED.set(bytes as usize);
    begin_call();
}

/// Sets the limit of a call. A call may fill the heap up to a reserve. A call that finds the heap already full may use
/// half of the reserve, so that a script can be compiled and run that frees what an earlier one has kept.
pub fn begin_call() {
    let allowed = ALLOWED.get();
    let reserve = (allowed / 8).min(RESERVE_BYTES);
    LIMIT.set((allowed - reserve).max(held().saturating_add(reserve / 2).min(allowed)));
}

/// How much more the call in progress may take.
pub fn room() -> usize {
    LIMIT.get().saturating_sub(held())
}

/// How often the limit refused, since the instance began.
pub fn refusals() -> u32 {
    REFUSALS.get()
}

fn vital(index: usize) -> &'static AtomicU32 {
    &belljar_vitals[index]
}

#[inline]
fn held() -> usize {
    vital(belljar_abi::vitals::HEAP_BYTES).load(Ordering::Relaxed) as usize
}

/// Counts a refusal.
#[inline]
pub(super) fn refuse() -> *mut c_void {
    REFUSALS.set(REFUSALS.get().wrapping_add(1));
    null_mut()
}

#[inline]
fn settle(old: usize, new: usize) {
    let now = held().wrapping_sub(old).wrapping_add(new) as u32;
    vital(belljar_abi::vitals::HEAP_BYTES).store(now, Ordering::Relaxed);
    let peak = vital(belljar_abi::vitals::HEAP_PEAK_BYTES);
    if now > peak.load(Ordering::Relaxed) {
        peak.store(now, Ordering::Relaxed);
    }
}

fn fits(extra: usize) -> bool {
    held().saturating_add(extra) <= LIMIT.get()
}

pub(super) unsafe extern "C" fn malloc(_: *mut c_void, size: sys::size_t) -> *mut c_void {
    if !fits(size as usize) {
        return refuse();
    }
    // SAFETY: C's allocator takes any size.
    let pointer = unsafe {
        if is_arena(size as usize) { c_aligned_alloc(PAGE_BYTES, size as usize) } else { c_malloc(size as usize) }
    };
    count(pointer, size as usize)
}

/// A page: the host copies it when an instance has written to any part of it.
const PAGE_BYTES: usize = 4096;

/// While the image is built, each of QuickJS's arenas gets its own page, so that an instance that uses one arena writes
/// to one page.
static ALIGNS: Single<Cell<bool>> = Single::new(Cell::new(true));

fn is_arena(size: usize) -> bool {
    // An arena is as large as a page, less its header and a remainder that no block fits into.
    (PAGE_BYTES - 512..PAGE_BYTES).contains(&size) && ALIGNS.get()
}

/// Prepares the heap of the image for many short-lived instances: the blocks of a small script should come from few
/// pages.
///
/// Every block size gets an arena that is never freed. Otherwise each instance would make the arenas again that the
/// image does not need. Gaps between the image's blocks are filled, so that blocks too large for an arena come from one
/// place at the end.
pub fn settle_image(spare_bytes: usize) {
    ALIGNS.set(true);
    // SAFETY: the runtime is live. What is taken here is never freed, but for the two blocks that are freed at once.
    unsafe {
        let runtime = super::runtime();
        let mut last = 0;
        for size in (8..=504).step_by(8) {
            let block = sys::js_malloc_rt(runtime, size as sys::size_t);
            let usable = sys::js_malloc_usable_size_rt(runtime, block);
            if usable == last { sys::js_free_rt(runtime, block) } else { last = usable }
        }
        ALIGNS.set(false);
        let top = c_malloc(spare_bytes);
        let mut size = 32 << 10;
        while size >= 16 {
            let gap = c_malloc(size);
            if gap.is_null() || gap.addr() > top.addr() {
                c_free(gap);
                size = if size > 64 { size / 2 } else { size - 16 };
            }
        }
        // Room at the heap's end, so that a small script need not grow the memory. Growing changes the protection of
        // pages, and so does the reset of the instance. Pages that were never written to are not in the image.
        c_free(top);
    }
}

pub(super) unsafe extern "C" fn calloc(_: *mut c_void, count_of: sys::size_t, size: sys::size_t) -> *mut c_void {
    if !fits((count_of as usize).saturating_mul(size as usize)) {
        return refuse();
    }
    // SAFETY: C's allocator takes any count and size and checks their product.
    let pointer = unsafe { c_calloc(count_of as usize, size as usize) };
    count(pointer, (count_of as usize).saturating_mul(size as usize))
}

fn count(pointer: *mut c_void, asked: usize) -> *mut c_void {
    if pointer.is_null() {
        return refuse();
    }
    // SAFETY: the pointer is a live allocation of C's allocator, of which nobody uses more than what was asked for.
    settle(0, unsafe { clear_rest(pointer, asked) });
    pointer
}

/// Clears a block beyond the bytes that were asked for, and returns its size. Bytes of an older block would otherwise
/// be in snapshots.
///
/// # Safety
///
/// The block is live, and nothing in it beyond what was asked for is needed.
#[inline]
unsafe fn clear_rest(block: *mut c_void, asked: usize) -> usize {
    // SAFETY: the caller says so; sizes of blocks are multiples of four.
    unsafe {
        let usable = malloc_usable_size(block);
        let mut at = asked;
        while at < usable && !at.is_multiple_of(4) {
            block.byte_add(at).cast::<u8>().write_volatile(0);
            at += 1;
        }
        while at < usable {
            block.byte_add(at).cast::<u32>().write_volatile(0);
            at += 4;
        }
        usable
    }
}

/// A block that is not counted.
pub(super) fn take(bytes: usize) -> *mut c_void {
    // SAFETY: C's allocator takes any size.
    unsafe { c_malloc(bytes) }
}

/// Frees what [`take`] gave.
pub(super) fn give_back(block: *mut c_void) {
    // SAFETY: only `take` gives such blocks, and its callers free each once.
    unsafe { c_free(block) }
}

pub(super) unsafe extern "C" fn free(_: *mut c_void, pointer: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: QuickJS frees what it got from the functions above, once.
    unsafe {
        settle(malloc_usable_size(pointer), 0);
        c_free(pointer);
    }
}

pub(super) unsafe extern "C" fn realloc(_: *mut c_void, pointer: *mut c_void, size: sys::size_t) -> *mut c_void {
    // SAFETY: QuickJS passes null or a live allocation; a failed `realloc` leaves the old one alone.
    unsafe {
        let old = if pointer.is_null() { 0 } else { malloc_usable_size(pointer) };
        if size as usize > old && !fits(size as usize - old) {
            return refuse();
        }
        let new = c_realloc(pointer, size as usize);
        if new.is_null() {
            return if size == 0 { new } else { refuse() };
        }
        let usable = clear_rest(new, size as usize);
        if (size as usize) > old {
            // Lists grow before they are filled, and an older block's bytes would be in snapshots meanwhile.
            new.byte_add(old).write_bytes(0, size as usize - old);
        }
        settle(old, usable);
        new
    }
}

pub(super) unsafe extern "C" fn usable_size(pointer: *const c_void) -> sys::size_t {
    if pointer.is_null() {
        return 0;
    }
    // SAFETY: QuickJS asks about live allocations only.
    unsafe { malloc_usable_size(pointer) as sys::size_t }
}

/// Rust's own allocations come from the same allocator, so that the image holds one heap.
struct Shared;

#[global_allocator]
static GLOBAL: Shared = Shared;

const MALLOC_ALIGN: usize = 8;

// SAFETY: blocks of C's allocator are aligned to `MALLOC_ALIGN` at least, and those of `aligned_alloc` to more. `free`
// frees both.
unsafe impl GlobalAlloc for Shared {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: size and alignment come from a valid layout.
        unsafe {
            let block = if layout.align() <= MALLOC_ALIGN {
                c_malloc(layout.size())
            } else {
                c_aligned_alloc(layout.align(), layout.size().next_multiple_of(layout.align()))
            };
            if !block.is_null() {
                clear_rest(block, layout.size());
            }
            block.cast()
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the pointer came from `alloc` above.
        unsafe { c_free(pointer.cast()) }
    }
}
