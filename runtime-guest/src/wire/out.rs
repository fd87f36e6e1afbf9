//! The bytes of a message that is being written. It must never know a value.

use alloc::vec::Vec;

use belljar_abi::values::Tag;

use crate::qjs::{self, heap};

/// Takes bytes as long as the heap has room for them.
#[derive(Default)]
pub(super) struct Out(Vec<u8>);

impl Out {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        self.0 == bytes
    }

    /// A text: UTF-8, but for lone surrogates.
    pub(super) fn text(&mut self, bytes: &[u8]) -> qjs::Result<()> {
        if core::str::from_utf8(bytes).is_ok() {
            return self.run(Tag::Text, bytes);
        }
        // Each unit of UTF-16 is one byte of UTF-8 at least.
        let mut units = Vec::new();
        reserve(&mut units, bytes.len())?;
        wide(bytes, &mut units);
        self.bytes(&[Tag::Wide as u8])?;
        self.number(units.len() as u32)?;
        for unit in units {
            self.bytes(&unit.to_le_bytes())?;
        }
        Ok(())
    }

    /// A run of bytes with its length.
    pub(super) fn run(&mut self, tag: Tag, bytes: &[u8]) -> qjs::Result<()> {
        self.bytes(&[tag as u8])?;
        self.number(bytes.len() as u32)?;
        self.bytes(bytes)
    }

    pub(super) fn number(&mut self, mut number: u32) -> qjs::Result<()> {
        while number >= 0x80 {
            self.bytes(&[number as u8 | 0x80])?;
            number >>= 7;
        }
        self.bytes(&[number as u8])
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> qjs::Result<()> {
        reserve(&mut self.0, bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// UTF-8 with lone surrogates to UTF-16.
fn wide(bytes: &[u8], units: &mut Vec<u16>) {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let more = match first {
            0..0x80 => 0,
            0x80..0xe0 => 1,
            0xe0..0xf0 => 2,
            0xf0.. => 3,
        };
        let (next, after) = tail.split_at_checked(more).unwrap_or((tail, &[]));
        let start = u32::from(*first) & if more == 0 { 0x7f } else { 0x3f >> more };
        let code = next.iter().fold(start, |code, byte| code << 6 | u32::from(byte & 0x3f));
        match char::from_u32(code) {
            Some(char) => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            None => units.push(code as u16),
        }
        rest = after;
    }
}

/// Makes room in a list, if the heap has it.
pub(super) fn reserve<T>(list: &mut Vec<T>, more: usize) -> qjs::Result<()> {
    if list.capacity() - list.len() >= more {
        return Ok(());
    }
    let wanted = (list.len() + more).max(list.capacity() * 2).max(16);
    if wanted.saturating_mul(size_of::<T>()) > heap::room() || list.try_reserve_exact(wanted - list.len()).is_err() {
        return Err(qjs::throw_out_of_memory());
    }
    Ok(())
}

/// Appends to a list, if the heap has room for it.
pub(super) fn push<T>(list: &mut Vec<T>, item: T) -> qjs::Result<()> {
    reserve(list, 1)?;
    list.push(item);
    Ok(())
}
