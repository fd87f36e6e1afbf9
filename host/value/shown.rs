//! Values in the binary form as text for people: JSON where there is some, and expressions of JavaScript elsewhere. It
//! does not recurse.

use belljar_abi::values::Elements;

use super::json::push_text;
use super::nodes::{Cursor, Element, Node, Text, element};
use super::numbers::{iso, push_number};

/// The most bytes of a buffer and elements of a view that are shown.
const ELEMENTS: usize = 50;

/// An object that is being shown.
struct Level {
    kind: Kind,
    /// How many nodes of it are there.
    count: usize,
    close: &'static str,
}

enum Kind {
    Members,
    Items,
    Pairs,
}

/// The text of a message that has been checked.
pub(super) fn text(message: &[u8]) -> String {
    let mut out = String::new();
    let mut cursor = Cursor::new(message);
    let mut levels: Vec<Level> = Vec::new();
    while !cursor.is_at_end() {
        let number = cursor.objects;
        let Ok(node) = cursor.next() else { break };
        if node == Node::End {
            let Some(level) = levels.pop() else { break };
            if matches!(level.kind, Kind::Pairs) && level.count > 0 {
                out.push(']');
            }
            out.push_str(level.close);
            continue;
        }
        if let Some(level) = levels.last_mut() {
            out.push_str(match (&level.kind, level.count) {
                (Kind::Pairs, 0) => "[",
                (Kind::Pairs, count) if count.is_multiple_of(2) => "],[",
                (Kind::Members, count) if count % 2 == 1 => ":",
                (_, 0) => "",
                _ => ",",
            });
            level.count += 1;
        }
        if let Some((kind, close)) = show(&mut out, node, number, &mut cursor) {
            levels.push(Level { kind, count: 0, close });
        }
    }
    out
}

/// Appends a node, and returns how its own nodes follow.
fn show(out: &mut String, node: Node<'_>, number: u32, cursor: &mut Cursor<'_>) -> Option<(Kind, &'static str)> {
    match node {
        Node::Undefined | Node::End => out.push_str("undefined"),
        Node::Null => out.push_str("null"),
        Node::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Node::Int(number) => push_number(out, number.into()),
        Node::Float(number) => {
            out.push_str(if number == 0.0 && number.is_sign_negative() { "-" } else { "" });
            push_number(out, number);
        }
        Node::BigInt(digits) => {
            out.push_str(digits);
            out.push('n');
        }
        Node::Text(text) => push_text(out, text),
        Node::Reference(number) => out.push_str(&format!("<object {number}>")),
        Node::Object => {
            out.push('{');
            return Some((Kind::Members, "}"));
        }
        Node::Array => {
            out.push('[');
            return Some((Kind::Items, "]"));
        }
        Node::Sparse(length) => {
            out.push_str(&format!("Array({length}){{"));
            return Some((Kind::Members, "}"));
        }
        Node::Date(time) if time.is_nan() => out.push_str("new Date(NaN)"),
        Node::Date(time) => {
            out.push_str("new Date(");
            push_text(out, Text::Utf8(&iso(time)));
            out.push(')');
        }
        Node::RegExp(source, flags) => out.push_str(&reg_exp(source, flags)),
        Node::Map => {
            out.push_str("new Map([");
            return Some((Kind::Pairs, "])"));
        }
        Node::Set => {
            out.push_str("new Set([");
            return Some((Kind::Items, "])"));
        }
        Node::Buffer(bytes, _) => show_bytes(out, "ArrayBuffer", Elements::Uint8, bytes),
        Node::View(view) => match cursor.next() {
            Ok(Node::Buffer(bytes, _)) => {
                show_bytes(out, view.elements.class(), view.elements, view.of(bytes).unwrap_or_default());
            }
            _ => out.push_str(&format!("{}(<object {number}>)", view.elements.class())),
        },
        Node::Error(kind) => {
            out.push_str(kind.class());
            out.push('{');
            return Some((Kind::Members, "}"));
        }
        Node::Boxed => {
            out.push_str("Object(");
            if let Ok(inner) = cursor.next() {
                show(out, inner, number, cursor);
            }
            out.push(')');
        }
    }
    None
}

/// A regular expression between its slashes.
pub(super) fn reg_exp(source: Text<'_>, flags: Text<'_>) -> String {
    format!("/{}/{}", source.lossy(), flags.lossy())
}

fn show_bytes(out: &mut String, class: &str, elements: Elements, bytes: &[u8]) {
    let count = bytes.len() / elements.size();
    out.push_str(&format!("{class}({count})["));
    for (at, bytes) in bytes.chunks_exact(elements.size()).take(ELEMENTS).enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        match element(elements, bytes) {
            Some(Element::Int(int)) => out.push_str(&int.to_string()),
            Some(Element::Unsigned(int)) => out.push_str(&int.to_string()),
            Some(Element::Float(float)) => push_number(out, float),
            None => {}
        }
    }
    out.push_str(if count > ELEMENTS { ",…]" } else { "]" });
}
