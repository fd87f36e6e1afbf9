//! Texts of HTTP: names and values of headers, media types, and forms in parts.

use alloc::string::String;
use alloc::vec::Vec;

use crate::qjs::{self, Arguments, Value, functions};
use crate::web::{bytes, room};

functions! {
    HeaderName => header_name,
    HeaderValue => header_value,
    IsByteString => is_byte_string,
    IsReason => is_reason,
    BlobType => blob_type,
    MediaType => media_type,
    EscapeName => escape_name,
    Newlines => newlines,
    ParseParts => parse_parts,
}

/// Gives the scripts their functions.
pub fn install(kit: &Value) -> qjs::Result<()> {
    kit.define(c"headerName", Value::function(Function::HeaderName, c"", 1, 0)?)?;
    kit.define(c"headerValue", Value::function(Function::HeaderValue, c"", 1, 0)?)?;
    kit.define(c"isByteString", Value::function(Function::IsByteString, c"", 1, 0)?)?;
    kit.define(c"isReason", Value::function(Function::IsReason, c"", 1, 0)?)?;
    kit.define(c"blobType", Value::function(Function::BlobType, c"", 1, 0)?)?;
    kit.define(c"mediaType", Value::function(Function::MediaType, c"", 1, 0)?)?;
    kit.define(c"escapeName", Value::function(Function::EscapeName, c"", 1, 0)?)?;
    kit.define(c"newlines", Value::function(Function::Newlines, c"", 2, 0)?)?;
    kit.define(c"parseParts", Value::function(Function::ParseParts, c"", 2, 0)?)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// The text of a value, where each character stands for a byte. None if one does not.
fn byte_string(value: &Value) -> qjs::Result<Option<String>> {
    let text = value.text()?;
    room(text.bytes().len() * 2)?;
    let text = core::str::from_utf8(text.bytes()).ok().filter(|text| text.chars().all(|one| one <= '\u{ff}'));
    Ok(text.map(Into::into))
}

fn optional(text: Option<&str>) -> qjs::Result<Value> {
    text.map_or_else(|| Ok(Value::undefined()), |text| Value::string(text.as_bytes()))
}

/// The name of a header in lower case; undefined if it is none.
fn header_name(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let name = byte_string(&arguments.get(0))?.filter(|name| is_token(name));
    optional(name.map(|name| name.to_ascii_lowercase()).as_deref())
}

/// The value of a header without blanks around it; undefined if it is none.
fn header_value(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let value = byte_string(&arguments.get(0))?;
    let value = value.as_deref().map(|value| value.trim_matches(is_blank));
    optional(value.filter(|value| !value.contains(['\0', '\n', '\r'])))
}

fn is_byte_string(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    Ok(Value::boolean(byte_string(&arguments.get(0))?.is_some()))
}

/// Whether a text may stand behind the status of a response.
fn is_reason(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = byte_string(&arguments.get(0))?;
    let is_reason = |text: &str| text.chars().all(|one| one == '\t' || one >= ' ' && one != '\x7f');
    Ok(Value::boolean(text.is_some_and(|text| is_reason(&text))))
}

/// The type of a blob, as its constructor writes it.
fn blob_type(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = arguments.get(0).text()?;
    if text.bytes().iter().all(|byte| (b' '..=b'~').contains(byte)) {
        room(text.bytes().len())?;
        Value::string(&text.bytes().to_ascii_lowercase())
    } else {
        Value::string(b"")
    }
}

struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

/// A media type, as the MIME Sniffing Standard parses it.
fn parse_media_type(text: &str) -> Option<MediaType> {
    let text = text.trim_matches(is_blank);
    let (essence, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let (kind, subtype) = essence.split_once('/')?;
    let subtype = subtype.trim_end_matches(is_blank);
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut essence = String::from(kind);
    essence.push('/');
    essence.push_str(subtype);
    let mut found = MediaType { essence: essence.to_ascii_lowercase(), parameters: Vec::new() };
    while let Some(text) = rest.strip_prefix(';') {
        let text = text.trim_start_matches(is_blank);
        let end = text.find([';', '=']).unwrap_or(text.len());
        let (name, behind) = text.split_at(end);
        rest = behind;
        let Some(text) = behind.strip_prefix('=') else { continue };
        let value;
        if let Some(quoted) = text.strip_prefix('"') {
            (value, rest) = unquote(quoted);
            rest = rest.get(rest.find(';').unwrap_or(rest.len())..).unwrap_or_default();
        } else {
            let (plain, behind) = text.split_at(text.find(';').unwrap_or(text.len()));
            rest = behind;
            value = plain.trim_end_matches(is_blank).into();
            if plain.trim_end_matches(is_blank).is_empty() {
                continue;
            }
        }
        let is_value =
            value.chars().all(|one| one == '\t' || (' '..='~').contains(&one) || ('\u{80}'..='\u{ff}').contains(&one));
        let name = name.to_ascii_lowercase();
        if is_token(&name) && is_value && found.parameters.iter().all(|(other, _)| *other != name) {
            found.parameters.push((name, value));
        }
    }
    Some(found)
}

/// The text of a quoted string, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next() {
            Some('"') | None => return (value, characters.as_str()),
            Some('\\') => value.push(characters.next().unwrap_or('\\')),
            Some(one) => value.push(one),
        }
    }
}

