//! What `URL` and `URLSearchParams` of `js/url.js` are made of. Scripts hold a URL as its text, which is a string of the
//! engine, so that the heap limit counts it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::qjs::{self, Arguments, Value, functions, throw_type};
use crate::web::room;

mod domain;
mod host;
mod parse;
mod parts;
mod percent;
mod query;
mod set;

use parts::{Parts, push_number};
use set::Part;

functions! {
    Parse => parse,
    Take => take,
    Replace => replace,
    ParseQuery => parse_query,
    WriteQuery => write_query,
}

/// Gives `js/url.js` its functions.
pub fn install(kit: &Value) -> qjs::Result<()> {
    kit.define(c"parseUrl", Value::function(Function::Parse, c"", 2, 0)?)?;
    kit.define(c"takePart", Value::function(Function::Take, c"", 2, 0)?)?;
    kit.define(c"replacePart", Value::function(Function::Replace, c"", 3, 0)?)?;
    kit.define(c"parseQuery", Value::function(Function::ParseQuery, c"", 1, 0)?)?;
    kit.define(c"writeQuery", Value::function(Function::WriteQuery, c"", 1, 0)?)
}

/// The text of an argument, where there is room for a URL of it: for the text itself, for its parts, for the whole, and
/// for the engine's string of it. Each character may take three times its room.
fn text(value: &Value) -> qjs::Result<String> {
    let text = value.text()?;
    let bytes = text.bytes();
    let encoded = bytes.iter().filter(|byte| percent::FORM.has(**byte) || **byte == b' ').count();
    room((bytes.len() + 2 * encoded).saturating_mul(4))?;
    Ok(qjs::well_formed(bytes))
}

/// The text of the URL that a text and a base make, or undefined. A base that is none makes none.
fn parse(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let input = text(&arguments.get(0))?;
    let base = arguments.get(1);
    let base = if base.is_undefined() { None } else { Some(text(&base)?) };
    let base = match base {
        Some(base) => match parse::parse(&base, None) {
            Some(base) => Some(base.write()),
            None => return Ok(Value::undefined()),
        },
        None => None,
    };
    match parse::parse(&input, base.as_deref().map(Parts::of)) {
        Some(url) => {
            drop((input, base));
            Value::string(url.write().as_bytes())
        }
        None => Ok(Value::undefined()),
    }
}

/// What a getter gives. The numbers are those of `js/url.js`.
fn take(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = arguments.get(0).text()?;
    let text = core::str::from_utf8(text.bytes()).map_err(|_| throw_type(c"the URL is not text"))?;
    let parts = Parts::of(text);
    let whole;
    let part = match arguments.get(1).as_int() {
        Some(0) => {
            whole = origin(&parts);
            &whole
        }
        Some(1) => text.get(..parts.scheme.len() + 1).unwrap_or_default(),
        Some(2) => parts.username,
        Some(3) => parts.password,
        Some(4) => {
            whole = with_port(&parts);
            &whole
        }
        Some(5) => parts.host.unwrap_or_default(),
        Some(6) => match parts.port {
            Some(port) => {
                let mut digits = String::new();
                push_number(port.into(), 10, &mut digits);
                whole = digits;
                &whole
            }
            None => "",
        },
        Some(7) => parts.path,
        Some(8) => with_mark(text, parts.query),
        Some(9) => with_mark(text, parts.fragment),
        _ => "",
    };
    Value::string(part.as_bytes())
}

fn with_port(parts: &Parts<'_>) -> String {
    let mut out = String::from(parts.host.unwrap_or_default());
    if let Some(port) = parts.port {
        out.push(':');
        push_number(port.into(), 10, &mut out);
    }
    out
}

/// A part with the character in front of it, unless the part is empty.
fn with_mark<'a>(text: &'a str, part: Option<&'a str>) -> &'a str {
    let Some(part) = part.filter(|part| !part.is_empty()) else { return "" };
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    text.get(start - 1..start + part.len()).unwrap_or_default()
}

fn origin(parts: &Parts<'_>) -> String {
    let of = |parts: &Parts<'_>| [parts.scheme, "://", &with_port(parts)].concat();
    match parts.scheme {
        "http" | "https" | "ws" | "wss" | "ftp" => of(parts),
        "blob" => {
            let inner = parse::parse(parts.path, None).map(|inner| inner.write());
            match inner.as_deref().map(Parts::of) {
                Some(inner) if matches!(inner.scheme, "http" | "https") => of(&inner),
                _ => "null".into(),
            }
        }
        _ => "null".into(),
    }
}

/// The text of a URL with another part; the same text where the part does not fit.
fn replace(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    const PARTS: [Part; 9] = [
        Part::Protocol,
        Part::Username,
        Part::Password,
        Part::Host,
        Part::Hostname,
        Part::Port,
        Part::Pathname,
        Part::Search,
        Part::Hash,
    ];
    let url = arguments.get(0);
    let part = arguments.get(1).as_int().and_then(|part| PARTS.get((part - 1) as usize));
    let value = text(&arguments.get(2))?;
    let written = {
        let text = text(&url)?;
        part.and_then(|part| set::set(Parts::of(&text), *part, &value)).map(|url| url.write())
    };
    match written {
        Some(written) => Value::string(written.as_bytes()),
        None => Ok(url),
    }
}

/// A list of the names and values of a text, a name before each value.
fn parse_query(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = text(&arguments.get(0))?;
    let mut list = Vec::new();
    for (name, value) in query::parse(&text) {
        if list.len() == list.capacity() {
            room(list.len() * 4 * size_of::<Value>())?;
        }
        list.push(Value::string(name.as_bytes())?);
        list.push(Value::string(value.as_bytes())?);
    }
    Value::array(&mut list, 0)
}

/// The text of such a list.
fn write_query(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let list = arguments.get(0);
    let mut out = String::new();
    for index in 0..u32::try_from(list.length()?).unwrap_or(u32::MAX) {
        let text = list.get_index(index)?.text()?;
        if index > 0 {
            out.push(if index % 2 == 0 { '&' } else { '=' });
        }
        if text.bytes().len() * 3 + out.len() > out.capacity() {
            room((text.bytes().len() * 3 + out.len()).saturating_mul(3))?;
        }
        query::encode(&qjs::well_formed(text.bytes()), &mut out);
    }
    Value::string(out.as_bytes())
}
