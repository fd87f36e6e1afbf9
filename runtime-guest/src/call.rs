//! What the host has said about the call in progress, and whether memory has run out in it.

use core::cell::Cell;

use belljar_abi::flag;

use crate::qjs;
use crate::single::Single;

/// The flags of the call in progress.
static FLAGS: Single<Cell<u32>> = Single::new(Cell::new(0));
/// How often the heap limit had refused when the call began.
static REFUSALS: Single<Cell<u32>> = Single::new(Cell::new(0));

/// A call begins.
pub fn begin(flags: u32) {
    FLAGS.set(flags);
    // A call that was stopped may have left an exception that nobody took.
    qjs::forget_exception();
    qjs::modules::free_failed();
    let refusals = qjs::heap::refusals();
    if REFUSALS.replace(refusals) != refusals {
        // The last call filled the heap. Garbage in cycles may be all that fills it, and this call could then not even
        // begin. This call pays for the collection.
        qjs::collect();
    }
    qjs::heap::begin_call();
}

/// What a source is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Script,
    Module,
    /// The body of a function.
    Body,
}

/// What the source of the call in progress is.
pub fn kind() -> Kind {
    match (has(flag::MODULE), has(flag::BODY)) {
        (true, _) => Kind::Module,
        (_, true) => Kind::Body,
        _ => Kind::Script,
    }
}

/// Whether the script may await.
pub fn is_async() -> bool {
    has(flag::ASYNC)
}

/// Whether the call waits until every call of a handler is answered.
pub fn drains() -> bool {
    has(flag::DRAIN)
}

/// The host says again what it wants. All that can change is that it no longer waits for calls of handlers.
pub fn go_on(flags: u32) {
    FLAGS.set(FLAGS.get() & (flags | !flag::DRAIN));
}

/// Whether the host listens to the console.
pub fn has_console() -> bool {
    has(flag::CONSOLE)
}

/// Whether the host wants the result as the console shows it.
pub fn is_inspected() -> bool {
    has(flag::INSPECT)
}

/// Whether scripts find the newest value that was shown.
pub fn keeps_last_value() -> bool {
    has(flag::KEEP)
}

fn has(flag: u32) -> bool {
    FLAGS.get() & flag != 0
}

/// Whether the heap limit has refused anything in this call.
pub fn has_memory_run_out() -> bool {
    qjs::heap::refusals() != REFUSALS.get()
}
