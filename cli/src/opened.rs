//! Whether standard input and standard output were open when the process began.
//!
//! It owns one look at them before Rust's start-up, which opens /dev/null in the place of what is closed: nothing tells that apart
//! afterwards from a /dev/null that somebody chose, as Python and Node open it. It must never know what is read or written.
#![allow(unsafe_code, reason = "only what stands in a section of the linker's runs before Rust's start-up")]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{Errno, fcntl_getfd};
use rustix::stdio;

static IS_INPUT_CLOSED: AtomicBool = AtomicBool::new(false);
static IS_OUTPUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// # Errors
///
/// When standard input was closed.
pub(crate) fn input() -> io::Result<()> {
    checked(&IS_INPUT_CLOSED)
}

/// # Errors
///
/// When standard output was closed.
pub(crate) fn output() -> io::Result<()> {
    checked(&IS_OUTPUT_CLOSED)
}

fn checked(is_closed: &AtomicBool) -> io::Result<()> {
    if is_closed.load(Ordering::Relaxed) { Err(Errno::BADF.into()) } else { Ok(()) }
}

// SAFETY: what runs before `main` must not count on what Rust's start-up does. `look` makes two system calls and writes two atomics;
// it allocates nothing, cannot panic, and uses no other part of the standard library.
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    let is_closed = |descriptor| fcntl_getfd(descriptor) == Err(Errno::BADF);
    IS_INPUT_CLOSED.store(is_closed(stdio::stdin()), Ordering::Relaxed);
    IS_OUTPUT_CLOSED.store(is_closed(stdio::stdout()), Ordering::Relaxed);
}