impl MediaType {
    fn write(&self) -> String {
        let mut out = self.essence.clone();
        for (name, value) in &self.parameters {
            out.push(';');
            out.push_str(name);
            out.push('=');
            if is_token(value) {
                out.push_str(value);
            } else {
                out.push('"');
                for one in value.chars() {
                    if matches!(one, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(one);
                }
                out.push('"');
            }
        }
        out
    }
}

/// Of the media type that the values of a header make together: its essence, itself, and its boundary. Undefined if
/// there is none.
fn media_type(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = arguments.get(0).lossy()?;
    let mut found: Option<MediaType> = None;
    for part in split_values(&text) {
        let Some(mut next) = parse_media_type(part).filter(|next| next.essence != "*/*") else { continue };
        // A later value of the same essence keeps the character set.
        if let Some(before) = found.take().filter(|before| before.essence == next.essence)
            && next.parameters.iter().all(|(name, _)| name != "charset")
        {
            next.parameters.extend(before.parameters.into_iter().filter(|(name, _)| name == "charset"));
        }
        found = Some(next);
    }
    let Some(found) = found else { return Ok(Value::undefined()) };
    let boundary = found.parameters.iter().find(|(name, _)| name == "boundary").map(|(_, value)| value.as_str());
    let mut list = alloc::vec![
        Value::string(found.essence.as_bytes())?,
        Value::string(found.write().as_bytes())?,
        optional(boundary)?
    ];
    Value::array(&mut list, 0)
}

/// The values of a header, which commas outside of quotes separate.
fn split_values(text: &str) -> Vec<&str> {
    let mut values = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                values.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    values.extend(text.get(start..));
    values
}

/// The name of a part, as the header of the part writes it.
fn escape_name(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let text = arguments.get(0).lossy()?;
    room(text.len() * 6)?;
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '\n' => out.push_str("%0A"),
            '\r' => out.push_str("%0D"),
            '"' => out.push_str("%22"),
            one => out.push(one),
        }
    }
    Value::string(out.as_bytes())
}

/// A text with all of its newlines written in one way.
fn newlines(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let (text, newline) = (arguments.get(0).text()?, arguments.get(1).lossy()?);
    room(text.bytes().len() * 4)?;
    let text = qjs::well_formed(text.bytes());
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(one) = characters.next() {
        match one {
            '\r' => {
                characters.next_if_eq(&'\n');
                out.push_str(&newline);
            }
            '\n' => out.push_str(&newline),
            one => out.push(one),
        }
    }
    Value::string(out.as_bytes())
}

/// The parts of a form: for each its name, the name of its file or undefined, its type or undefined, and where its bytes
/// begin and end. Undefined if the bytes are no such form.
fn parse_parts(arguments: &Arguments<'_>, _: u8) -> qjs::Result<Value> {
    let boundary = arguments.get(1).lossy()?;
    let parts = bytes::with(&arguments.get(0), |bytes| {
        let mut parts = Vec::new();
        parts_of(bytes, boundary.as_bytes(), &mut parts).map(|()| parts)
    })?;
    let Some(parts) = parts else { return Ok(Value::undefined()) };
    let mut list = Vec::new();
    for part in parts {
        list.push(Value::string(part.name.as_bytes())?);
        list.push(optional(part.file.as_deref())?);
        list.push(optional(part.kind.as_deref())?);
        list.push(Value::number(part.start as f64));
        list.push(Value::number(part.end as f64));
    }
    Value::array(&mut list, 0)
}

#[derive(Default)]
struct Part {
    name: String,
    file: Option<String>,
    kind: Option<String>,
    start: usize,
    end: usize,
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

fn parts_of(bytes: &[u8], boundary: &[u8], parts: &mut Vec<Part>) -> Option<()> {
    let delimiter = [b"--", boundary].concat();
    let line = [b"\r\n--", boundary].concat();
    if !bytes.starts_with(&delimiter) {
        return None;
    }
    let mut at = delimiter.len();
    loop {
        let rest = bytes.get(at..)?;
        if rest.starts_with(b"--") {
            return matches!(rest.get(2..), Some(b"" | b"\r\n")).then_some(());
        }
        if !rest.starts_with(b"\r\n") {
            return None;
        }
        at += 2;
        let mut part = Part::default();
        let mut has_name = false;
        loop {
            let end = find(bytes, b"\r\n", at)?;
            let header = super::lossy(bytes.get(at..end)?);
            at = end + 2;
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':')?;
            let value = value.trim_matches(is_blank);
            if name.eq_ignore_ascii_case("content-disposition") {
                has_name = read_disposition(value, &mut part)?;
            } else if name.eq_ignore_ascii_case("content-type") {
                part.kind = Some(value.into());
            }
        }
        if !has_name {
            return None;
        }
        part.start = at;
        part.end = find(bytes, &line, at)?;
        at = part.end + line.len();
        parts.push(part);
    }
}

/// Whether there is a name.
fn read_disposition(value: &str, part: &mut Part) -> Option<bool> {
    let mut rest = value.strip_prefix("form-data")?;
    let mut has_name = false;
    while let Some(text) = rest.trim_start_matches(is_blank).strip_prefix(';') {
        let text = text.trim_start_matches(is_blank);
        let (name, text) = text.split_once('=')?;
        let end = text.strip_prefix('"')?.find('"')?;
        let quoted = text.get(1..=end)?;
        rest = text.get(end + 2..)?;
        let unescaped = quoted.replace("%0A", "\n").replace("%0D", "\r").replace("%22", "\"");
        match name {
            "name" => {
                part.name = unescaped;
                has_name = true;
            }
            "filename" => part.file = Some(unescaped),
            _ => {}
        }
    }
    Some(has_name)
}
