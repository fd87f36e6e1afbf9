//! A thrown value to a report that the host can read: JSON, built here and not by script.
//!
//! Reading a name, a message or a stack may run getters of the script, under the limits of the call. A property whose
//! getter throws counts as absent.

use alloc::string::String;
use core::cell::RefCell;

use crate::json::quote;
use crate::qjs::{self, Atom, Property, Value, present};
use crate::single::Single;
use crate::{call, natives};

/// The prototype of the errors that the engine throws when memory is refused.
static ENGINE_ERROR: Single<RefCell<Option<Value>>> = Single::new(RefCell::new(None));

/// Keeps it from before any script ran.
pub fn install() -> qjs::Result<()> {
    ENGINE_ERROR.replace(Some(Value::global().get(c"InternalError")?.get(c"prototype")?));
    Ok(())
}

/// The most that one text of a report may hold.
const TEXT_BYTES: usize = 64 << 10;
/// The most that a text or a JSON value may hold where a report has many of them.
const SHORT_BYTES: usize = 4 << 10;
/// How many causes are followed.
const CAUSES: usize = 8;
/// How many of an error's own properties a report holds.
const PROPERTIES: usize = 16;
/// How many errors of an AggregateError a report holds.
const ERRORS: u32 = 16;

/// How much of one error a report holds.
#[derive(Clone, Copy)]
struct Extent {
    /// The longest text.
    text_bytes: usize,
    /// How many causes.
    causes: usize,
    /// How many of its `errors`.
    errors: u32,
}

/// The report of a thrown value.
pub fn failure(thrown: &Value) -> String {
    let mut out = String::with_capacity(256);
    describe(thrown, Extent { text_bytes: TEXT_BYTES, causes: CAUSES, errors: ERRORS }, &mut out);
    out
}

/// The message alone.
pub fn message(thrown: &Value) -> String {
    let message = if thrown.is_error() { thrown.get(c"message") } else { Ok(thrown.clone()) };
    text(message, TEXT_BYTES).unwrap_or_default()
}

fn describe(thrown: &Value, extent: Extent, out: &mut String) {
    out.push('{');
    if thrown.is_error() {
        describe_error(thrown, extent, out);
    } else if thrown.is_null() && call::has_memory_run_out() {
        // The engine throws null when there is no memory even for the error that would say so.
        field("name", "InternalError", out);
        out.push(',');
        field("message", "out of memory", out);
        out.push(',');
        field("native", "memory", out);
    } else {
        describe_other(thrown, extent, out);
    }
    out.push('}');
}

fn describe_error(thrown: &Value, extent: Extent, out: &mut String) {
    let read = |name| text(thrown.get(name), extent.text_bytes);
    field("name", &read(c"name").unwrap_or_else(|| "Error".into()), out);
    out.push(',');
    field("message", &read(c"message").unwrap_or_default(), out);
    let stack = present(thrown.get(c"stack")).filter(Value::is_string);
    let stack = stack.and_then(|stack| text(Ok(stack), extent.text_bytes));
    // An error that was made while no script ran has a stack without a line.
    if let Some(stack) = stack.as_deref().map(str::trim_end).filter(|stack| !stack.is_empty()) {
        out.push(',');
        field("stack", stack, out);
    }
    if is_out_of_memory(thrown) {
        out.push(',');
        field("native", "memory", out);
    }
    describe_call(thrown, out);
    describe_properties(thrown, out);
    if extent.errors > 0
        && let Some(errors) = thrown.own_value(b"errors").filter(Value::is_array)
    {
        let length = present(errors.length()).unwrap_or(0);
        out.push_str(",\"errors\":[");
        for index in (0..extent.errors).take_while(|index| i64::from(*index) < length) {
            if index > 0 {
                out.push(',');
            }
            let error = present(errors.get_index(index)).unwrap_or_else(Value::undefined);
            describe(&error, Extent { text_bytes: SHORT_BYTES, causes: 0, errors: 0 }, out);
        }
        out.push(']');
    }
    if extent.causes > 0
        && let Some(cause) = thrown.own_value(b"cause")
    {
        out.push_str(",\"cause\":");
        describe(&cause, Extent { causes: extent.causes - 1, ..extent }, out);
    }
}

