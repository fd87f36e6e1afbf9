//! Values in the binary form as JSON text. Writing does not recurse.

use std::collections::HashSet;

use belljar_abi::values::Elements;

use super::nodes::{Cursor, Element, Node, Text, element, places};
use super::numbers::{iso, push_number};

/// What becomes of values that JSON has no form for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// They are errors.
    Exact,
    /// They become what `JSON.stringify` makes of them.
    Lossy,
}

/// The most text that a value may become, besides sixteen times its own size. Parts that a value refers to are written
/// each time, so a few of them can stand for very much text.
const MOST_BYTES: usize = 16 << 20;
/// An array with holes has at most this many, besides eight for each element.
const HOLES: usize = 1024;

/// Whether an array of this length may be written out, when its nodes take so many bytes.
pub(super) fn is_full(length: u32, bytes: usize) -> bool {
    length as usize <= HOLES.saturating_add(bytes.saturating_mul(8))
}

/// An object that is being written.
struct Level<'a> {
    cursor: Cursor<'a>,
    number: u32,
    /// Whether its nodes are where those of the level below go on.
    is_inline: bool,
    shape: Shape<'a>,
    count: u32,
}

enum Shape<'a> {
    /// With the name of the member that is being written.
    Members(Option<Text<'a>>),
    Items,
    /// The elements of an array with holes: how many are written, and how many there are.
    Holes(u32, u32),
}

struct Writer<'a> {
    message: &'a [u8],
    manner: Manner,
    root: &'a str,
    out: String,
    levels: Vec<Level<'a>>,
    /// The numbers of the objects that are open.
    open: HashSet<u32>,
    /// The places of the objects, once a reference is met.
    places: Option<Vec<usize>>,
}

/// The JSON text of a message that has been checked. `root` is how errors call the value.
///
/// # Errors
///
/// What JSON has no form for, with its path.
pub(super) fn text(message: &[u8], manner: Manner, root: &str) -> Result<String, String> {
    let mut writer = Writer {
        message,
        manner,
        root,
        out: String::with_capacity(message.len()),
        levels: Vec::new(),
        open: HashSet::new(),
        places: None,
    };
    let mut cursor = Cursor::new(message);
    writer.node(&mut cursor, true)?;
    while !writer.levels.is_empty() {
        writer.step()?;
    }
    Ok(writer.out)
}

impl<'a> Writer<'a> {
    /// Writes the next member of the innermost level, or its end.
    fn step(&mut self) -> Result<(), String> {
        if self.out.len() > self.message.len().saturating_mul(16).saturating_add(MOST_BYTES) {
            return self.refuse("a value that refers to its parts so often that its text is too long");
        }
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if let Shape::Holes(..) = level.shape {
            return self.step_over_holes();
        }
        if level.cursor.is_closing() {
            let _ = level.cursor.next();
            self.out.push(if matches!(level.shape, Shape::Items) { ']' } else { '}' });
            self.leave();
            return Ok(());
        }
        let mut cursor = level.cursor;
        if let Shape::Members(name) = &mut level.shape {
            let Ok(Node::Text(text)) = cursor.next() else { return self.refuse("an unnamed member") };
            *name = Some(text);
            let mut ahead = cursor;
            if let Ok(Node::Undefined) = ahead.next() {
                // A member that is undefined is left out: one that is not there is undefined too.
                level.cursor = ahead;
                return Ok(());
            }
            if level.count > 0 {
                self.out.push(',');
            }
            push_text(&mut self.out, text);
            self.out.push(':');
        } else if level.count > 0 {
            self.out.push(',');
        }
        if let Some(level) = self.levels.last_mut() {
            level.count += 1;
        }
        let depth = self.levels.len();
        self.node(&mut cursor, true)?;
        // Whatever follows the node, unless its own nodes do.
        if let Some(level) = self.levels.get_mut(depth - 1) {
            level.cursor = cursor;
        }
        Ok(())
    }

    fn enter(&mut self, cursor: Cursor<'a>, number: u32, is_inline: bool, shape: Shape<'a>) {
        self.out.push(if matches!(shape, Shape::Members(_)) { '{' } else { '[' });
        self.open.insert(number);
        self.levels.push(Level { cursor, number, is_inline, shape, count: 0 });
    }

    fn leave(&mut self) {
        let Some(ended) = self.levels.pop() else { return };
        self.open.remove(&ended.number);
        if ended.is_inline
            && let Some(below) = self.levels.last_mut()
        {
            below.cursor = ended.cursor;
        }
    }

