//! Reads and writes the guest's memory. Every pointer and length comes from a program that may be hostile, and is
//! checked here.

use wasmtime::{Caller, Memory};

use super::state::Host;

/// A range of memory that the guest names.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) pointer: u32,
    pub(super) length: u32,
}

impl Span {
    fn within<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.pointer).ok()?;
        let length = usize::try_from(self.length).ok()?;
        bytes.get(start..start.checked_add(length)?)
    }
}

/// The memory of the guest that is calling.
pub(super) fn of(caller: &Caller<'_, Host>) -> Option<Memory> {
    caller.data().memory
}

/// The bytes of a span, without copying; None when it does not lie inside memory.
pub(super) fn read<'a>(caller: &'a Caller<'_, Host>, memory: Memory, span: Span) -> Option<&'a [u8]> {
    span.within(memory.data(caller))
}

/// Writes a message to the address that the guest names; false when it does not fit in memory there.
pub(super) fn write(caller: &mut Caller<'_, Host>, memory: Memory, pointer: u32, message: &[u8]) -> bool {
    let Ok(start) = usize::try_from(pointer) else { return false };
    let Some(end) = start.checked_add(message.len()) else { return false };
    match memory.data_mut(caller).get_mut(start..end) {
        Some(place) => {
            place.copy_from_slice(message);
            true
        }
        None => false,
    }
}