/// A thrown value that is no error: its text, and its JSON.
fn describe_other(thrown: &Value, extent: Extent, out: &mut String) {
    let json = present(thrown.to_json(&Value::undefined(), &Value::undefined()))
        .filter(|json| !json.is_undefined())
        .and_then(|json| present(json.lossy()))
        .filter(|json| json.len() <= extent.text_bytes);
    let own = text(Ok(thrown.clone()), extent.text_bytes);
    // `[object Object]` says less than the JSON.
    let message = match (&own, &json) {
        (Some(text), Some(json)) if thrown.is_object() && text.starts_with("[object ") => json,
        (Some(text), _) => text,
        (None, Some(json)) if thrown.is_object() => json,
        (None, _) => "a value that has no text",
    };
    field("name", "", out);
    out.push(',');
    field("message", message, out);
    if thrown.is_object() && !thrown.is_proxy() {
        describe_call(thrown, out);
    }
    if let Some(json) = json {
        out.push_str(",\"thrown\":");
        out.push_str(&json);
    }
}

/// The code and the method that the error of a failed call has, and that a script may give to errors of its own.
fn describe_call(thrown: &Value, out: &mut String) {
    for (name, key) in [("code", b"code".as_slice()), ("method", b"method")] {
        let value = thrown.own_value(key).filter(Value::is_string);
        if let Some(value) = value.and_then(|value| text(Ok(value), SHORT_BYTES)) {
            out.push(',');
            field(name, &value, out);
        }
    }
}

/// The first own properties that JSON can hold, without those that the report has elsewhere.
fn describe_properties(thrown: &Value, out: &mut String) {
    let Some((keys, _)) = present(thrown.own_keys(PROPERTIES * 2)) else { return };
    let mut told = 0;
    for key in keys.iter().filter(|key| key.is_string()) {
        let Some(name) = text(Ok(key.clone()), SHORT_BYTES) else { continue };
        if matches!(name.as_str(), "name" | "message" | "stack" | "cause" | "errors" | "code" | "method") {
            continue;
        }
        let Some(Some(Property::Value(value))) = present(Atom::of(key)).and_then(|key| present(thrown.own(&key)))
        else {
            continue;
        };
        let json = present(value.to_json(&Value::undefined(), &Value::undefined())).filter(Value::is_string);
        let Some(json) = json.and_then(|json| present(json.lossy())).filter(|json| json.len() <= SHORT_BYTES) else {
            continue;
        };
        out.push_str(if told == 0 { ",\"properties\":{" } else { "," });
        quote(&name, out);
        out.push(':');
        out.push_str(&json);
        told += 1;
        if told == PROPERTIES {
            break;
        }
    }
    if told > 0 {
        out.push('}');
    }
}

/// Whether the engine threw this because memory was refused. A script can throw an error that looks the same, but the
/// allocator counts a refusal only when the script has asked for too much.
fn is_out_of_memory(thrown: &Value) -> bool {
    let engine_error = ENGINE_ERROR.borrow().clone();
    let (Some(engine_error), Some(prototype)) = (engine_error, present(thrown.prototype())) else {
        return false;
    };
    prototype.is_same(&engine_error) && call::has_memory_run_out()
}

fn text(value: qjs::Result<Value>, most: usize) -> Option<String> {
    let value = present(value)?;
    if value.is_undefined() {
        return None;
    }
    if value.is_symbol() {
        return natives::description(&value)
            .and_then(|description| text(Ok(description), most))
            .or(Some("symbol".into()));
    }
    let mut text = present(value.lossy_start(most + 4))?;
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    Some(text)
}

fn field(name: &str, value: &str, out: &mut String) {
    quote(name, out);
    out.push(':');
    quote(value, out);
}
