//! `structuredClone`, as HTML has it, for what exists here. It must never know how a copy is made.

use alloc::vec::Vec;
use core::cell::RefCell;

use crate::qjs::{self, Arguments, Atom, Thrown, Value, functions, throw_type};
use crate::single::Single;
use crate::wire::{self, Refusal};

functions! {
    StructuredClone => structured_clone,
}

/// The most objects that are transferred at once.
const MOST: usize = 1000;

/// `Symbol.iterator`.
static ITERATOR: Single<RefCell<Option<Atom>>> = Single::new(RefCell::new(None));

/// Puts it on the global object.
pub fn install() -> qjs::Result<()> {
    ITERATOR.replace(Some(Atom::of(&Value::global().get(c"Symbol")?.get(c"iterator")?)?));
    let function = Value::function(Function::StructuredClone, c"structuredClone", 1, 0)?;
    Value::global().define_member(c"structuredClone", function)
}

fn structured_clone(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    if arguments.len() == 0 {
        return Err(throw_type(c"structuredClone needs a value"));
    }
    let transfer = transferred(&arguments.get(1))?;
    for (at, buffer) in transfer.iter().enumerate() {
        if transfer.iter().take(at).any(|other| other.is_same(buffer)) {
            return Err(data_clone_error("value: an object is in the transfer list twice"));
        }
        if buffer.class() != qjs::Class::Buffer {
            return Err(data_clone_error("value: only an ArrayBuffer can be transferred"));
        }
    }
    wire::copy(&arguments.get(0), &transfer).map_err(|refusal| match refusal {
        Refusal::Cannot(why) => data_clone_error(&why),
        Refusal::Thrown(thrown) => thrown,
    })
}

fn data_clone_error(why: &str) -> Thrown {
    match wire::dom_exception("DataCloneError", why) {
        Ok(error) => qjs::throw(error),
        Err(thrown) => thrown,
    }
}

/// What the options transfer: a dictionary with a sequence of objects.
fn transferred(options: &Value) -> qjs::Result<Vec<Value>> {
    if options.is_undefined() || options.is_null() {
        return Ok(Vec::new());
    }
    if !options.is_object() {
        return Err(throw_type(c"the options are not an object"));
    }
    let list = options.get(c"transfer")?;
    if list.is_undefined() {
        return Ok(Vec::new());
    }
    if !list.is_object() {
        return Err(throw_type(c"the transfer list is not a list"));
    }
    let iterator = match &*ITERATOR.borrow() {
        Some(name) => list.get_atom(name)?.call(&list, &[])?,
        None => Value::undefined(),
    };
    if !iterator.is_object() {
        return Err(throw_type(c"the transfer list is not a list"));
    }
    let next = iterator.get(c"next")?;
    let mut transfer = Vec::new();
    loop {
        let result = next.call(&iterator, &[])?;
        if !result.is_object() {
            return Err(throw_type(c"the transfer list is not a list"));
        }
        if result.get(c"done")?.is_truthy() {
            return Ok(transfer);
        }
        let item = result.get(c"value")?;
        if !item.is_object() {
            return Err(throw_type(c"the transfer list holds something that is no object"));
        }
        if transfer.len() >= MOST {
            return Err(qjs::throw_range(c"the transfer list is too long"));
        }
        transfer.push(item);
    }
}
