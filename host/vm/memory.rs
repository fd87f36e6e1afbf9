//! Reading and writing what the guest points at. Every pointer and length is a guess of a hostile program until it
//! has passed through here.

use wasmtime::{Caller, Memory};

use super::state::Host;

/// A place that the guest claims to own.
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

/// The bytes of a span, in place; None when it does not lie inside memory.
pub(super) fn read<'a>(caller: &'a Caller<'_, Host>, memory: Memory, span: Span) -> Option<&'a [u8]> {
    span.within(memory.data(caller))
}

/// Writes a message where the guest wants it; false when it does not fit there.
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
