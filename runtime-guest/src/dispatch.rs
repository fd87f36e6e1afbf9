//! An event from the host to the handler that a script registered for it.

use belljar_abi::Status;

use crate::qjs::{Atom, Value};
use crate::settle::{self, Form};
use crate::{json, state};

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
