//! Makes the kernel swap out, migrate, merge or enlarge the pages of this process.
//!
//! It must never know what the pages are for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::fs;
use std::io::{Error, Write as _};
use std::ops::Range;
use std::time::{Duration, Instant};

/// Whether pages without a file can be swapped out on this machine.
pub(crate) fn there_is_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|list| list.lines().count() > 1)
}

/// How many bytes of this process are in swap.
pub(crate) fn swapped_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    kilobytes(&status, "VmSwap:")
}

/// A number from a list like `/proc/meminfo`, in bytes.
fn kilobytes(list: &str, name: &str) -> u64 {
    let line = list.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
}

/// Every writable private mapping of this process, except the stack of its first thread.
fn mappings() -> Vec<Range<usize>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let range = |line: &str| {
        let mut words = line.split_whitespace();
        let (range, permissions) = (words.next().unwrap(), words.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
        (permissions == "rw-p" && !line.contains("[stack")).then_some(start..end)
    };
    maps.lines().filter_map(range).collect()
}

/// Gives advice about all of them; returns how many accepted it.
fn advise(advice: libc::c_int) -> usize {
    // SAFETY: the advice used in this file changes where the kernel keeps the bytes, but not the bytes.
    let is_taken = |range: &Range<usize>| unsafe { libc::madvise(range.start as *mut _, range.len(), advice) == 0 };
    mappings().iter().filter(|range| is_taken(range)).count()
}

/// Swaps out every writable private page of this process.
pub(crate) fn swap_out() {
    advise(libc::MADV_PAGEOUT);
}

/// Whether the kernel supports huge pages.
pub(crate) fn can_be_large() -> bool {
    fs::exists("/sys/kernel/mm/transparent_hugepage/enabled").unwrap()
}

/// Collapses pages into huge pages wherever the kernel can.
pub(crate) fn enlarge() {
    // Missing in the bindings of the C library; Linux has it since 6.1.
    const MADV_COLLAPSE: libc::c_int = 25;
    advise(MADV_COLLAPSE);
}

/// The numbers of the first two NUMA nodes that have memory, if there are two.
pub(crate) fn two_nodes() -> Option<[u32; 2]> {
    let list = fs::read_to_string("/sys/devices/system/node/has_memory").ok()?;
    let mut nodes = list.trim().split(',').flat_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    });
    Some([nodes.next()?, nodes.next()?])
}

/// Migrates the pages of all writable private mappings from the first of two nodes to the second, and back.
pub(crate) fn move_between([one, other]: [u32; 2]) {
    // From `linux/mempolicy.h`; missing in the bindings of the C library.
    const MPOL_MF_MOVE: libc::c_int = 2;
    let page_bytes = rustix::param::page_size();
    let pages: Vec<usize> = mappings().into_iter().flat_map(|range| range.step_by(page_bytes)).collect();
    for node in [other, one] {
        let (nodes, mut states) = (vec![node; pages.len()], vec![0_i32; pages.len()]);
        // SAFETY: the three lists have the length that is passed. The call changes where pages lie, but not their
        // bytes.
        let left = unsafe {
            let (count, lists) = (pages.len(), (pages.as_ptr(), nodes.as_ptr(), states.as_mut_ptr()));
            libc::syscall(libc::SYS_move_pages, 0, count, lists.0, lists.1, lists.2, MPOL_MF_MOVE)
        };
        assert!(left >= 0, "pages cannot be moved between nodes: {}", Error::last_os_error());
    }
}

/// Whether this process may trigger memory compaction.
pub(crate) fn may_compact() -> bool {
    fs::OpenOptions::new().write(true).open("/proc/sys/vm/compact_memory").is_ok()
}

/// Makes the kernel compact the memory of the whole machine.
pub(crate) fn compact() {
    fs::OpenOptions::new().write(true).open("/proc/sys/vm/compact_memory").unwrap().write_all(b"1").unwrap();
}

/// Whether this machine is small enough to be brought under memory pressure, and has enough swap.
pub(crate) fn can_run_short() -> bool {
    const SMALL: u64 = 2 << 30;
    let machine = fs::read_to_string("/proc/meminfo").unwrap();
    kilobytes(&machine, "MemTotal:") < SMALL
        && kilobytes(&machine, "SwapTotal:") >= kilobytes(&machine, "MemTotal:") / 2
}

/// Allocates more memory than is free, so that idle pages are swapped out, and frees it.
pub(crate) fn run_short() {
    let machine = fs::read_to_string("/proc/meminfo").unwrap();
    let (free, swap) = (kilobytes(&machine, "MemAvailable:"), kilobytes(&machine, "SwapFree:"));
    let mut taken = vec![0_u8; usize::try_from(free + swap / 4).unwrap()];
    // All pages differ, so that they cannot be merged.
    for (number, page) in (0_u64..).zip(taken.chunks_mut(4096)) {
        page[..8].copy_from_slice(&number.to_ne_bytes());
    }
    std::hint::black_box(&taken);
}

const MERGING: &str = "/sys/kernel/mm/ksm";

fn merging(name: &str) -> Option<u64> {
    fs::read_to_string(format!("{MERGING}/{name}")).ok()?.trim().parse().ok()
}

/// Whether the kernel merges equal pages, and replaces zero pages with its shared one.
pub(crate) fn are_merged() -> bool {
    merging("run") == Some(1) && merging("use_zero_pages") == Some(1)
}

/// Lets the kernel merge equal pages of this process, and waits until it has.
pub(crate) fn merge() {
    const PATIENCE: Duration = Duration::from_secs(900);
    assert!(advise(libc::MADV_MERGEABLE) > 0, "no mapping can be merged: {}", Error::last_os_error());
    // A page is merged once it was seen unchanged, so in the second full scan; the current scan may be half done.
    let (before, begin) = (merging("full_scans").unwrap(), Instant::now());
    while merging("full_scans").unwrap() < before + 4 {
        assert!(begin.elapsed() < PATIENCE, "the kernel does not come round to merging pages");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(merging("pages_sharing").unwrap() > 0, "the kernel found nothing to merge");
}
