//! Objects that messages bring again and again: the names that are expected behind a first name.
//!
//! An object whose names come as they came before is made at once and not member by member, and its names are compared where they
//! stand in the text. A wrong guess costs a comparison. It must never know what a member holds.

use alloc::rc::Rc;
use core::cell::RefCell;

use crate::qjs::inside::Pattern;
use crate::qjs::{Value, heap};
use crate::single::Single;

/// Patterns that are remembered, each in the place that its first name leads to.
const SLOTS: usize = 16;
/// How often in a row the same names must come before they are expected.
const OFTEN: u8 = 2;
/// How sure a slot can get of its names, and so how many others it takes to change its mind.
const SURE: u8 = 16;
/// What must be free, so that a pattern takes nothing that a script needs.
const ROOM_BYTES: usize = 256 << 10;

struct Slot {
    names: u32,
    times: u8,
    pattern: Option<Rc<Pattern>>,
}

impl Slot {
    const EMPTY: Slot = Slot { names: 0, times: 0, pattern: None };
}

static KNOWN: Single<RefCell<[Slot; SLOTS]>> = Single::new(RefCell::new([Slot::EMPTY; SLOTS]));

/// The place of a first name.
#[inline]
pub(super) fn place(first: &[u8]) -> usize {
    let end = |byte: Option<&u8>| byte.copied().map_or(0, usize::from);
    (first.len() ^ end(first.first()) ^ (end(first.last()) << 1)) % SLOTS
}

/// What is expected there.
#[inline]
pub(super) fn expected(place: usize) -> Option<Rc<Pattern>> {
    KNOWN.borrow().get(place).and_then(|slot| slot.pattern.clone())
}

/// The names of an object as one number.
#[derive(Clone, Copy, Default)]
pub(super) struct Names(u32);

impl Names {
    /// One more name.
    pub(super) fn push(&mut self, name: &[u8]) {
        for byte in name {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        self.0 = self.0.rotate_left(5);
    }
}

/// What was expected there has come.
#[inline]
pub(super) fn confirm(place: usize) {
    if let Some(slot) = KNOWN.borrow_mut().get_mut(place) {
        slot.times = SURE;
    }
}

/// An object with other names has come there.
pub(super) fn note(place: usize, names: Names, object: &Value) {
    let mut slots = KNOWN.borrow_mut();
    let Some(slot) = slots.get_mut(place) else {
        return;
    };
    if slot.names == names.0 {
        slot.times = slot.times.saturating_add(1).min(SURE);
        if slot.times >= OFTEN && slot.pattern.is_none() && heap::room() > ROOM_BYTES {
            slot.pattern = Pattern::of(object).map(Rc::new);
        }
        return;
    }
    slot.times = slot.times.saturating_sub(1);
    if slot.times == 0 {
        let gone = core::mem::replace(slot, Slot { names: names.0, times: 1, pattern: None });
        drop(slots);
        drop(gone);
    }
}

/// Whether another object with the names of this one would be made at once.
pub(super) fn is_expected(first: &[u8], object: &Value) -> bool {
    expected(place(first)).is_some_and(|pattern| pattern.is_of(object))
}

/// Forgets everything.
pub(super) fn clear() {
    drop(KNOWN.replace([Slot::EMPTY; SLOTS]));
}
