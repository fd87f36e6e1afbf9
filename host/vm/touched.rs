//! Which pages of this process may hold something else than the file they are mapped from, as the system keeps count.
//!
//! It must never know what the pages are for. What it does not know counts as touched.

/// For each page of the system in a range, whether it may have been written to; None where the system does not tell.
pub(super) struct Touched {
    page_bytes: usize,
    /// A word per page, from <https://docs.kernel.org/admin-guide/mm/pagemap.html>.
    words: Vec<u8>,
}

/// Bytes of a word.
const WORD: usize = size_of::<u64>();
/// The page is there, or in swap; one that is neither reads as what it is mapped from.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
/// The page is that of the file, and not a copy of this process's own.
const OF_FILE: u64 = 1 << 61;

impl Touched {
    /// Asks for a range that starts at a page.
    pub(super) fn of(start: *const u8, bytes: usize) -> Option<Touched> {
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::FileExt;
            let page_bytes = rustix::param::page_size();
            if !start.addr().is_multiple_of(page_bytes) {
                return None;
            }
            let mut words = vec![0; bytes.div_ceil(page_bytes) * WORD];
            // Opened each time: a file that a forked child inherited would tell of its parent's pages.
            let pagemap = std::fs::File::open("/proc/self/pagemap").ok()?;
            pagemap.read_exact_at(&mut words, u64::try_from(start.addr() / page_bytes * WORD).ok()?).ok()?;
            Some(Touched { page_bytes, words })
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (start, bytes);
            None
        }
    }

    /// Whether the page that holds the byte at this offset may have been written to.
    pub(super) fn holds(&self, offset: usize) -> bool {
        let at = offset / self.page_bytes * WORD;
        let word = self.words.get(at..at + WORD).and_then(|word| word.try_into().ok()).map(u64::from_ne_bytes);
        word.is_none_or(|word| word & (PRESENT | SWAPPED) != 0 && word & OF_FILE == 0)
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::expect_used, reason = "a test that cannot go on should stop there")]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_written_to_counts_and_one_that_is_not_there_does_not() {
        let page_bytes = rustix::param::page_size();
        // Fresh from the system, because it is far too large to be taken from what was freed before.
        let mut memory = vec![0_u8; 64 << 20];
        let skipped = memory.as_ptr().align_offset(page_bytes);
        memory[skipped + 5 * page_bytes] = 1;
        let bytes = 10 * page_bytes;
        let touched = Touched::of(memory[skipped..].as_ptr(), bytes).expect("this system tells");
        assert!(touched.holds(5 * page_bytes) && touched.holds(6 * page_bytes - 1));
        // A large page may have been put there as a whole, so that only those after it are sure to be missing.
        let far = Touched::of(memory[skipped + (32 << 20)..].as_ptr(), bytes).expect("this system tells");
        assert!(!(0..bytes).any(|offset| far.holds(offset)));
        assert!(far.holds(bytes), "what is not known counts");
    }

    #[test]
    fn a_range_that_starts_within_a_page_is_not_told() {
        let memory = [0_u8; 64];
        let odd = if memory.as_ptr().addr().is_multiple_of(2) { &memory[1..] } else { &memory[..] };
        assert!(Touched::of(odd.as_ptr(), 8).is_none());
    }
}
