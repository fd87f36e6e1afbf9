//! Writes a source without its types: every byte of them becomes a blank, and every line end stays.
//!
//! It owns the promise about positions. It must never know what a type is.

use std::borrow::Cow;

use crate::lexer::{ends_line, is_blank};

/// Bytes that become blank, and a text that stands among the blanks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// A text, and the byte where it begins.
    pub(crate) put: Option<(usize, &'static str)>,
}

/// The source with these blanks, which are in order and apart from each other.
pub(crate) fn blanked<'s>(source: &'s str, blanks: &[Blank]) -> Cow<'s, str> {
    if blanks.is_empty() {
        return Cow::Borrowed(source);
    }
    let mut written = String::with_capacity(source.len());
    for blank in blanks {
        written.push_str(source.get(written.len()..blank.start).unwrap_or_default());
        for (offset, found) in source.get(blank.start..blank.end).unwrap_or_default().char_indices() {
            let at = blank.start + offset;
            match blank.put {
                Some((place, text)) if place == at => written.push_str(text),
                _ if written.len() <= at => push_blank(&mut written, found),
                // What was put covers this character.
                _ => {}
            }
            while written.len() < at + found.len_utf8() {
                written.push(' ');
            }
        }
    }
    written.push_str(source.get(written.len()..).unwrap_or_default());
    Cow::Owned(written)
}

/// A blank as long as a character, both in bytes and in UTF-16 units: QuickJS counts columns in bytes, editors in
/// units.
fn push_blank(written: &mut String, found: char) {
    match found.len_utf8() {
        _ if ends_line(found) || is_blank(found) => written.push(found),
        1 => written.push(' '),
        2 => written.push('\u{a0}'),
        3 => written.push('\u{2003}'),
        _ => written.push_str("\u{a0}\u{a0}"),
    }
}
