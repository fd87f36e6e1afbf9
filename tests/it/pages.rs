//! Asks the kernel to take pages of this process away: to swap them out, and to move them to other memory.
//!
//! It must never know what the pages are for.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::fs;

/// Whether pages without a file can be swapped out on this machine.
pub(crate) fn there_is_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|list| list.lines().count() > 1)
}

/// How many bytes of this process are in swap.
pub(crate) fn swapped_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSwap:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
}

/// Swaps out every private page of this process that can be written to.
pub(crate) fn swap_out() {
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut words = line.split_whitespace();
        let (range, permissions) = (words.next().unwrap(), words.next().unwrap());
        if permissions != "rw-p" || line.contains("[stack") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
        // SAFETY: paging out changes where the kernel keeps the bytes, and none of them.
        let _ = unsafe { rustix::mm::madvise(start as *mut _, end - start, rustix::mm::Advice::LinuxPageOut) };
    }
}
