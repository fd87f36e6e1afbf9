//! Why a source cannot be stripped, with the place and the line.
//!
//! It counts lines and columns. It must never know the grammar.

use std::fmt;

use crate::fault::{Cause, Fault};
use crate::lexer::ends_line;

/// The most characters of a line that are kept, and the most of them before the column.
const LINE_CHARACTERS: usize = 160;
const BEFORE_CHARACTERS: usize = 80;

/// Why a source cannot be stripped: it has what is more than a type, or what no rule of TypeScript allows.
///
/// ```
/// let error = belljar_typescript::strip("let a = 1;\nenum Colour { Red }", "main.ts").unwrap_err();
/// assert_eq!((error.line, error.column, error.text.as_str()), (2, 1, "enum Colour { Red }"));
/// assert_eq!(
///     error.to_string(),
///     "main.ts:2:1: an enum cannot be erased, because it is code; write an object: const NAME = { A: 'a' } as const"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyntaxError {
    /// The name of the source.
    pub name: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1, as in the frames and stacks of belljar.
    pub column: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
    /// The text of the line. Of a long line, at most 160 characters around the column.
    pub text: String,
}

impl SyntaxError {
    pub(crate) fn new(fault: &Fault, source: &str, name: &str) -> SyntaxError {
        let at = source.floor_char_boundary(fault.at);
        let before = source.get(..at).unwrap_or_default();
        let start = before.char_indices().rev().find(|(_, found)| ends_line(*found));
        let start = start.map_or(0, |(end, found)| end + found.len_utf8());
        let line = source.get(start..).unwrap_or_default().split(ends_line).next().unwrap_or_default();
        // Both characters of a line end in the manner of Windows end one line.
        let lines = before.chars().filter(|found| ends_line(*found)).count() - before.matches("\r\n").count();
        SyntaxError {
            name: name.to_owned(),
            line: 1 + lines,
            column: 1 + at - start,
            message: told(fault, source),
            text: around(line, at - start),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SyntaxError { name, line, column, message, .. } = self;
        write!(f, "{name}:{line}:{column}: {message}")
    }
}

impl std::error::Error for SyntaxError {}

/// The message, with the beginning of what stands at the place.
fn told(fault: &Fault, source: &str) -> String {
    let message = fault.cause.to_string();
    if !matches!(fault.cause, Cause::Expected(_) | Cause::Character) {
        return message;
    }
    let rest = source.get(fault.at..).unwrap_or_default();
    let is_part = |found: char| found.is_alphanumeric() || matches!(found, '_' | '$');
    let mut found: String = rest.chars().take_while(|found| is_part(*found)).take(20).collect();
    if found.is_empty() {
        found = rest.chars().take(1).flat_map(char::escape_debug).collect();
    }
    match found.as_str() {
        "" => format!("{message}, but the source ends here"),
        found => format!("{message}, found {found}"),
    }
}

/// The part of a line around a byte.
fn around(line: &str, at: usize) -> String {
    let before = line.get(..at).map_or(0, |before| before.chars().count());
    line.chars().skip(before.saturating_sub(BEFORE_CHARACTERS)).take(LINE_CHARACTERS).collect()
}
