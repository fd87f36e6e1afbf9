//! Plain data to JSON text, where that loses nothing. It must never know the engine.

use alloc::vec::Vec;

use super::writer::Writer;
use crate::qjs::heap;
use crate::qjs::inside::{Chars, Sink};

/// Writes as [`Writer`] does, and ends the walk at an object that it has met before and at minus zero.
#[derive(Default)]
pub(super) struct Exact {
    writer: Writer,
    /// The object that the walk began with, which is always held by something else too. It needs no table.
    root: usize,
    met: Addresses,
}

impl Exact {
    pub(super) fn into_text(self) -> Vec<u8> {
        self.writer.out
    }
}

impl Sink for Exact {
    const IS_EXACT: bool = true;

    fn is_first(&mut self, address: usize) -> bool {
        if self.root == 0 {
            self.root = address;
            return true;
        }
        address != self.root && self.met.insert(address as u32)
    }

    #[inline]
    fn null(&mut self) -> bool {
        self.writer.null()
    }

    #[inline]
    fn boolean(&mut self, value: bool) -> bool {
        self.writer.boolean(value)
    }

    #[inline]
    fn int(&mut self, value: i32) -> bool {
        self.writer.int(value)
    }

    #[inline]
    fn float(&mut self, value: f64) -> bool {
        (value != 0.0 || value.is_sign_positive()) && self.writer.float(value)
    }

    #[inline]
    fn text(&mut self, chars: Chars<'_>) -> bool {
        self.writer.text(chars)
    }

    #[inline]
    fn bracket(&mut self, bracket: u8) -> bool {
        self.writer.bracket(bracket)
    }

    #[inline]
    fn comma(&mut self) -> bool {
        self.writer.comma()
    }

    #[inline]
    fn name(&mut self, chars: Chars<'_>) -> bool {
        self.writer.name(chars)
    }
}

/// The slots of the smallest table, a power of two.
const FIRST: usize = 64;

/// Addresses of objects, which are never 0.
#[derive(Default)]
struct Addresses {
    slots: Vec<u32>,
    count: usize,
}

impl Addresses {
    /// Keeps an address. False where it is there already, or there is no room.
    #[inline]
    fn insert(&mut self, address: u32) -> bool {
        (self.count * 2 < self.slots.len() || self.grow()) && self.put(address)
    }

    #[inline]
    fn put(&mut self, address: u32) -> bool {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = (address.wrapping_mul(0x9e37_79b1) >> 12) as usize;
        while let Some(slot) = self.slots.get_mut(at & mask) {
            if *slot == 0 {
                *slot = address;
                self.count += 1;
                return true;
            }
            if *slot == address {
                return false;
            }
            at += 1;
        }
        false
    }

    #[cold]
    fn grow(&mut self) -> bool {
        let size = (self.slots.len() * 4).max(FIRST);
        let mut slots = Vec::new();
        if size * size_of::<u32>() > heap::room() || slots.try_reserve_exact(size).is_err() {
            return false;
        }
        slots.resize(size, 0);
        self.count = 0;
        for address in core::mem::replace(&mut self.slots, slots) {
            if address != 0 {
                self.put(address);
            }
        }
        true
    }
}
