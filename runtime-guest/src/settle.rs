//! From what a script left behind to what the host is told: jobs, promises, rejections, JSON.
//!
//! It owns the end of every call. A promise is read by its internal state, never through `then`, so a script
//! that replaces `Promise.prototype` does not reach this code.

use belljar_abi::{Send, Status};

use crate::qjs::{self, PromiseState, Thrown, Value};
use crate::{abi, report, state};

/// How the engine wraps a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It is the value.
    Plain,
    /// It is a promise of `{ value }`, as top-level await makes it.
    Wrapped,
}

/// What the call in progress will result in.
pub enum Root {
    /// A value, or a promise of one.
    Value {
        /// The value.
        value: Value,
        /// How it is wrapped.
        form: Form,
    },
    /// The script threw before it gave anything.
    Threw(Value),
}

/// Takes the first result of a call and goes as far as it can.
pub fn begin(result: qjs::Result<Value>, form: Form) -> Status {
    if abi::is_stopped() {
        return Status::Stopped;
    }
    let root = match result {
        Ok(value) => wait_for(value, form),
        Err(thrown) => Root::Threw(qjs::take_exception(thrown)),
    };
    state::with(|state| state.root = Some(root));
    advance()
}

fn wait_for(value: Value, form: Form) -> Root {
    if value.is_promise() {
        value.mark_handled();
        state::with(|state| state.rejections.retain(|other| !other.is_same(&value)));
    }
    Root::Value { value, form }
}

/// Runs what can run, and reports the result if there is one.
pub fn advance() -> Status {
    loop {
        if !run_jobs() {
            return Status::Stopped;
        }
        let Some(root) = state::with(|state| state.root.take()) else {
            return Status::Done;
        };
        let (value, form) = match root {
            Root::Threw(reason) => return failed(&reason),
            Root::Value { value, form } => (value, form),
        };
        if !value.is_promise() {
            return emit(&value);
        }
        match value.promise_state() {
            PromiseState::Pending => {
                state::with(|state| state.root = Some(Root::Value { value, form }));
                return Status::Pending;
            }
            PromiseState::Rejected => return failed(&value.promise_result()),
            PromiseState::Fulfilled => match unwrap(value.promise_result(), form) {
                Ok(next) => state::with(|state| state.root = Some(next)),
                Err(thrown) => return threw(thrown),
            },
        }
    }
}

/// The value of a fulfilled promise: taken out of its wrapping, and adopted if it is itself something to wait for.
fn unwrap(value: Value, form: Form) -> qjs::Result<Root> {
    let value = if form == Form::Wrapped { value.get(c"value")? } else { value };
    if form == Form::Wrapped
        && !value.is_promise()
        && value.is_object()
        && state::is_async()
        && value.get(c"then")?.is_function()
    {
        let (promise, resolve, _) = qjs::promise()?;
        resolve.call(&Value::undefined(), &[&value])?;
        return Ok(wait_for(promise, Form::Plain));
    }
    Ok(wait_for(value, Form::Plain))
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

/// Runs every job and reports the rejections that nobody took care of; false when the host said stop.
fn run_jobs() -> bool {
    loop {
        while qjs::is_job_pending() {
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
        let rejections = state::with(|state| std::mem::take(&mut state.rejections));
        for promise in &rejections {
            if !report_rejection(&promise.promise_result()) {
                return false;
            }
        }
        // Describing a rejection may run a getter of the script, which may queue more.
        if !qjs::is_job_pending() {
            return !abi::is_stopped();
        }
    }
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
    if abi::is_stopped() || abi::send(Send::Failure, report.as_bytes()) { Status::Stopped } else { Status::Threw }
}

fn not_serializable(why: &[u8]) -> Status {
    if abi::is_stopped() || abi::send(Send::NotSerializable, why) { Status::Stopped } else { Status::NotSerializable }
}

fn done(kind: Send, bytes: &[u8]) -> Status {
    // `toJSON` may have queued jobs; they belong to this call.
    if (qjs::is_job_pending() && !run_jobs()) || abi::is_stopped() || abi::send(kind, bytes) {
        Status::Stopped
    } else {
        Status::Done
    }
}

fn emit(value: &Value) -> Status {
    if value.is_undefined() {
        return done(Send::Undefined, &[]);
    }
    if let Some(number) = value.as_int() {
        let mut buffer = [0_u8; 11];
        return done(Send::Result, decimal(number, &mut buffer));
    }
    if let Some(boolean) = value.as_bool() {
        return done(Send::Result, if boolean { b"true" } else { b"false" });
    }
    if value.is_function() {
        return not_serializable(b"a function has no JSON form");
    }
    if value.is_symbol() {
        return not_serializable(b"a symbol has no JSON form");
    }
    let text = match value.to_json() {
        Ok(json) if json.is_undefined() => return done(Send::Undefined, &[]),
        Ok(json) => json.text(),
        Err(thrown) => Err(thrown),
    };
    match text {
        Ok(text) => done(Send::Result, text.bytes()),
        Err(thrown) => {
            let reason = qjs::take_exception(thrown);
            not_serializable(report::message(&reason).as_bytes())
        }
    }
}

fn decimal(number: i32, buffer: &mut [u8; 11]) -> &[u8] {
    let mut at = buffer.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}
