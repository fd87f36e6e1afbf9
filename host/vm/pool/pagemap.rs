//! Asks the kernel which pages of this process have changed, that is, no longer equal what they are mapped from.
//!
//! The rule for private mappings: a page has changed if it is present or swapped, and is not the file's page. A page
//! that is being migrated counts as swapped, both in the ioctl (`pagemap_page_category`) and in the words
//! (`pte_to_pagemap_entry`) of `fs/proc/task_mmu.c`; both take the lock that migration and swapping take. The
//! kernel's own flag for *written* pages is not used: since Linux 7.3 it works only for memory that is registered
//! with userfaultfd.
//!
//! It must never know what the pages are for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::ioctl::{self, Ioctl, IoctlOutput, Opcode};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

/// A range of pages that may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    /// Addresses.
    pub(super) range: Range<usize>,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In memory.
    Present,
    /// In swap or being migrated. Touching such a page would load its changed contents.
    Absent,
    /// The kernel's shared zero page.
    Zero,
}

/// The kernel interface for the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The ioctl `PAGEMAP_SCAN`, since Linux 6.7.
    Scan,
    /// The words of `/proc/self/pagemap`.
    Words,
}

/// Calls `each` with the changed pages of a range of whole pages, in order; false if the kernel does not answer.
pub(super) fn changed(question: Question, range: &Range<usize>, mut each: impl FnMut(Changed)) -> bool {
    with_pagemap(|pagemap| match question {
        Question::Scan => scan(pagemap, range, &mut each),
        Question::Words => words(pagemap, range, &mut each),
    })
    .unwrap_or(false)
}

/// Calls `ask` with `/proc/self/pagemap`. The file is opened once. In a forked child, that file would show the
/// parent's pages, so the child opens it again each time.
fn with_pagemap<R>(ask: impl FnOnce(&File) -> R) -> Option<R> {
    static FIRST: OnceLock<(File, Option<Mark>)> = OnceLock::new();
    let open = || File::open("/proc/self/pagemap").ok();
    let (pagemap, mark) = match FIRST.get() {
        Some(first) => first,
        None => {
            let opened = (open()?, Mark::new());
            FIRST.get_or_init(|| opened)
        }
    };
    if mark.as_ref().is_some_and(Mark::is_there) { Some(ask(pagemap)) } else { Some(ask(&open()?)) }
}

/// A byte in memory that a forked child does not inherit, to detect a fork.
struct Mark(NonNull<AtomicU8>);

// SAFETY: the mark is an atomic that lives as long as the process.
unsafe impl Send for Mark {}
// SAFETY: as above.
unsafe impl Sync for Mark {}

impl Mark {
    /// None if the kernel cannot wipe a page in a forked child (Linux before 4.14).
    fn new() -> Option<Mark> {
        let bytes = rustix::param::page_size();
        // SAFETY: a new mapping at an address that the kernel chooses; no other code uses it, and it is never
        // unmapped.
        let page = unsafe {
            let page =
                mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            let page = page.ok()?;
            madvise(page, bytes, Advice::LinuxWipeOnFork).ok()?;
            page
        };
        let mark = Mark(NonNull::new(page.cast::<AtomicU8>())?);
        mark.byte().store(1, Ordering::Relaxed);
        Some(mark)
    }

    fn byte(&self) -> &AtomicU8 {
        // SAFETY: the page is mapped for as long as the process lives, and aligned.
        unsafe { self.0.as_ref() }
    }

    fn is_there(&self) -> bool {
        self.byte().load(Ordering::Relaxed) == 1
    }
}

/// Categories of the ioctl: <https://docs.kernel.org/admin-guide/mm/pagemap.html>.
mod category {
    pub(super) const FILE: u64 = 1 << 2;
    pub(super) const PRESENT: u64 = 1 << 3;
    pub(super) const SWAPPED: u64 = 1 << 4;
    pub(super) const ZERO: u64 = 1 << 5;
}

/// Ranges that one call of the ioctl can return. A small script changes about fifteen.
const RANGES: usize = 48;

