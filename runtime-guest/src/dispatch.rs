//! An event from the host to the handler that a script registered for it, and which events have one.

use alloc::string::String;

use belljar_abi::{Send, Status, events};

use crate::qjs::{Atom, Value};
use crate::report::{present, quote};
use crate::settle::{self, Form};
use crate::{abi, json, state};

/// Calls the handler of the event in the payload with the parameters behind its name.
pub fn call(message: &[u8], split: usize) -> Status {
    let Some((name, params)) = message.split_at_checked(split) else {
        return Status::Refused;
    };
    let Some(events) = state::with(|state| state.events.clone()) else {
        return Status::NoSuchEvent;
    };
    let handler = match Atom::new(name).and_then(|name| events.get_atom(&name)) {
        Ok(handler) if handler.is_function() => handler,
        Ok(_) => return Status::NoSuchEvent,
        Err(thrown) => return settle::threw(thrown),
    };
    // An absent parameter is undefined, as in a JavaScript call; only the terminator is left of it.
    let params = if params.len() <= 1 { Ok(Value::undefined()) } else { json::read(params) };
    let result = params.and_then(|params| handler.call(&Value::undefined(), &[&params]));
    settle::begin(result, Form::Plain)
}

/// Sends the names of the events that have a handler. Runs nothing of the script.
pub fn list() -> Status {
    let names = state::with(|state| state.events.clone()).and_then(|events| present(events.own_keys(events::MOST)));
    let mut out = String::from("[");
    for name in names.iter().flat_map(|(names, _)| names) {
        // One more byte than is told, so that a longer name is known for what it is.
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
