//! Lets wasmtime take memory and stacks from slots. wasmtime requests them while an instance is made or polled; a
//! thread-local names the slot of that instance.
//!
//! It must never know how a slot is reset.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use wasmtime::{LinearMemory, MemoryCreator, MemoryType, StackCreator, StackMemory, format_err};

use super::slot::Slot;
use crate::vm::tuning::{GUARD_BYTES, RESERVATION_BYTES, STACK_BYTES};

thread_local! {
    /// The slot of the instance that wasmtime is working on.
    static CURRENT: RefCell<Option<Arc<Slot>>> = const { RefCell::new(None) };
}

/// Runs code in which wasmtime may request memory or a stack, and serves these from this slot.
pub(super) fn with<R>(slot: &Arc<Slot>, work: impl FnOnce() -> R) -> R {
    /// Restores the previous slot, even if the work panics.
    struct Back(Option<Arc<Slot>>);
    impl Drop for Back {
        fn drop(&mut self) {
            let _ = swap(self.0.take());
        }
    }
    let _back = Back(swap(Some(slot.clone())));
    work()
}

/// While a thread ends, its thread-local is gone; then there is no current slot, and wasmtime's requests fail.
fn swap(slot: Option<Arc<Slot>>) -> Option<Arc<Slot>> {
    CURRENT.try_with(|current| current.replace(slot)).ok().flatten()
}

fn current() -> Option<Arc<Slot>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Serves wasmtime's requests.
pub(in crate::vm) struct Creator;

struct Memory {
    slot: Arc<Slot>,
    bytes: usize,
}

// SAFETY: the memory lies in a slot that serves no other instance, starts at a page, and has at least the reservation
// and guard behind it that the check below requires. `take_memory` ensures that it has one user. It is not filled
// with zeros but with the image, which replaces the module's data: `image.rs` loads only modules without active data
// segments.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        _: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let has_room = |wanted: usize, there: u64| wanted as u64 <= there;
        if !has_room(reserved.unwrap_or(usize::MAX), RESERVATION_BYTES) || !has_room(guard, GUARD_BYTES) {
            return Err("memory is wanted in another shape than slots have".into());
        }
        match current() {
            Some(slot) if minimum <= slot.image().len() && slot.take_memory() => {
                Ok(Box::new(Memory { slot, bytes: minimum }))
            }
            _ => Err("no slot was given for this memory".into()),
        }
    }
}

// SAFETY: the memory starts at a page and never moves. Its accessible part is whole pages; everything after it, up to
// the end of the guard, is mapped without access.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.bytes
    }

    fn byte_capacity(&self) -> usize {
        Slot::most_memory()
    }

    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.slot.grow(bytes)?;
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.slot.memory()
    }
}

struct Stack(Arc<Slot>);

// SAFETY: the stack lies in a slot, and `take_stack` ensures that it has one user.
unsafe impl StackCreator for Creator {
    fn new_stack(&self, bytes: usize, _: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        match current() {
            Some(slot) if bytes <= STACK_BYTES && slot.take_stack() => Ok(Box::new(Stack(slot))),
            _ => Err(format_err!("no slot was given for this stack")),
        }
    }
}

// SAFETY: the stack is whole pages, with a guard below it.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.0.stack_guard().end.wrapping_add(STACK_BYTES)
    }

    fn range(&self) -> Range<usize> {
        self.0.stack()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.0.stack_guard()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.0.return_stack();
    }
}
