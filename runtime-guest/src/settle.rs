//! From what a script left behind to what the host is told: jobs, promises, rejections, JSON.
//!
//! It owns the end of every call. A promise is read by its internal state, never through `then`, so a script
//! that replaces `Promise.prototype` does not reach this code.

use belljar_abi::{Send, Shape, Status};

use crate::json;
use crate::qjs::{self, Atom, PromiseState, Property, Thrown, Value};
use crate::wire::{self, Wire};
use crate::{abi, call, console, pending, report};

mod state;
pub use state::{abandon, clear, drop_rejections, forget, rejection};

/// How the engine wraps a result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It is the value.
    Plain,
    /// It is a promise of `{ value }`, as top-level await makes it.
    Wrapped,
    /// It is a promise that a module has run, and the value is the `default` export.
    Module,
    /// It is no value: the script threw it.
    Threw,
}

/// What the call in progress will result in: a value, a promise of one, or what the script threw before it gave anything.
pub struct Root {
    value: Value,
    /// The object with the exports of a module, else undefined.
    exports: Value,
    form: Form,
}

impl Root {
    fn threw(reason: Value) -> Root {
        Root { value: reason, exports: Value::undefined(), form: Form::Threw }
    }
}

/// Takes the value of a script, or a promise of it, and goes as far as it can.
pub fn begin(result: qjs::Result<Value>) -> Status {
    start(result.map(|value| wait_for(value, Form::Plain)))
}

/// As [`begin`], for a script with top-level `await`, whose value the engine wraps.
pub fn begin_wrapped(result: qjs::Result<Value>) -> Status {
    start(result.map(|value| wait_for(value, Form::Wrapped)))
}

/// As [`begin`], for a module: a promise that it has run, and the object with its exports.
pub fn begin_module(result: qjs::Result<(Value, Value)>) -> Status {
    start(result.map(|(promise, exports)| Root { exports, ..wait_for(promise, Form::Module) }))
}

fn start(root: qjs::Result<Root>) -> Status {
    if abi::is_stopped() {
        return Status::Stopped;
    }
    let root = root.unwrap_or_else(|thrown| Root::threw(qjs::take_exception(thrown)));
    state::with(|state| state.root = Some(root));
    advance()
}

fn wait_for(value: Value, form: Form) -> Root {
    if value.is_promise() {
        value.mark_handled();
        state::with(|state| state.rejections.retain(|other| !other.is_same(&value)));
    }
    Root { value, exports: Value::undefined(), form }
}

/// Runs what can run, and reports the result if there is one.
pub fn advance() -> Status {
    loop {
        if !run_jobs() {
            return Status::Stopped;
        }
        // Before any rejection is reported: a promise that turns out to be the result has somebody who looks after it.
        match unwrap_root() {
            Ok(true) => continue,
            Ok(false) => {}
            // A `then` that throws is the result, like anything else that a script throws.
            Err(thrown) => {
                let reason = qjs::take_exception(thrown);
                if abi::is_stopped() {
                    return Status::Stopped;
                }
                state::with(|state| state.root = Some(Root::threw(reason)));
                continue;
            }
        }
        if !report_rejections() {
            return Status::Stopped;
        }
        // Describing a rejection may run a getter of the script, which may queue more.
        if is_anything_left() {
            continue;
        }
        let Some(root) = state::with(|state| state.root.take()) else {
            return Status::Done;
        };
        let outcome = match &root {
            // The answers may still change what the result holds.
            _ if call::drains() && !pending::is_empty() => PromiseState::Pending,
            Root { form: Form::Threw, .. } => PromiseState::Rejected,
            Root { value, .. } if value.is_promise() => value.promise_state(),
            Root { .. } => PromiseState::Fulfilled,
        };
        return match (outcome, root) {
            (PromiseState::Pending, root) => {
                state::with(|state| state.root = Some(root));
                Status::Pending
            }
            (_, Root { value: reason, form: Form::Threw, .. }) => failed(&reason),
            (PromiseState::Rejected, Root { value, .. }) => failed(&value.promise_result()),
            (PromiseState::Fulfilled, Root { value, .. }) => emit(&value),
        };
    }
}

/// Puts what a fulfilled promise holds in the place of the promise; false when there is nothing to do.
fn unwrap_root() -> qjs::Result<bool> {
    let fulfilled = state::with(|state| match &state.root {
        Some(Root { form: Form::Threw, .. }) => None,
        Some(Root { value, exports, form }) if value.is_promise() => {
            let is_fulfilled = value.promise_state() == PromiseState::Fulfilled;
            is_fulfilled.then(|| (value.promise_result(), exports.clone(), *form))
        }
        _ => None,
    });
    let Some((value, exports, form)) = fulfilled else { return Ok(false) };
    state::with(|state| state.root = None);
    let root = unwrap(value, &exports, form)?;
    state::with(|state| state.root = Some(root));
    Ok(true)
}

