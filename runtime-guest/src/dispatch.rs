//! An event from the host to the handler that a script registered for it, and which events have one.

use alloc::string::String;
use core::cell::RefCell;

use belljar_abi::{Send, Status, events};

use crate::json::quote;
use crate::qjs::{self, Arguments, Atom, Value, functions, present};
use crate::settle;
use crate::single::Single;
use crate::{abi, wire};

functions! {
    On => on,
}

/// Handlers by event name: an object without a prototype.
static EVENTS: Single<RefCell<Option<Value>>> = Single::new(RefCell::new(None));

/// Makes room for handlers.
pub fn install() -> qjs::Result<()> {
    EVENTS.replace(Some(Value::bare_object()?));
    Ok(())
}

/// The handlers. The borrow ends first, because looking one up may call back into this file.
fn handlers() -> Option<Value> {
    EVENTS.borrow().clone()
}

/// `host.on`.
fn on(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (name, handler) = (arguments.get(0), arguments.get(1));
    if !name.is_string() {
        return Err(qjs::throw_type(c"the event name is not a string"));
    }
    if !handler.is_function() {
        return Err(qjs::throw_type(c"the event handler is not a function"));
    }
    if let Some(events) = handlers() {
        events.define_atom(&Atom::of(&name)?, handler)?;
    }
    Ok(Value::undefined())
}

/// Calls the handler of the event in the payload with the parameters behind its name.
pub fn call(message: &[u8], split: usize) -> Status {
    let Some((name, params)) = message.split_at_checked(split) else {
        return Status::Refused;
    };
    let Some(events) = handlers() else {
        return Status::NoSuchEvent;
    };
    let handler = match Atom::new(name).and_then(|name| events.get_atom(&name)) {
        Ok(handler) if handler.is_function() => handler,
        Ok(_) => return Status::NoSuchEvent,
        Err(thrown) => return settle::threw(thrown),
    };
    // A parameter that was left out is undefined, as in a JavaScript call. Then the payload holds only the terminator.
    let params = if params.len() <= 1 { Ok(Value::undefined()) } else { wire::read(params) };
    let result = params.and_then(|params| handler.call(&Value::undefined(), &[&params]));
    settle::begin(result)
}

/// Sends the names of the events that have a handler. Runs nothing of the script.
pub fn list() -> Status {
    let names = handlers().and_then(|events| present(events.own_keys(events::MOST)));
    let mut out = String::from("[");
    for name in names.iter().flat_map(|(names, _)| names) {
        // One byte more than the limit, so that a longer name is recognised and left out.
        let Some(name) =
            present(name.lossy_start(events::NAME_BYTES + 1)).filter(|name| name.len() <= events::NAME_BYTES)
        else {
            continue;
        };
        if out.len() > 1 {
            out.push(',');
        }
        quote(&name, &mut out);
    }
    out.push(']');
    if abi::send(Send::Result, out.as_bytes()) { Status::Stopped } else { Status::Done }
}
