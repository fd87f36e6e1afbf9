//! Objects with the same names that messages bring again and again.
//!
//! The first name of an object leads to a pattern: the names that are expected to follow. An object that has the
//! expected names is made at once, and not name by name. A wrong guess costs a comparison. `benches/NOTES.md` has what
//! this gains. It must never know what a member holds.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::qjs::free::clear_spare;
use crate::qjs::{Result, Template, Value, heap, present};
use crate::single::Single;

/// How many patterns are kept, each in the slot that its first name leads to.
const SLOTS: usize = 16;
/// How often in a row the same names must come before they are expected.
const OFTEN: u8 = 2;
/// The most that a slot counts, and so how many other objects it takes until it expects other names.
const SURE: u8 = 16;
/// What must be free, so that a pattern takes nothing that a script needs.
const ROOM_BYTES: usize = 256 << 10;
/// The most members of an object that becomes a pattern.
const NAMES: usize = 16;
/// The longest name, so that patterns hold little of what scripts have freed.
const NAME_BYTES: usize = 64;

/// The names of an ordinary object, from which others with the same names are made at once.
pub(super) struct Pattern {
    template: Template,
    names: Vec<Vec<u8>>,
}

impl Pattern {
    /// The pattern of an object that was made from JSON; None if the object is large, or memory is short.
    fn of(object: &Value) -> Option<Pattern> {
        let (keys, count) = present(object.own_keys(NAMES))?;
        if count > NAMES {
            return None;
        }
        let names = keys.iter().map(|key| present(key.lossy_start(NAME_BYTES + 1)));
        // QuickJS lists numbers before other names, whatever the order of the text.
        let is_fit = |name: &String| {
            name.len() <= NAME_BYTES && name.is_ascii() && !name.starts_with(|first: char| first.is_ascii_digit())
        };
        let mut names: Vec<Vec<u8>> =
            names.map(|name| name.filter(is_fit).map(String::into_bytes)).collect::<Option<_>>()?;
        // A pattern outlives what its room held before.
        names.iter_mut().for_each(clear_spare);
        clear_spare(&mut names);
        let template = present(Template::new(names.iter().map(Vec::as_slice)))?;
        Some(Pattern { template, names })
    }

    /// How many names there are.
    #[inline]
    pub(super) fn names(&self) -> usize {
        self.names.len()
    }

    /// The name at a place.
    #[inline]
    pub(super) fn name(&self, index: usize) -> Option<&[u8]> {
        self.names.get(index).map(Vec::as_slice)
    }

    /// An object with these names and the values from `start` on, one for each, which are taken out of the list.
    #[inline]
    pub(super) fn object(&self, values: &mut Vec<Value>, start: usize) -> Result<Value> {
        self.template.object(values, start)
    }
}

struct Slot {
    names: u32,
    times: u8,
    pattern: Option<Rc<Pattern>>,
}

impl Slot {
    const EMPTY: Slot = Slot { names: 0, times: 0, pattern: None };
}

static KNOWN: Single<RefCell<[Slot; SLOTS]>> = Single::new(RefCell::new([Slot::EMPTY; SLOTS]));

/// The slot of a first name.
#[inline]
pub(super) fn place(first: &[u8]) -> usize {
    let end = |byte: Option<&u8>| byte.copied().map_or(0, usize::from);
    (first.len() ^ end(first.first()) ^ (end(first.last()) << 1)) % SLOTS
}

/// The pattern that is expected there.
#[inline]
pub(super) fn expected(place: usize) -> Option<Rc<Pattern>> {
    KNOWN.borrow().get(place).and_then(|slot| slot.pattern.clone())
}

/// A hash of the names of an object.
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

/// An object with the expected names has come.
#[inline]
pub(super) fn confirm(place: usize) {
    if let Some(slot) = KNOWN.borrow_mut().get_mut(place) {
        slot.times = SURE;
    }
}

/// An object with other names has come.
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

/// Whether a pattern with so many names is expected behind a first name.
pub(super) fn is_expected(first: &[u8], names: usize) -> bool {
    expected(place(first)).is_some_and(|pattern| pattern.name(0) == Some(first) && pattern.names() == names)
}

/// Forgets everything.
pub(super) fn clear() {
    drop(KNOWN.replace([Slot::EMPTY; SLOTS]));
}
