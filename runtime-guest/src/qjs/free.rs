//! Clears free memory, so that a snapshot holds nothing that a script has freed.
//!
//! It owns the layout of the blocks of C's allocator (dlmalloc, in wasi-libc), which [`prove`] tests when the image is
//! built. QuickJS's arenas lie in such blocks, and `tools/quickjs.patch` clears them. It must never know what a block
//! held.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::vec::Vec;
use core::hint::black_box;
use core::mem::MaybeUninit;
use core::ptr;

use rquickjs_sys as sys;

use super::heap;

unsafe extern "C" {
    /// Where the linker lets the heap begin.
    static __heap_base: u8;
    /// `tools/quickjs.patch` adds it to QuickJS.
    fn js_arena_clear_free(runtime: *mut sys::JSRuntime, touched: *const u8, pages: usize);
}

const PAGE_BYTES: usize = 4096;
/// Memory grows by this much.
const WASM_PAGE_BYTES: usize = 64 << 10;

// A block begins with the size of the block before it, if that one is free, and with its own size, whose low bits are
// flags. In a free block, links to other free blocks follow. In a large block the links take more room and end with the
// number of a tree.
const SIZE_AT: usize = 4;
const LINKS_AT: usize = 8;
const LINKS_END: usize = 16;
const TREE_AT: usize = 28;
const LARGE_LINKS_END: usize = 32;
const LARGE_BYTES: usize = 256;
const LEAST_BYTES: usize = 16;
const FLAGS: usize = 7;
const IS_USED: usize = 2;
const IS_USED_BEFORE: usize = 1;
/// The remainder of every block's address, divided by [`LEAST_BYTES`].
const PLACE: usize = 8;

/// The pages of memory that may have been written to: a bit for each page, the lowest page first. Pages behind the last
/// bit may have been written to.
#[derive(Clone, Copy)]
pub struct Touched<'a>(pub &'a [u8]);

impl Touched<'_> {
    fn holds(self, page: usize) -> bool {
        self.0.get(page / 8).is_none_or(|bits| bits >> (page % 8) & 1 != 0)
    }
}

/// Clears all free memory that may have been written to. False if the heap is not laid out as this file expects.
pub fn clear(touched: Touched<'_>) -> bool {
    // SAFETY: the runtime is live, and nobody uses free blocks. There are eight bits for each byte of the list.
    unsafe { js_arena_clear_free(super::runtime(), touched.0.as_ptr(), touched.0.len() * 8) };
    each_free(|block, bytes| clear_range(first_unused(block, bytes), block + bytes, touched))
}

/// Clears the spare capacity of a list, which may hold bytes of an older block.
pub fn clear_spare<T>(list: &mut Vec<T>) {
    for place in list.spare_capacity_mut() {
        *black_box(place) = MaybeUninit::zeroed();
    }
}

/// Walks all blocks in the order of their addresses, and hands over the free ones. False if the walk does not come to
/// the end mark.
fn each_free(mut seen: impl FnMut(usize, usize)) -> bool {
    let end = memory_bytes();
    let mut block = ((&raw const __heap_base).addr() + PLACE).next_multiple_of(LEAST_BYTES) - PLACE;
    while block + LINKS_AT <= end {
        let word = word(block + SIZE_AT);
        let bytes = word & !FLAGS;
        if word & (IS_USED | IS_USED_BEFORE) == 0 {
            // Two free neighbours would be one block, so this is the mark behind the last block.
            return true;
        }
        if bytes < LEAST_BYTES || bytes > end - block {
            return false;
        }
        if word & IS_USED == 0 {
            seen(block, bytes);
        }
        block += bytes;
    }
    false
}

/// Where the allocator's links in a free block end. The block that small ones are cut from and the last block have
/// none.
fn first_unused(block: usize, bytes: usize) -> usize {
    let last = memory_bytes() - LINKS_END;
    let (next, previous) = (word(block + LINKS_AT), word(block + LINKS_AT + SIZE_AT));
    let is_linked = next <= last
        && previous <= last
        && word(next + LINKS_AT + SIZE_AT) == block
        && word(previous + LINKS_AT) == block;
    block
        + match is_linked {
            true if bytes < LARGE_BYTES => LINKS_END,
            // A block without such links may still hold links from when it was smaller.
            true if word(block + TREE_AT) == tree(bytes) => LARGE_LINKS_END,
            _ => LINKS_AT,
        }
}

/// The number of the tree that holds free blocks of a size: each power of two has two, from [`LARGE_BYTES`] on.
fn tree(bytes: usize) -> usize {
    const TREES: usize = 32;
    let Some(power) = (bytes / LARGE_BYTES).checked_ilog2().map(|power| power as usize) else { return 0 };
    (power * 2 + (bytes >> (power + 7) & 1)).min(TREES - 1)
}

fn clear_range(start: usize, end: usize, touched: Touched<'_>) {
    let mut at = start;
    while at < end {
        let stop = (at / PAGE_BYTES + 1) * PAGE_BYTES;
        if touched.holds(at / PAGE_BYTES) {
            for place in (at..stop.min(end)).step_by(size_of::<u64>()) {
                let place = ptr::with_exposed_provenance_mut::<u64>(place);
                // SAFETY: the word lies in a free block, and the allocator looks only at the links of free blocks. A
                // word that is clear is not written to, so that its page stays shared.
                unsafe {
                    if place.read_volatile() != 0 {
                        place.write_volatile(0);
                    }
                }
            }
        }
        at = stop;
    }
}

fn word(address: usize) -> usize {
    // SAFETY: callers have compared the address with the size of memory, and any bytes are a word.
    unsafe { ptr::with_exposed_provenance::<usize>(address).read_unaligned() }
}

fn memory_bytes() -> usize {
    core::arch::wasm32::memory_size::<0>() * WASM_PAGE_BYTES
}

/// Tries [`clear`] on blocks of all kinds; a failure is a failure of the build.
pub fn prove() -> bool {
    const MARK: u8 = 0xa5;
    // A link to another block may hold the mark as one of its bytes, but not four times.
    const MARKED: u32 = u32::from_ne_bytes([MARK; 4]);
    const SIZES: [usize; 6] = [12, 40, 250, 2000, 40_000, 300_000];
    let fill = |bytes: usize| {
        let block = heap::take(bytes);
        // SAFETY: the block is live and so large.
        unsafe { block.cast::<u8>().write_bytes(MARK, bytes) };
        block
    };
    let blocks = SIZES.map(|bytes| (fill(bytes), fill(16), bytes));
    for (block, _, _) in blocks {
        heap::give_back(block);
    }
    let is_whole = clear(Touched(&[]));
    let mut left = 0;
    for (block, _, bytes) in blocks {
        let words = (0..bytes / size_of::<u32>()).map(|at| block.cast::<u32>().wrapping_add(at));
        // SAFETY: memory does not shrink, any bytes are a word, and blocks are aligned.
        left += words.filter(|word| unsafe { word.read_volatile() } == MARKED).count();
    }
    for (_, spacer, _) in blocks {
        heap::give_back(spacer);
    }
    is_whole && left == 0
}
