//! A thrown value to a report that the host can read: JSON, built here and not by script.
//!
//! Reading a name, a message or a stack may run getters of the script, under the same limits as everything else;
//! what they throw counts as absent.

use alloc::string::String;

use crate::qjs::{self, Atom, Property, Value};
use crate::{natives, state};

/// The most that one text of a report may hold.
const TEXT_BYTES: usize = 64 << 10;
/// How many causes are followed.
const CAUSES: usize = 8;

/// The report of a thrown value.
pub fn failure(thrown: &Value) -> String {
    let mut out = String::with_capacity(256);
    describe(thrown, CAUSES, &mut out);
    out
}

/// The message alone.
pub fn message(thrown: &Value) -> String {
    if thrown.is_error() { text(thrown.get(c"message")) } else { text(Ok(thrown.clone())) }.unwrap_or_default()
}

fn describe(thrown: &Value, causes: usize, out: &mut String) {
    out.push('{');
    if thrown.is_error() {
        field("name", &text(thrown.get(c"name")).unwrap_or_else(|| "Error".into()), out);
        out.push(',');
        field("message", &text(thrown.get(c"message")).unwrap_or_default(), out);
        let stack = present(thrown.get(c"stack")).filter(Value::is_string).and_then(|stack| text(Ok(stack)));
        // An error that was made while no script ran has a stack without a line.
        if let Some(stack) = stack.as_deref().map(str::trim_end).filter(|stack| !stack.is_empty()) {
            out.push(',');
            field("stack", stack, out);
        }
        if is_out_of_memory(thrown) {
            out.push(',');
            field("native", "memory", out);
        }
        if causes > 0
            && let Some(cause) = own_value(thrown, b"cause")
        {
            out.push_str(",\"cause\":");
            describe(&cause, causes - 1, out);
        }
    } else if thrown.is_null() && has_memory_run_out() {
        // The engine throws null when there is no memory even for the error that would say so.
        field("name", "InternalError", out);
        out.push(',');
        field("message", "out of memory", out);
        out.push(',');
        field("native", "memory", out);
    } else {
        field("name", "", out);
        out.push(',');
        field("message", &text(Ok(thrown.clone())).unwrap_or_else(|| "a value that has no text".into()), out);
        if let Some(json) = present(thrown.to_json(&Value::undefined(), &Value::undefined()))
            .filter(|json| !json.is_undefined())
            .and_then(|json| present(json.lossy()))
            && json.len() <= TEXT_BYTES
        {
            out.push_str(",\"thrown\":");
            out.push_str(&json);
        }
    }
    out.push('}');
}

/// Whether the engine threw this because memory was refused. A script can throw an error that looks the same, but it
/// cannot make the allocator refuse without really having asked for too much.
fn is_out_of_memory(thrown: &Value) -> bool {
    let engine_error = state::with(|state| state.engine_error.clone());
    let (Some(engine_error), Some(prototype)) = (engine_error, present(thrown.prototype())) else {
        return false;
    };
    prototype.is_same(&engine_error) && has_memory_run_out()
}

/// Whether the allocator has refused anything in this call.
fn has_memory_run_out() -> bool {
    qjs::heap::refusals() != state::with(|state| state.refusals)
}

/// An own data property.
pub fn own_value(of: &Value, name: &[u8]) -> Option<Value> {
    let name = present(Atom::new(name))?;
    match present(of.own(&name))?? {
        Property::Value(value) => Some(value),
        Property::Accessor(_) => None,
    }
}

/// The value of a step that may have thrown; the exception is dropped.
pub fn present<T>(result: qjs::Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(thrown) => {
            drop(qjs::take_exception(thrown));
            None
        }
    }
}

fn text(value: qjs::Result<Value>) -> Option<String> {
    let value = present(value)?;
    if value.is_undefined() {
        return None;
    }
    if value.is_symbol() {
        return natives::description(&value).and_then(|description| text(Ok(description))).or(Some("symbol".into()));
    }
    let mut text = present(value.lossy_start(TEXT_BYTES + 4))?;
    if text.len() > TEXT_BYTES {
        let mut end = TEXT_BYTES;
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

/// Appends a JSON string.
pub fn quote(value: &str, out: &mut String) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let code = control as usize;
                out.push_str("\\u00");
                out.push(HEX[code >> 4] as char);
                out.push(HEX[code & 15] as char);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
