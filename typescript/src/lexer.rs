//! Cuts a source into tokens, one at a time, because only the parser knows whether a slash begins a pattern and
//! whether a brace ends an expression in a template.
//!
//! It must never know what a token means.

use crate::fault::{Cause, Fault, Parse};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The end of the source.
    End,
    /// An identifier or a keyword.
    Name,
    /// `#name`
    Private,
    Number,
    Text,
    /// A template to its end or to its first `${`.
    Template,
    Pattern,
    Mark,
}

/// A token: its bytes, and whether a line ended in front of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) on_new_line: bool,
}

/// Longer marks stand before those that they begin with.
const MARKS: [&str; 56] = [
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&",
    "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**", "{", "}", "(", ")",
    "[", "]", ";", ",", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~", "?", ":", "=",
];

/// The character at a byte.
fn character(source: &str, at: usize) -> Option<char> {
    source.get(at..)?.chars().next()
}

/// Whether a character ends a line.
pub(crate) fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Whether a text spans lines.
pub(crate) fn spans_lines(text: &str) -> bool {
    text.chars().any(ends_line)
}

/// Whether ECMAScript takes a character for a blank. Line ends are none.
pub(crate) fn is_blank(character: char) -> bool {
    let is_blank = matches!(character, '\t' | '\u{b}' | '\u{c}' | '\u{feff}') || character.is_whitespace();
    is_blank && !ends_line(character) && character != '\u{85}'
}

/// The first token at or after a byte.
///
/// # Errors
///
/// A comment, text or template without an end, and a character that begins no token.
pub(crate) fn token(source: &str, from: usize) -> Parse<Token> {
    let (start, on_new_line) = after_blanks(source, from)?;
    let bytes = source.as_bytes();
    let Some(first) = bytes.get(start).copied() else {
        return Ok(Token { kind: Kind::End, start, end: start, on_new_line });
    };
    let next = bytes.get(start + 1).copied().unwrap_or_default();
    let (kind, end) = match first {
        b'"' | b'\'' => (Kind::Text, text(source, start, first)?),
        b'`' => (Kind::Template, template(source, start)?),
        b'0'..=b'9' => (Kind::Number, number(source, start)),
        b'.' if next.is_ascii_digit() => (Kind::Number, number(source, start)),
        b'#' => (Kind::Private, name(source, start + 1)),
        b'.' if !source.get(start..).is_some_and(|rest| rest.starts_with("...")) => (Kind::Mark, start + 1),
        b'@' => (Kind::Mark, start + 1),
        _ => match name(source, start) {
            end if end > start => (Kind::Name, end),
            _ => (Kind::Mark, start + mark(source, start)?),
        },
    };
    if kind == Kind::Private && end == start + 1 {
        return Err(Fault::new(start, Cause::Character));
    }
    Ok(Token { kind, start, end, on_new_line })
}

fn mark(source: &str, start: usize) -> Parse<usize> {
    let rest = source.as_bytes().get(start..).unwrap_or_default();
    // A number may follow a question mark: `a?.5:1`.
    let is_digit = rest.get(2).is_some_and(u8::is_ascii_digit);
    let found = MARKS.iter().find(|mark| rest.starts_with(mark.as_bytes()) && !(**mark == "?." && is_digit));
    found.map(|mark| mark.len()).ok_or_else(|| Fault::new(start, Cause::Character))
}

/// The first byte after blanks and comments, and whether a line ended among them.
fn after_blanks(source: &str, from: usize) -> Parse<(usize, bool)> {
    let bytes = source.as_bytes();
    let (mut at, mut on_new_line) = (from, false);
    loop {
        match (bytes.get(at).copied(), bytes.get(at + 1).copied()) {
            (Some(b' ' | b'\t' | 0x0b | 0x0c), _) => at += 1,
            (Some(b'\n' | b'\r'), _) => {
                on_new_line = true;
                at += 1;
            }
            (Some(b'/'), Some(b'/')) => at = line_end(source, at),
            (Some(b'#'), Some(b'!')) if at == 0 => at = line_end(source, at),
            (Some(b'/'), Some(b'*')) => {
                let body = source.get(at + 2..).unwrap_or_default();
                let length = body.find("*/").ok_or_else(|| Fault::new(at, Cause::Unfinished("comment")))?;
                on_new_line |= spans_lines(body.get(..length).unwrap_or_default());
                at += length + 4;
            }
            (Some(0x80..), _) => match character(source, at) {
                Some(found) if ends_line(found) => {
                    on_new_line = true;
                    at += found.len_utf8();
                }
                Some(found) if is_blank(found) => at += found.len_utf8(),
                _ => return Ok((at, on_new_line)),
            },
            _ => return Ok((at, on_new_line)),
        }
    }
}

