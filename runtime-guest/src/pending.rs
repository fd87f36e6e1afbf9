//! Calls of handlers that wait for an answer. It must never know how a call is made or answered.

use alloc::vec::Vec;
use core::cell::RefCell;

use crate::qjs::free::clear_spare;
use crate::qjs::{Places, Value};
use crate::single::Single;

/// One call: the two functions that settle its promise, and what an error would say about it.
pub struct InFlight {
    pub resolve: Value,
    pub reject: Value,
    pub method: Value,
    pub places: Places,
}

/// The calls by their ids. An id is a place in the list, and is used again after the answer.
struct Pending {
    slots: Vec<Option<InFlight>>,
    free: Vec<u32>,
}

static PENDING: Single<RefCell<Pending>> = Single::new(RefCell::new(Pending { slots: Vec::new(), free: Vec::new() }));

/// Whether no call waits.
pub fn is_empty() -> bool {
    let pending = PENDING.borrow();
    pending.slots.len() == pending.free.len()
}

/// Keeps a call until it is answered; its id.
pub fn insert(call: InFlight) -> u32 {
    let pending = &mut *PENDING.borrow_mut();
    if let Some(id) = pending.free.pop()
        && let Some(slot) = pending.slots.get_mut(id as usize)
    {
        *slot = Some(call);
        return id;
    }
    pending.slots.push(Some(call));
    pending.slots.len() as u32 - 1
}

/// The call with this id, which waits no more.
pub fn remove(id: u32) -> Option<InFlight> {
    let pending = &mut *PENDING.borrow_mut();
    let call = pending.slots.get_mut(id as usize)?.take()?;
    pending.free.push(id);
    Some(call)
}

/// Drops all calls.
pub fn clear() {
    let none = Pending { slots: Vec::new(), free: Vec::new() };
    // The values are dropped when nothing is borrowed any more.
    drop(PENDING.replace(none));
}

/// Clears what answered calls have left in memory.
pub fn forget() {
    let pending = &mut *PENDING.borrow_mut();
    clear_spare(&mut pending.slots);
    clear_spare(&mut pending.free);
}
