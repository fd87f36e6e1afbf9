//! The entries of a Map or a Set, in a list of their own. It must never know what becomes of them.

use alloc::vec::Vec;
use core::cell::RefCell;

use super::Function;
use super::out::reserve;
use crate::natives;
use crate::qjs::{self, Arguments, Value};
use crate::single::Single;

/// The entries of a collection that is being listed, keys and values by turns; none after memory has run out.
static ENTRIES: Single<RefCell<Option<Vec<Value>>>> = Single::new(RefCell::new(None));

/// The entries of a Map or a Set, listed before any is written: writing one may run script, which may change it.
pub(super) fn entries(collection: &Value) -> qjs::Result<Vec<Value>> {
    let is_map = collection.is_map();
    let collect = Value::function(Function::Collect, c"", 2, u8::from(is_map))?;
    ENTRIES.replace(Some(Vec::new()));
    natives::for_each(collection, &collect);
    match ENTRIES.replace(None) {
        Some(entries) => Ok(entries),
        None => Err(qjs::throw_out_of_memory()),
    }
}

/// Keeps one entry.
pub(super) fn collect(arguments: &Arguments<'_>, is_map: u8) -> qjs::Result<Value> {
    let (value, key) = (arguments.get(0), arguments.get(1));
    let mut entries = ENTRIES.borrow_mut();
    let Some(list) = entries.as_mut() else { return Err(qjs::throw_stop()) };
    if let Err(thrown) = reserve(list, 2) {
        drop(entries.take());
        return Err(thrown);
    }
    if is_map != 0 {
        list.push(key);
    }
    list.push(value);
    Ok(Value::undefined())
}
