//! Writes a source without its types: every byte of them becomes a blank, and every line end stays.
//!
//! It owns the promise about positions. It must never know what a type is.

use std::borrow::Cow;

use crate::lexer::{ends_line, is_blank};

/// What can stand among blanks, so that they do not change what the code around them means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// Ends the statement before.
    Semicolon,
    /// The parenthesis that begins the parameters of an arrow function.
    Open,
    /// The parenthesis that ends them.
    Close,
    /// A value that is not used, and a comma.
    Zero,
}

impl Put {
    fn text(self) -> &'static str {
        match self {
            Put::Semicolon => ";",
            Put::Open => "(",
            Put::Close => ")",
            Put::Zero => "0,",
        }
    }
}

/// Bytes that become blank, and what stands among them. It is small, because a hostile source can ask for one in every
/// third byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank {
    start: u32,
    end: u32,
    put: Option<(u32, Put)>,
}

/// A byte of a source, whose size is bounded.
fn small(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Blank {
    pub(crate) fn new(start: usize, end: usize) -> Blank {
        Blank { start: small(start), end: small(end), put: None }
    }

    /// The same with something at a byte.
    pub(crate) fn with(self, at: usize, put: Put) -> Blank {
        Blank { put: Some((small(at), put)), ..self }
    }

    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(&self) -> usize {
        self.end as usize
    }

    /// Whether something stands among the blanks already.
    pub(crate) fn is_taken(&self) -> bool {
        self.put.is_some()
    }
}

/// The source with these blanks, which are in order and apart from each other.
pub(crate) fn blanked<'s>(source: &'s str, blanks: &[Blank]) -> Cow<'s, str> {
    if blanks.is_empty() {
        return Cow::Borrowed(source);
    }
    let mut written = String::with_capacity(source.len());
    for blank in blanks {
        written.push_str(source.get(written.len()..blank.start()).unwrap_or_default());
        for (offset, found) in source.get(blank.start()..blank.end()).unwrap_or_default().char_indices() {
            let at = blank.start() + offset;
            match blank.put {
                Some((place, put)) if place as usize == at => written.push_str(put.text()),
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