/// The value of a fulfilled promise: taken out of its wrapping, and adopted if it is itself something to wait for.
fn unwrap(value: Value, exports: &Value, form: Form) -> qjs::Result<Root> {
    let value = match form {
        Form::Plain | Form::Threw => return Ok(wait_for(value, Form::Plain)),
        Form::Wrapped => wrapped(&value)?,
        Form::Module => exports.get(c"default")?,
    };
    if !value.is_promise() && value.is_object() && call::is_async() && value.get(c"then")?.is_function() {
        let (promise, resolve, _) = qjs::promise()?;
        resolve.call(&Value::undefined(), &[&value])?;
        return Ok(wait_for(promise, Form::Plain));
    }
    Ok(wait_for(value, Form::Plain))
}

/// What is in the wrapping, which has no prototype: only its own property counts.
fn wrapped(wrapper: &Value) -> qjs::Result<Value> {
    if !wrapper.is_object() {
        return Ok(Value::undefined());
    }
    match wrapper.own(&Atom::new(b"value")?)? {
        Some(Property::Value(value)) => Ok(value),
        _ => Ok(Value::undefined()),
    }
}

/// Runs one job; false when there is none left. What a job throws is nobody's result: it is thrown away.
pub fn run_one_job() -> bool {
    match qjs::run_job() {
        Ok(more) => more,
        Err(thrown) => {
            drop(qjs::take_exception(thrown));
            true
        }
    }
}

/// How many jobs or reports go by between two questions whether to go on. QuickJS asks once in ten thousand calls, which
/// is too seldom for jobs that do a lot of native work each.
const POLL_EVERY: u32 = 64;

/// Runs every job; false when the host said stop.
fn run_jobs() -> bool {
    let mut ran = 0_u32;
    while qjs::is_job_pending() {
        ran = ran.wrapping_add(1);
        if ran.is_multiple_of(POLL_EVERY) && abi::poll() {
            return false;
        }
        match qjs::run_job() {
            _ if abi::is_stopped() => return false,
            Ok(_) => {}
            Err(thrown) => {
                let reason = qjs::take_exception(thrown);
                if !report_rejection(&reason) {
                    return false;
                }
            }
        }
    }
    !abi::is_stopped()
}

/// Reports the rejections that nobody has taken care of; false when the host said stop.
fn report_rejections() -> bool {
    let rejections = state::with(|state| core::mem::take(&mut state.rejections));
    rejections.iter().all(|promise| report_rejection(&promise.promise_result())) && !abi::is_stopped()
}

fn is_anything_left() -> bool {
    qjs::is_job_pending() || state::with(|state| !state.rejections.is_empty())
}

/// Runs and reports what the description of a result has left behind; false when the host said stop.
fn finish() -> bool {
    let mut rounds = 0_u32;
    while is_anything_left() {
        rounds = rounds.wrapping_add(1);
        if (rounds.is_multiple_of(POLL_EVERY) && abi::poll()) || !run_jobs() || !report_rejections() {
            return false;
        }
    }
    !abi::is_stopped()
}

fn report_rejection(reason: &Value) -> bool {
    let report = report::failure(reason);
    !abi::is_stopped() && !abi::send(Send::Rejection, report.as_bytes())
}

/// Reports the pending exception as the end of the call.
pub fn threw(thrown: Thrown) -> Status {
    let reason = qjs::take_exception(thrown);
    if abi::is_stopped() { Status::Stopped } else { failed(&reason) }
}

fn failed(reason: &Value) -> Status {
    let report = report::failure(reason);
    end(Send::Failure, report.as_bytes(), Status::Threw)
}

fn not_serializable(why: &[u8]) -> Status {
    end(Send::NotSerializable, why, Status::NotSerializable)
}

fn done(kind: Send, bytes: &[u8]) -> Status {
    end(kind, bytes, Status::Done)
}

/// Ends the call. What getters and `toJSON` set in motion while the result was described belongs to this call, not to the next.
fn end(kind: Send, bytes: &[u8], status: Status) -> Status {
    if !finish() || abi::send(kind, bytes) { Status::Stopped } else { status }
}

fn emit(value: &Value) -> Status {
    if value.is_undefined() {
        return done(Send::Undefined, &[]);
    }
    if call::is_inspected() {
        return show(value);
    }
    if let Some(number) = value.as_int() {
        return done(Send::Result, json::decimal(number.into(), &mut [0; 20]));
    }
    if let Some(boolean) = value.as_bool() {
        return done(Send::Result, if boolean { b"true" } else { b"false" });
    }
    match wire::of(value, "result") {
        Ok(Wire::Absent) => done(Send::Undefined, &[]),
        Ok(Wire::Bytes(bytes)) => done(Send::Result, &bytes),
        Err(refusal) => not_serializable(refusal.into_text().as_bytes()),
    }
}

/// Ends a call whose value somebody wants to look at. Nothing of the script runs on the way.
fn show(value: &Value) -> Status {
    if call::keeps_last_value() {
        // Where a script has locked the name, it stays the script's.
        let _ = qjs::present(Value::global().define(c"_", value.clone()));
    }
    let is_refused = if value.is_string() {
        match value.text() {
            Ok(text) => !finish() || abi::send_shaped(Shape::Text, text.bytes()),
            Err(thrown) => return threw(thrown),
        }
    } else {
        let line = console::line(value);
        !finish() || abi::send_shaped(Shape::Console, line.as_bytes())
    };
    if is_refused { Status::Stopped } else { Status::Done }
}
