//! `host`: calls out of the sandbox, and the answers that come back.
//!
//! Everything that it uses of JavaScript is native to the engine, so there is no copy of `JSON` or `Promise` that a
//! script could replace, and no internal function that a script could find.

use alloc::vec::Vec;

use belljar_abi::{Reply, Status, answer};

use crate::json;
use crate::pending::{self, InFlight};
use crate::qjs::{self, Arguments, Places, Value, functions};
use crate::wire::{self, Refusal, Wire};
use crate::{abi, dispatch, settle};

functions! {
    Rpc => rpc,
    RpcSync => rpc_sync,
}

/// Puts `host` on the global object.
pub fn install() -> qjs::Result<()> {
    let host = Value::object()?;
    for (name, function) in [
        (c"rpc", Value::function(Function::Rpc, c"rpc", 2, 0)?),
        (c"rpcSync", Value::function(Function::RpcSync, c"rpcSync", 2, 0)?),
        (c"on", Value::function(dispatch::Function::On, c"on", 2, 0)?),
    ] {
        function.freeze()?;
        host.define(name, function)?;
    }
    host.freeze()?;
    Value::global().define_locked(c"host", host)
}

/// The parameters of a call on their way. They are absent when they were left out.
fn params(arguments: &Arguments<'_>) -> qjs::Result<Wire> {
    wire::of(&arguments.get(1), "params").map_err(Refusal::throw)
}

fn method(arguments: &Arguments<'_>) -> qjs::Result<qjs::Text> {
    let method = arguments.get(0);
    if !method.is_string() {
        return Err(qjs::throw_type(c"the method is not a string"));
    }
    method.text()
}

/// `host.rpc`.
fn rpc(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (promise, resolve, reject) = qjs::promise()?;
    let (method, params) = match method(arguments).and_then(|method| Ok((method, params(arguments)?))) {
        Ok(call) => call,
        Err(thrown) if abi::is_stopped() => return Err(thrown),
        Err(thrown) => {
            let reason = qjs::take_exception(thrown);
            reject.call(&Value::undefined(), &[&reason])?;
            return Ok(promise);
        }
    };
    let call = InFlight { resolve, reject, method: arguments.get(0), places: Places::here() };
    let id = pending::insert(call);
    if abi::rpc(id, method.bytes(), params.bytes()) {
        pending::remove(id);
        return Err(qjs::throw_stop());
    }
    Ok(promise)
}

/// `host.rpcSync`.
fn rpc_sync(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (reply, message) = {
        let (method, params) = (method(arguments)?, params(arguments)?);
        reply_to(method.bytes(), params.bytes())?
    };
    match reply {
        Reply::Value => value_of(&message),
        _ => Err(qjs::throw(error_of(&message, arguments.get(0))?)),
    }
}

/// Makes a call of the guest's own, and waits for its reply. The message of an error begins with `what`, and the error
/// names no method: a script knows none.
pub fn ask(method: &[u8], params: &[u8], what: impl FnOnce() -> Vec<u8>) -> qjs::Result<Value> {
    let (reply, message) = reply_to(method, params)?;
    if reply == Reply::Value {
        return value_of(&message);
    }
    let error = error_of(&message, Value::undefined())?;
    let said = error.get(c"message")?.text()?;
    error.define(c"message", Value::string(&[what().as_slice(), b": ", said.bytes()].concat())?)?;
    Err(qjs::throw(error))
}

/// The kind of a reply, and its message.
fn reply_to(method: &[u8], params: &[u8]) -> qjs::Result<(Reply, Vec<u8>)> {
    let (reply, length) = abi::rpc_sync(method, params);
    if reply == Reply::Stop {
        return Err(qjs::throw_stop());
    }
    match abi::take(length) {
        Some(message) => Ok((reply, message)),
        None => Err(qjs::throw_type(c"no memory for the reply")),
    }
}

/// The value of a reply. A reply ends in NUL; one that holds nothing else is undefined.
fn value_of(message: &[u8]) -> qjs::Result<Value> {
    if message.len() <= 1 { Ok(Value::undefined()) } else { wire::read(message) }
}

/// The error of a reply `[code, message]` to a call of this method.
fn error_of(message: &[u8], method: Value) -> qjs::Result<Value> {
    let reply = json::read(message)?;
    let error = qjs::error(reply.get_index(1)?.text()?.bytes())?;
    error.define(c"code", reply.get_index(0)?)?;
    if !method.is_undefined() {
        error.define(c"method", method)?;
    }
    Ok(error)
}

/// Settles the promises that the payload answers, then goes on with the call.
pub fn answer(message: &[u8]) -> Status {
    // The terminator of the whole payload is not part of the last answer.
    let Some((_, mut rest)) = message.split_last() else {
        return Status::Refused;
    };
    while !rest.is_empty() {
        let Some((id, reply, body, next)) = next_answer(rest) else {
            return Status::Refused;
        };
        rest = next;
        let Some(call) = pending::remove(id) else {
            continue;
        };
        let settled = match reply {
            Reply::Value => match value_of(body) {
                Ok(value) => call.resolve.call(&Value::undefined(), &[&value]),
                Err(thrown) => {
                    let reason = qjs::take_exception(thrown);
                    call.reject.call(&Value::undefined(), &[&reason])
                }
            },
            _ => error_of(body, call.method).and_then(|error| {
                call.places.put_stack(&error, &call.resolve);
                call.reject.call(&Value::undefined(), &[&error])
            }),
        };
        if let Err(thrown) = settled {
            return settle::threw(thrown);
        }
    }
    settle::advance()
}

/// One answer off the front: its id, its kind, its body with the NUL behind it, and what follows.
fn next_answer(rest: &[u8]) -> Option<(u32, Reply, &[u8], &[u8])> {
    let (header, rest) = rest.split_at_checked(answer::HEADER_BYTES)?;
    let word = |index: usize| Some(u32::from_le_bytes(header.get(index * 4..index * 4 + 4)?.try_into().ok()?));
    let (id, reply, length) = (word(0)?, Reply::from_wire(word(1)?)?, word(2)? as usize);
    let (body, rest) = rest.split_at_checked(length.checked_add(1)?)?;
    Some((id, reply, body, rest))
}