/// `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_length: u64,
    max_pages: u64,
    inverted: u64,
    mask: u64,
    any_of: u64,
    told: u64,
}

// SAFETY: the opcode is that of PAGEMAP_SCAN in `linux/fs.h`, and the argument is its `struct pm_scan_arg`. The
// kernel writes to the argument and to at most `regions_length` regions, and returns how many it wrote.
unsafe impl Ioctl for &mut Scan {
    type Output = usize;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        ioctl::opcode::read_write::<Scan>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        std::ptr::from_mut(*self).cast()
    }

    unsafe fn output_from_ptr(count: IoctlOutput, _: *mut std::ffi::c_void) -> rustix::io::Result<usize> {
        usize::try_from(count).map_err(|_| rustix::io::Errno::INVAL)
    }
}

fn scan(pagemap: &File, range: &Range<usize>, each: &mut impl FnMut(Changed)) -> bool {
    let mut from = range.start;
    while from < range.end {
        let mut regions = [Region::default(); RANGES];
        let mut question = Scan {
            size: size_of::<Scan>() as u64,
            flags: 0,
            start: from as u64,
            end: range.end as u64,
            walk_end: 0,
            regions: regions.as_mut_ptr().addr() as u64,
            regions_length: RANGES as u64,
            max_pages: 0,
            inverted: category::FILE,
            mask: category::FILE,
            any_of: category::PRESENT | category::SWAPPED,
            told: category::PRESENT | category::ZERO,
        };
        // SAFETY: `regions` has the length that the argument gives, and outlives the call.
        let Ok(count) = (unsafe { ioctl::ioctl(pagemap, &mut question) }) else { return false };
        for region in regions.iter().take(count) {
            let (Ok(start), Ok(end)) = (usize::try_from(region.start), usize::try_from(region.end)) else {
                return false;
            };
            if start < from || end > range.end || start >= end {
                return false;
            }
            let state = match region.categories {
                told if told & category::ZERO != 0 => State::Zero,
                told if told & category::PRESENT != 0 => State::Present,
                _ => State::Absent,
            };
            each(Changed { range: start..end, state });
        }
        match usize::try_from(question.walk_end) {
            Ok(end) if end > from => from = end,
            _ => return false,
        }
    }
    true
}

/// Bits of a word of `/proc/self/pagemap`: <https://docs.kernel.org/admin-guide/mm/pagemap.html>.
mod word {
    pub(super) const FILE: u64 = 1 << 61;
    pub(super) const SWAPPED: u64 = 1 << 62;
    pub(super) const PRESENT: u64 = 1 << 63;
}

fn words(pagemap: &File, range: &Range<usize>, each: &mut impl FnMut(Changed)) -> bool {
    const WORD: usize = size_of::<u64>();
    let page = rustix::param::page_size();
    let mut words = vec![0; range.len() / page * WORD];
    let Ok(place) = u64::try_from(range.start / page * WORD) else { return false };
    // A short read is incomplete, and not only at its end: Linux before 6.5 could skip pages in the middle.
    if !pagemap.read_at(&mut words, place).is_ok_and(|read| read == words.len()) {
        return false;
    }
    let mut run: Option<Changed> = None;
    for (start, word) in (range.start..).step_by(page).zip(words.as_chunks::<WORD>().0) {
        let word = u64::from_ne_bytes(*word);
        let state = match word {
            word if word & word::FILE != 0 => None,
            word if word & word::PRESENT != 0 => Some(State::Present),
            word if word & word::SWAPPED != 0 => Some(State::Absent),
            _ => None,
        };
        match (&mut run, state) {
            (Some(run), Some(state)) if run.state == state && run.range.end == start => run.range.end += page,
            (run, state) => {
                let next = state.map(|state| Changed { range: start..start + page, state });
                if let Some(done) = std::mem::replace(run, next) {
                    each(done);
                }
            }
        }
    }
    if let Some(last) = run {
        each(last);
    }
    true
}
