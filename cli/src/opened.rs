//! Whether standard input and standard output were open when the process started.
//!
//! It owns a check before `main`. Rust's start-up code opens /dev/null for every closed standard descriptor, and
//! afterwards that looks exactly like the /dev/null that Python's DEVNULL or Node's 'ignore' passes on. It must never
//! know what is read or written.
#![allow(unsafe_code, reason = "only a function in a section of the linker runs before Rust's start-up code")]

use std::io;
use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::sync::atomic::Ordering;

#[cfg(unix)]
use rustix::{
    io::{Errno, fcntl_getfd},
    stdio,
};

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

#[cfg(unix)]
fn checked(is_closed: &AtomicBool) -> io::Result<()> {
    if is_closed.load(Ordering::Relaxed) { Err(Errno::BADF.into()) } else { Ok(()) }
}

/// Elsewhere what is closed is met when it is used.
#[cfg(not(unix))]
fn checked(_: &AtomicBool) -> io::Result<()> {
    Ok(())
}

// SAFETY: a function that runs before `main` must not depend on Rust's start-up code. `look` makes two system calls and
// writes two atomics. It does not allocate, cannot panic, and uses nothing else of the standard library.
#[cfg(unix)]
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;

#[cfg(unix)]
extern "C" fn look() {
    let is_closed = |descriptor| fcntl_getfd(descriptor) == Err(Errno::BADF);
    IS_INPUT_CLOSED.store(is_closed(stdio::stdin()), Ordering::Relaxed);
    IS_OUTPUT_CLOSED.store(is_closed(stdio::stdout()), Ordering::Relaxed);
}
