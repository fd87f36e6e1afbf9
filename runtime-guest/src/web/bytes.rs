//! Bytes and the texts that stand for them: what blobs and bodies are made of, and Base64.
//!
//! A script never gets the arrays that are made here, but for those that are made to be given away.

use alloc::string::String;
use alloc::vec::Vec;

use crate::natives;
use crate::qjs::{self, Arguments, Value, functions, throw_type};
use crate::web::room;

functions! {
    Gather => gather,
    Copy => copy,
    Slice => slice,
    Size => size,
    ToText => to_text,
    ToBuffer => to_buffer,
    FromBase64 => from_base64,
    ToBase64 => to_base64,
}

/// Gives the scripts their functions.
pub fn install(kit: &Value) -> qjs::Result<()> {
    kit.define(c"gather", Value::function(Function::Gather, c"", 1, 0)?)?;
    kit.define(c"copyBytes", Value::function(Function::Copy, c"", 1, 0)?)?;
    kit.define(c"sliceBytes", Value::function(Function::Slice, c"", 3, 0)?)?;
    kit.define(c"sizeOf", Value::function(Function::Size, c"", 1, 0)?)?;
    kit.define(c"toText", Value::function(Function::ToText, c"", 1, 0)?)?;
    kit.define(c"toPlainText", Value::function(Function::ToText, c"", 1, KEEPS_MARK)?)?;
    kit.define(c"toBuffer", Value::function(Function::ToBuffer, c"", 1, 0)?)?;
    kit.define(c"fromBase64", Value::function(Function::FromBase64, c"", 1, 0)?)?;
    kit.define(c"toBase64", Value::function(Function::ToBase64, c"", 1, 0)?)
}

/// Looks at the bytes of a buffer. The closure must not call script.
pub fn with<R>(value: &Value, look: impl FnOnce(&[u8]) -> R) -> qjs::Result<R> {
    match natives::bytes(value) {
        Some(bytes) => Ok(bytes.read(look)),
        None => Err(throw_type(c"the value is not a buffer or a view of one")),
    }
}

/// A Uint8Array of all that a list holds: strings as UTF-8, and buffers.
fn gather(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let list = arguments.get(0);
    let mut all = Vec::new();
    for index in 0..u32::try_from(list.length()?).unwrap_or(u32::MAX) {
        let part = list.get_index(index)?;
        if part.is_string() {
            let text = part.text()?;
            extend(&mut all, qjs::well_formed(text.bytes()).as_bytes())?;
        } else {
            with(&part, |bytes| extend(&mut all, bytes))??;
        }
    }
    room(all.len())?;
    Value::uint8_array(&all)
}

fn extend(all: &mut Vec<u8>, bytes: &[u8]) -> qjs::Result<()> {
    if all.len() + bytes.len() > all.capacity() {
        room((all.len() + bytes.len()) * 2)?;
    }
    all.extend_from_slice(bytes);
    Ok(())
}

/// A Uint8Array with a copy of a buffer's bytes; undefined for any other value.
fn copy(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    match natives::bytes(&arguments.get(0)) {
        Some(bytes) => bytes.read(Value::uint8_array),
        None => Ok(Value::undefined()),
    }
}

fn slice(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let place = |index: usize| arguments.get(index).as_number().map_or(0, |place| place as usize);
    let range = place(1)..place(2);
    with(&arguments.get(0), |bytes| Value::uint8_array(bytes.get(range).unwrap_or_default()))?
}

fn size(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    with(&arguments.get(0), |bytes| Value::number(bytes.len() as f64))
}

/// The detail of the function that takes a byte order mark for text.
const KEEPS_MARK: u8 = 1;

/// The text of UTF-8.
fn to_text(arguments: &Arguments<'_>, detail: u8) -> qjs::Result<Value> {
    with(&arguments.get(0), |bytes| {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| detail != KEEPS_MARK).unwrap_or(bytes);
        if core::str::from_utf8(bytes).is_ok() {
            return Value::string(bytes);
        }
        room(bytes.len().saturating_mul(4))?;
        Value::string(super::lossy(bytes).as_bytes())
    })?
}

/// An ArrayBuffer with a copy of the bytes.
fn to_buffer(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    with(&arguments.get(0), Value::array_buffer)?
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The characters that stand for bytes, each of which is written as one character; undefined if one is none.
fn to_base64(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = arguments.get(0).text()?;
    room(text.bytes().len().saturating_mul(4))?;
    let text = qjs::well_formed(text.bytes());
    let Some(bytes) = text.chars().map(|one| u8::try_from(one).ok()).collect::<Option<Vec<u8>>>() else {
        return Ok(Value::undefined());
    };
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let place = (bits >> (18 - 6 * digit)) as usize % 64;
            out.push(if digit <= three.len() { DIGITS[place] } else { b'=' });
        }
    }
    Value::string(&out)
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// A string with a character for each byte; undefined if the text is no Base64. What may be missing at its end is what
/// the Infra Standard's forgiving decoding allows.
fn from_base64(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = arguments.get(0).text()?;
    room(text.bytes().len().saturating_mul(4))?;
    let mut digits: Vec<u8> =
        text.bytes().iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')).collect();
    if digits.len().is_multiple_of(4) {
        for _ in 0..2 {
            if digits.last() == Some(&b'=') {
                digits.pop();
            }
        }
    }
    if digits.len() % 4 == 1 {
        return Ok(Value::undefined());
    }
    let mut out = String::with_capacity(digits.len());
    for four in digits.chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            let Some(value) = four.get(at).map_or(Some(0), |byte| digit(*byte)) else {
                return Ok(Value::undefined());
            };
            bits = bits << 6 | value;
        }
        let bytes = [bits >> 16, bits >> 8, bits];
        out.extend(bytes.iter().take(four.len() - 1).map(|byte| char::from(*byte as u8)));
    }
    Value::string(out.as_bytes())
}
