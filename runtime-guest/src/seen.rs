//! Which objects have been met, by their identities. It must never know what an object is.

use alloc::vec::Vec;

use crate::qjs::heap;

/// The slots of the smallest table, a power of two.
const FIRST: usize = 32;

/// A table from identities, which are never 0, to numbers.
#[derive(Default)]
pub struct Seen {
    slots: Vec<(u64, u32)>,
    count: usize,
}

impl Seen {
    /// The number of an identity.
    pub fn get(&self, identity: u64) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash(identity) & mask;
        loop {
            match *self.slots.get(at)? {
                (0, _) => return None,
                (other, number) if other == identity => return Some(number),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Keeps the number of a new identity; false when there is no room.
    pub fn insert(&mut self, identity: u64, number: u32) -> bool {
        if (self.count + 1) * 4 > self.slots.len() * 3 && !self.grow() {
            return false;
        }
        self.count += 1;
        self.put(identity, number);
        true
    }

    fn put(&mut self, identity: u64, number: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash(identity) & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.0 == 0 {
                *slot = (identity, number);
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) -> bool {
        let size = (self.slots.len() * 2).max(FIRST);
        let mut slots = Vec::new();
        if size * size_of::<(u64, u32)>() > heap::room() || slots.try_reserve_exact(size).is_err() {
            return false;
        }
        slots.resize(size, (0, 0));
        for (identity, number) in core::mem::replace(&mut self.slots, slots) {
            if identity != 0 {
                self.put(identity, number);
            }
        }
        true
    }
}

/// Addresses are multiples of eight, so the middle bits of a product are taken.
fn hash(identity: u64) -> usize {
    ((identity as u32).wrapping_mul(0x9e37_79b1) >> 12) as usize
}