fn line_end(source: &str, from: usize) -> usize {
    source.get(from..).and_then(|rest| rest.find(ends_line)).map_or(source.len(), |length| from + length)
}

/// The end of a name, or its start where there is none.
fn name(source: &str, start: usize) -> usize {
    let bytes = source.as_bytes();
    let mut at = start;
    loop {
        match bytes.get(at).copied() {
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$') => at += 1,
            Some(b'0'..=b'9') if at > start => at += 1,
            Some(b'\\') if bytes.get(at + 1) == Some(&b'u') => {
                let rest = bytes.get(at + 2..).unwrap_or_default();
                let is_braced = rest.first() == Some(&b'{');
                let length = if is_braced { rest.iter().position(|byte| *byte == b'}') } else { None };
                at += 2 + length.map_or(0, |length| length + 1);
            }
            Some(0x80..) => match character(source, at) {
                Some(found) if !ends_line(found) && !is_blank(found) => at += found.len_utf8(),
                _ => return at,
            },
            _ => return at,
        }
    }
}

fn number(source: &str, start: usize) -> usize {
    let bytes = source.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count()
    };
    let has_base = byte(start) == b'0' && matches!(byte(start + 1) | 0x20, b'x' | b'o' | b'b');
    let mut at = start;
    if !has_base {
        at = digits(at);
        if byte(at) == b'.' {
            at = digits(at + 1);
        }
        if byte(at) | 0x20 == b'e' {
            let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
            if byte(at + 1 + sign).is_ascii_digit() {
                at = digits(at + 1 + sign);
            }
        }
    }
    // The suffix of a big integer, the digits of another base, and what is no number at all.
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')).count()
}

/// The byte after an escaped character.
fn after_escape(source: &str, backslash: usize) -> usize {
    match character(source, backslash + 1) {
        Some('\r') if source.as_bytes().get(backslash + 2) == Some(&b'\n') => backslash + 3,
        Some(escaped) => backslash + 1 + escaped.len_utf8(),
        None => backslash + 1,
    }
}

fn text(source: &str, start: usize, quote: u8) -> Parse<usize> {
    let bytes = source.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at).copied() {
            Some(b'\\') => at = after_escape(source, at),
            Some(byte) if byte == quote => return Ok(at + 1),
            None | Some(b'\n' | b'\r') => return Err(Fault::new(start, Cause::Unfinished("string"))),
            Some(_) => at += 1,
        }
    }
}

/// The end of a piece of a template, which begins with a backtick or a brace.
pub(crate) fn template(source: &str, start: usize) -> Parse<usize> {
    let bytes = source.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at).copied() {
            Some(b'\\') => at = after_escape(source, at),
            Some(b'`') => return Ok(at + 1),
            Some(b'$') if bytes.get(at + 1) == Some(&b'{') => return Ok(at + 2),
            None => return Err(Fault::new(start, Cause::Unfinished("template"))),
            Some(_) => at += 1,
        }
    }
}

/// The end of a pattern.
pub(crate) fn pattern(source: &str, start: usize) -> Parse<usize> {
    let unfinished = || Fault::new(start, Cause::Unfinished("regular expression"));
    let (mut at, mut in_class) = (start + 1, false);
    loop {
        let found = character(source, at).filter(|found| !ends_line(*found)).ok_or_else(unfinished)?;
        at += found.len_utf8();
        match found {
            '\\' => {
                let escaped = character(source, at).filter(|found| !ends_line(*found)).ok_or_else(unfinished)?;
                at += escaped.len_utf8();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => {
                let flags = source.as_bytes().get(at..).unwrap_or_default();
                return Ok(at + flags.iter().take_while(|flag| flag.is_ascii_alphanumeric()).count());
            }
            _ => {}
        }
    }
}
