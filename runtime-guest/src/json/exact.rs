//! Plain data to JSON text, where that loses nothing. It must never know the engine.

use alloc::vec::Vec;

use super::writer::Writer;
use crate::qjs::inside::{Chars, Sink};
use crate::seen::Seen;

/// Writes as [`Writer`] does, and ends the walk at an object that it has met before and at minus zero.
#[derive(Default)]
pub(super) struct Exact {
    writer: Writer,
    /// The object that the walk began with, which is always held by something else too. It needs no table.
    root: usize,
    seen: Seen,
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
        let identity = address as u64;
        address != self.root && self.seen.get(identity).is_none() && self.seen.insert(identity, 0)
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
