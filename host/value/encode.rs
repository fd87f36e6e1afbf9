//! Nodes of the binary form, from what Rust and JSON have. It must never know a type of the embedder.

use std::borrow::Cow;
use std::collections::HashMap;

use belljar_abi::values::{MAGIC, Tag};

use super::json::skip;
use super::nodes::{Cursor, Node, Wrong};

/// Appends the nodes of a JSON text that has been checked, and returns how many objects they are.
pub(super) fn push_nodes(out: &mut Vec<u8>, json: &str) -> u32 {
    let bytes = json.as_bytes();
    let (mut at, mut objects) = (0, 0_u32);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                objects += 1;
                out.push(if byte == b'{' { Tag::Object } else { Tag::Array } as u8);
            }
            b'}' | b']' => out.push(Tag::End as u8),
            b't' | b'f' | b'n' => {
                let (tag, length) = match byte {
                    b't' => (Tag::True, 4),
                    b'f' => (Tag::False, 5),
                    _ => (Tag::Null, 4),
                };
                out.push(tag as u8);
                at = start + length;
            }
            b'"' => {
                while let Some(&byte) = bytes.get(at) {
                    at += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                }
                push_quoted(out, json.get(start..at).unwrap_or_default());
            }
            b'-' | b'0'..=b'9' => {
                while matches!(bytes.get(at), Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
                    at += 1;
                }
                push_float(out, json.get(start..at).and_then(|text| text.parse().ok()).unwrap_or(f64::NAN));
            }
            _ => {}
        }
    }
    objects
}

/// Appends a string with its quotes and escapes.
fn push_quoted(out: &mut Vec<u8>, quoted: &str) {
    if let Ok(text) = serde_json::from_str::<Cow<'_, str>>(quoted) {
        return push_utf8(out, Tag::Text, text.as_bytes());
    }
    // A lone surrogate, which no text of Rust has.
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut units: Vec<u16> = Vec::new();
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        let char = match char {
            '\\' => match chars.next() {
                Some('u') => {
                    let hex: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&hex, 16).unwrap_or(0xfffd));
                    continue;
                }
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => break,
            },
            plain => plain,
        };
        units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
    }
    out.push(Tag::Wide as u8);
    push_varint(out, units.len());
    out.extend(units.into_iter().flat_map(u16::to_le_bytes));
}

/// Appends a run of bytes with its length behind a tag.
pub(super) fn push_utf8(out: &mut Vec<u8>, tag: Tag, bytes: &[u8]) {
    out.push(tag as u8);
    push_varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a number of a message. More than 32 bits would be a message of gigabytes, which no limit lets pass.
pub(super) fn push_varint(out: &mut Vec<u8>, number: usize) {
    let mut number = u32::try_from(number).unwrap_or(u32::MAX);
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a number of JavaScript.
pub(super) fn push_float(out: &mut Vec<u8>, number: f64) {
    #[allow(clippy::cast_possible_truncation, reason = "it is compared with the number that it came from")]
    let int = number as i32;
    if f64::from(int).to_bits() == number.to_bits() {
        out.push(Tag::Int as u8);
        push_varint(out, ((int << 1) ^ (int >> 31)).cast_unsigned() as usize);
    } else {
        out.push(Tag::Float as u8);
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends the nodes of a message that has been checked behind `before` objects, and returns how many objects they are.
pub(super) fn push_message(out: &mut Vec<u8>, message: &[u8], before: u32) -> Result<u32, Wrong> {
    let mut cursor = Cursor::new(message);
    while !cursor.is_at_end() {
        let place = cursor.at;
        match cursor.next()? {
            Node::Reference(number) => {
                out.push(Tag::Reference as u8);
                push_varint(out, number.saturating_add(before) as usize);
            }
            _ => out.extend_from_slice(cursor.since(place)),
        }
    }
    Ok(cursor.objects)
}

/// A message of one node and of all that belongs to it, also of what it refers to in the rest of its message.
pub(super) fn extract(from: Cursor<'_>, places: &[usize]) -> Result<Vec<u8>, Wrong> {
    let mut out = vec![MAGIC];
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    // Where the copy goes on, and how many ends it is away from the end of what began there.
    let mut levels = vec![(from, 0_usize)];
    while let Some((cursor, open)) = levels.last_mut() {
        let (start, place, number) = (*cursor, cursor.at, cursor.objects);
        let mut node = cursor.next()?;
        if node.is_object() && numbers.contains_key(&number) {
            // It was copied where something referred to it.
            *cursor = start;
            skip(cursor);
            node = Node::Reference(number);
        }
        if node.is_object() {
            let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            numbers.insert(number, count);
        }
        match node {
            Node::Reference(number) => match numbers.get(&number) {
                Some(copied) => {
                    out.push(Tag::Reference as u8);
                    push_varint(&mut out, *copied as usize);
                }
                None => {
                    let place = *places.get(number as usize).ok_or("a reference leads nowhere")?;
                    let jump = cursor.jump(number, place);
                    levels.push((jump, 0));
                    continue;
                }
            },
            node => {
                out.extend_from_slice(cursor.since(place));
                match node {
                    Node::End => *open = open.saturating_sub(1),
                    // Their one node is no end and has none.
                    Node::View(_) | Node::Boxed => continue,
                    node if node.is_open() => *open += 1,
                    _ => {}
                }
            }
        }
        while levels.last().is_some_and(|(_, open)| *open == 0) {
            levels.pop();
        }
    }
    Ok(out)
}
