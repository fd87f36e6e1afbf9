//! What the host gives: the imports of the module, as safe functions. `exports.rs` has what the host calls.
//!
//! It must never know what a payload means or what QuickJS is.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use alloc::vec::Vec;
use belljar_abi::{Ask, Level, Reply, Send, Shape, import};
use core::cell::Cell;

use crate::single::Single;

const _: () = assert!(belljar_abi::VERSION == 1, "a new version needs a look at every import below");
const _: () = assert!(import::ALL.len() == 6, "docs/isolation.md prints the import list");

mod host {
    #[link(wasm_import_module = "belljar")]
    unsafe extern "C" {
        pub fn ask(what: u32) -> i64;
        pub fn poll() -> i32;
        pub fn send(kind: u32, detail: u32, pointer: *const u8, length: usize) -> i32;
        pub fn rpc(id: u32, method: *const u8, method_length: usize, params: *const u8, params_length: usize) -> i32;
        pub fn rpc_sync(method: *const u8, method_length: usize, params: *const u8, params_length: usize) -> i64;
        pub fn take(pointer: *mut u8, length: usize);
    }
}

/// A panic is a trap. Nobody could read its message, and the code that formats one takes entries of the module's table.
#[panic_handler]
fn trap(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// False while Wizer runs, when no import may be called.
static LIVE: Single<Cell<bool>> = Single::new(Cell::new(false));
/// The host has said stop during this call, so it is not asked again.
static STOPPED: Single<Cell<bool>> = Single::new(Cell::new(false));

/// The image is finished: from the next call on, imports may be called.
pub fn go_live() {
    LIVE.set(true);
}

/// An operation begins, and the host may be asked again.
pub fn begin() {
    STOPPED.set(false);
}

/// QuickJS's C library asks for the time by this name; the definition here keeps it from becoming an import.
#[unsafe(no_mangle)]
pub extern "C" fn __rquickjs_host_now_us() -> f64 {
    ask(Ask::WallMicros) as f64
}

/// One number from the host; zero while the image is built.
pub fn ask(what: Ask) -> i64 {
    if !LIVE.get() {
        return 0;
    }
    // SAFETY: the import takes and returns plain numbers.
    unsafe { host::ask(what as u32) }
}

/// Whether the host wants this call to end.
pub fn poll() -> bool {
    // SAFETY: the import takes nothing and returns a plain number.
    is_stopped() || latch(LIVE.get() && unsafe { host::poll() } != 0)
}

/// Whether the host has said stop during this call.
pub fn is_stopped() -> bool {
    STOPPED.get()
}

fn latch(stop: bool) -> bool {
    if stop {
        STOPPED.set(true);
    }
    stop
}

/// Hands bytes to the host; true means unwind.
#[must_use]
pub fn send(kind: Send, bytes: &[u8]) -> bool {
    // SAFETY: pointer and length describe a live slice, which the host only reads.
    latch(unsafe { host::send(kind as u32, 0, bytes.as_ptr(), bytes.len()) } != 0)
}

/// Hands a result to the host that is not JSON; true means unwind.
#[must_use]
pub fn send_shaped(shape: Shape, text: &[u8]) -> bool {
    // SAFETY: pointer and length describe a live slice, which the host only reads.
    latch(unsafe { host::send(Send::Result as u32, shape as u32, text.as_ptr(), text.len()) } != 0)
}

/// Hands a console line to the host; true means unwind.
#[must_use]
pub fn send_console(level: Level, line: &[u8]) -> bool {
    // SAFETY: pointer and length describe a live slice, which the host only reads.
    latch(unsafe { host::send(Send::Console as u32, level as u32, line.as_ptr(), line.len()) } != 0)
}

/// Starts a call; true means unwind.
#[must_use]
pub fn rpc(id: u32, method: &[u8], params: &[u8]) -> bool {
    // SAFETY: both pairs describe live slices, which the host only reads.
    latch(unsafe { host::rpc(id, method.as_ptr(), method.len(), params.as_ptr(), params.len()) } != 0)
}

/// Makes a call and waits for its reply.
pub fn rpc_sync(method: &[u8], params: &[u8]) -> (Reply, usize) {
    // SAFETY: both pairs describe live slices, which the host only reads.
    let packed = unsafe { host::rpc_sync(method.as_ptr(), method.len(), params.as_ptr(), params.len()) } as u64;
    match Reply::from_wire((packed >> 32) as u32) {
        Some(reply @ (Reply::Value | Reply::Error)) => (reply, packed as u32 as usize),
        Some(Reply::Stop) | None => {
            latch(true);
            (Reply::Stop, 0)
        }
    }
}

/// Pulls the announced message and puts a NUL behind it, which QuickJS's parsers need. None when there is no room.
pub fn take(length: usize) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    message.try_reserve_exact(length.checked_add(1)?).ok()?;
    // SAFETY: the vector has room for `length` bytes and one more; the host writes exactly `length` of them.
    unsafe {
        if length > 0 {
            host::take(message.as_mut_ptr(), length);
        }
        message.as_mut_ptr().add(length).write(0);
        message.set_len(length + 1);
    }
    Some(message)
}