    /// Writes a node, or begins to.
    fn node(&mut self, cursor: &mut Cursor<'a>, is_inline: bool) -> Result<(), String> {
        let number = cursor.objects;
        let Ok(node) = cursor.next() else { return self.refuse("a message that is cut off") };
        let is_lossy = self.manner == Manner::Lossy;
        match node {
            Node::Null => self.out.push_str("null"),
            Node::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            Node::Int(number) => push_number(&mut self.out, number.into()),
            Node::Float(number) if number.is_finite() => {
                if number == 0.0 && number.is_sign_negative() && !is_lossy {
                    self.out.push('-');
                }
                push_number(&mut self.out, number);
            }
            Node::Text(text) => push_text(&mut self.out, text),
            Node::Undefined | Node::Float(_) if is_lossy => self.out.push_str("null"),
            Node::Undefined => return self.refuse("undefined"),
            Node::Float(number) => {
                let mut shown = String::new();
                push_number(&mut shown, number);
                return self.refuse(&shown);
            }
            Node::BigInt(_) => return self.refuse("a BigInt"),
            Node::Date(time) if !time.is_nan() => push_text(&mut self.out, Text::Utf8(&iso(time))),
            Node::Date(_) if is_lossy => self.out.push_str("null"),
            Node::Date(_) => return self.refuse("an invalid Date"),
            Node::Reference(number) => return self.follow(number),
            Node::Object => self.enter(*cursor, number, is_inline, Shape::Members(None)),
            Node::Array => self.enter(*cursor, number, is_inline, Shape::Items),
            Node::Boxed => return self.node(cursor, is_inline),
            Node::RegExp(..) if is_lossy => self.out.push_str("{}"),
            Node::Buffer(..) if is_lossy => self.out.push_str("{}"),
            Node::Sparse(length) if is_lossy => {
                if !is_full(length, self.message.len()) {
                    return self.refuse(&format!("an array of {length} elements, of which nearly all are holes,"));
                }
                self.enter(*cursor, number, is_inline, Shape::Holes(0, length));
            }
            Node::Map | Node::Set if is_lossy => {
                self.out.push_str("{}");
                skip_members(cursor);
            }
            Node::Error(_) if is_lossy => {
                // What an error has is hidden, but for what a script has added.
                let mut ahead = *cursor;
                while let Ok(Node::Text(Text::Utf8("name" | "message" | "stack" | "cause" | "errors"))) = ahead.next() {
                    skip(&mut ahead);
                    *cursor = ahead;
                }
                self.enter(*cursor, number, is_inline, Shape::Members(None));
            }
            Node::View(view) if is_lossy => {
                let bytes = self.buffer(cursor).and_then(|bytes| view.of(bytes)).unwrap_or_default();
                let bytes = if view.elements == Elements::Bytes { &[] } else { bytes };
                self.out.push('{');
                for (at, bytes) in bytes.chunks_exact(view.elements.size()).enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    let Some(element) = element(view.elements, bytes) else { continue };
                    match element {
                        Element::Int(_) | Element::Unsigned(_) if view.elements.class().starts_with("Big") => {
                            return self.refuse("a BigInt");
                        }
                        Element::Int(int) => self.out.push_str(&format!("{comma}\"{at}\":{int}")),
                        Element::Unsigned(int) => self.out.push_str(&format!("{comma}\"{at}\":{int}")),
                        Element::Float(float) => {
                            self.out.push_str(&format!("{comma}\"{at}\":"));
                            if float.is_finite() {
                                push_number(&mut self.out, float)
                            } else {
                                self.out.push_str("null")
                            }
                        }
                    }
                }
                self.out.push('}');
            }
            Node::View(view) => {
                return self.refuse(&format!("{} {}", article(view.elements.class()), view.elements.class()));
            }
            Node::Sparse(_) => return self.refuse("an array with holes or names"),
            Node::RegExp(..) => return self.refuse("a RegExp"),
            Node::Buffer(..) => return self.refuse("an ArrayBuffer"),
            Node::Map => return self.refuse("a Map"),
            Node::Set => return self.refuse("a Set"),
            Node::Error(kind) => return self.refuse(&format!("{} {}", article(kind.class()), kind.class())),
            Node::End => return self.refuse("a message that is cut off"),
        }
        Ok(())
    }

    /// Writes an object that has been met before.
    fn follow(&mut self, number: u32) -> Result<(), String> {
        if self.open.contains(&number) {
            return self.refuse("an object that holds itself");
        }
        let message = self.message;
        let places = self.places.get_or_insert_with(|| places(message));
        let Some(place) = places.get(number as usize) else { return self.refuse("a message that is cut off") };
        let mut cursor = Cursor::new(message).jump(number, *place);
        self.node(&mut cursor, false)
    }

    /// The bytes of the buffer that follows a view.
    fn buffer(&mut self, cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
        match cursor.next().ok()? {
            Node::Buffer(bytes, _) => Some(bytes),
            Node::Reference(number) => {
                let message = self.message;
                let place = *self.places.get_or_insert_with(|| places(message)).get(number as usize)?;
                match Cursor::new(message).jump(number, place).next().ok()? {
                    Node::Buffer(bytes, _) => Some(bytes),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Writes the next element of an array with holes, and null for each hole before it. What is no element, or comes
    /// out of order, is left out.
    fn step_over_holes(&mut self) -> Result<(), String> {
        let Some(Level { cursor, shape: Shape::Holes(written, length), .. }) = self.levels.last_mut() else {
            return Ok(());
        };
        let mut at = *cursor;
        let index = match at.next() {
            Ok(Node::Text(name)) => {
                let name = name.lossy();
                name.parse::<u32>()
                    .ok()
                    .filter(|index| index.to_string() == name && (*written..*length).contains(index))
            }
            _ => Some(*length),
        };
        let Some(index) = index else {
            skip(&mut at);
            *cursor = at;
            return Ok(());
        };
        while *written < index {
            self.out.push_str(if *written > 0 { ",null" } else { "null" });
            *written += 1;
        }
        if index == *length {
            *cursor = at;
            self.out.push(']');
            self.leave();
            return Ok(());
        }
        self.out.push_str(if *written > 0 { "," } else { "" });
        *written += 1;
        let depth = self.levels.len();
        self.node(&mut at, true)?;
        if let Some(level) = self.levels.get_mut(depth - 1) {
            level.cursor = at;
        }
        Ok(())
    }

    fn refuse(&self, what: &str) -> Result<(), String> {
        /// The most steps of a path that are shown at each end.
        const STEPS: usize = 6;
        let mut path = String::from(self.root);
        let left_out = self.levels.len().saturating_sub(2 * STEPS);
        for (at, level) in self.levels.iter().enumerate() {
            if left_out > 0 && (STEPS..STEPS + left_out).contains(&at) {
                path.push_str(if at == STEPS { "…" } else { "" });
                continue;
            }
            match &level.shape {
                Shape::Items => path.push_str(&format!("[{}]", level.count.saturating_sub(1))),
                Shape::Holes(written, _) => path.push_str(&format!("[{}]", written.saturating_sub(1))),
                Shape::Members(name) => path.push_str(&member(name.map(Text::lossy).unwrap_or_default().as_str())),
            }
        }
        Err(format!("{path}: {what} has no JSON form"))
    }
}

/// How a path names a member.
fn member(name: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '$';
    if name.len() <= 60 && name.chars().all(is_plain) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return format!(".{name}");
    }
    format!("[{}]", crate::excerpt::quoted(name))
}

/// The article of the name of a class.
pub(super) fn article(class: &str) -> &'static str {
    if class.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" }
}

/// Goes on behind one node and all that belongs to it.
pub(super) fn skip(cursor: &mut Cursor<'_>) {
    let mut open = 0_usize;
    loop {
        match cursor.next() {
            Ok(Node::End) => open = open.saturating_sub(1),
            Ok(Node::View(_) | Node::Boxed) => {
                let _ = cursor.next();
            }
            Ok(node) if node.is_open() => open += 1,
            Ok(_) => {}
            Err(_) => return,
        }
        if open == 0 {
            return;
        }
    }
}

/// Goes on behind the end of an object that has begun.
pub(super) fn skip_members(cursor: &mut Cursor<'_>) {
    while !cursor.is_closing() {
        skip(cursor);
    }
    let _ = cursor.next();
}

/// Appends a string as JSON writes it.
pub(super) fn push_text(out: &mut String, text: Text<'_>) {
    match text {
        Text::Utf8(text) => out.push_str(&serde_json::to_string(text).unwrap_or_default()),
        Text::Wide(bytes) => {
            out.push('"');
            for char in char::decode_utf16(Text::units(bytes)) {
                match char {
                    Ok(char) => {
                        let quoted = serde_json::to_string(&char).unwrap_or_default();
                        out.push_str(quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default());
                    }
                    Err(lone) => out.push_str(&format!("\\u{:04x}", lone.unpaired_surrogate())),
                }
            }
            out.push('"');
        }
    }
}
