//! Finds where in a script an error was thrown: the line, the column, and the expression there.
//!
//! It parses a stack and a source, both of which may contain anything. So its results are bounded, and it returns
//! nothing if it cannot tell. It must never know what was thrown.

use serde::Serialize;

use crate::script::Script;

/// The most characters of a line that are kept, and the most of them before the column.
const LINE_CHARACTERS: usize = 160;
const BEFORE_CHARACTERS: usize = 80;
/// The longest expression, in bytes.
const EXPRESSION_BYTES: usize = 80;
/// How far to search for an expression on each side.
const WINDOW_BYTES: usize = 200;
/// Stands for the arguments in the call of a built-in that failed.
const CALL: &str = "(…)";
/// How many lines of a stack are read.
const STACK_LINES: usize = 64;

/// A line of a script in a [`JsError`](crate::JsError).
///
/// ```
/// # use belljar::{Error, Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let Err(Error::Js(error)) = jar.eval("const orders = [];\norders.lenght()") else { unreachable!() };
/// assert_eq!(error.to_string(), "TypeError: orders.lenght is not a function");
/// let frame = error.frame().unwrap();
/// assert_eq!((frame.line, frame.column, frame.text.as_str()), (2, 8, "orders.lenght()"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Frame {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// The text of the line. Of a long line, at most 160 characters around the column.
    pub text: String,
    /// The expression that the message is about, if it is known: what was called or iterated, or the call of a
    /// built-in that failed.
    pub expression: Option<String>,
}

impl Frame {
    /// The innermost frame of a stack that is in this script.
    pub(crate) fn of(message: &str, stack: &str, script: &Script<'_>) -> Option<Frame> {
        let mut lines = stack.lines().take(STACK_LINES).enumerate();
        let (depth, (line, column)) = lines.find_map(|(depth, line)| Some((depth, place(line, script.name())?)))?;
        let text = script.source().split('\n').nth(line.checked_sub(1)?)?;
        let column = if line == 1 { first_row(text, column) } else { column };
        let at = column.checked_sub(1)?;
        let (near, near_at) = window(text, at)?;
        let is_inside = depth > 0;
        let mut expression = expression(message, is_inside, near, near_at).map(str::to_owned);
        if is_inside && let Some(expression) = &mut expression {
            expression.push_str(CALL);
        }
        Some(Frame { line, column, text: around(text, at), expression })
    }
}

/// The engine's message, with the expression that it is about.
pub(crate) fn told(message: &str, expression: &str) -> String {
    match message {
        _ if expression.ends_with(CALL) => format!("{expression}: {message}"),
        "not a function" | "not a constructor" => format!("{expression} is {message}"),
        "value is not iterable" => format!("{expression} is not iterable"),
        _ => format!("{expression}: {message}"),
    }
}

/// The line and column in a line of a stack, if it refers to the script of this name.
fn place(line: &str, name: &str) -> Option<(usize, usize)> {
    let line = line.trim().strip_suffix(')').unwrap_or(line.trim());
    let (rest, column) = line.rsplit_once(':')?;
    let (rest, row) = rest.rsplit_once(':')?;
    let before = rest.strip_suffix(name)?;
    (before.ends_with('(') || before.ends_with(' ')).then_some((row.parse().ok()?, column.parse().ok()?))
}

/// Corrects a column of the first line, where QuickJS sometimes counts from 0. Such a column points at the character
/// before a word, where nothing can fail.
fn first_row(text: &str, column: usize) -> usize {
    let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or_default();
    let is_short = column > 1
        && column.checked_sub(1).is_some_and(|at| !is_word(byte(at)))
        && text.as_bytes().get(column).is_some_and(|next| is_word(*next));
    column + usize::from(is_short)
}

/// The part of a line around a byte offset.
fn around(text: &str, at: usize) -> String {
    let text = text.trim_end_matches('\r');
    let before = text.get(..at).map_or(0, |before| before.chars().count());
    text.chars().skip(before.saturating_sub(BEFORE_CHARACTERS)).take(LINE_CHARACTERS).collect()
}

/// The part of a line that is searched for an expression, and the column's offset in it. It is bounded, because a
/// line may be as long as the script.
fn window(text: &str, at: usize) -> Option<(&str, usize)> {
    let from = text.floor_char_boundary(at.saturating_sub(WINDOW_BYTES));
    let to = text.floor_char_boundary(at.saturating_add(2 * WINDOW_BYTES));
    Some((text.get(from..to)?, at.checked_sub(from)?))
}

/// The expression that an engine message is about, at this byte of the line. If a built-in threw, the line holds the
/// call of it.
fn expression<'t>(message: &str, is_inside: bool, text: &'t str, at: usize) -> Option<&'t str> {
    let found = chain(text, at)?;
    let after = text.get(found.end..)?.trim_start();
    let is_called = after.starts_with('(') || after.starts_with("?.(");
    let before = text.get(..found.start)?.trim_end();
    // A script that constructs an error names its class there.
    let text = text.get(found).filter(|text| !text.ends_with("Error"))?;
    match message {
        // In a chain of calls such as `f()()`, the column does not tell which call failed.
        "not a function" | "not a constructor" if !is_inside => {
            (is_called && !is_called_again(after) || after.starts_with('`')).then_some(text)
        }
        "value is not iterable" if !is_inside => {
            let is_walked = before.ends_with("...") || before.ends_with(" of") || before.ends_with("yield*");
            (is_walked && !is_called).then_some(text)
        }
        "not a function" | "not a constructor" => None,
        "value is not iterable" | "Cannot convert undefined or null to object" => {
            (is_inside && is_called).then_some(text)
        }
        _ => None,
    }
}

/// The range of a chain of names such as `orders.first?.price`, including indexes in square brackets, around a byte
/// of a line.
fn chain(text: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    let word_end =
        |from: usize| from + bytes.get(from..).unwrap_or_default().iter().take_while(|one| is_word(**one)).count();
    let mut at = at;
    if !bytes.get(at).is_some_and(|one| is_word(*one)) {
        return None;
    }
    if text.get(at..)?.starts_with("new ") {
        at += 4;
    }
    let mut start = at;
    let mut end = word_end(at);
    // From inside square brackets, extend to the expression that is indexed.
    while bytes.get(end) == Some(&b']') {
        start = opened(bytes, end)?;
        end += 1;
    }
    loop {
        start -= bytes.get(..start)?.iter().rev().take_while(|one| is_word(**one)).count();
        let before = bytes.get(..start)?;
        if before.ends_with(b"]") {
            start = opened(bytes, start - 1)?;
        } else if before.ends_with(b"...") || !before.ends_with(b".") {
            break;
        } else {
            start -= if before.ends_with(b"?.") { 2 } else { 1 };
            // The result of a call has no name.
            if bytes.get(..start)?.ends_with(b")") {
                break;
            }
        }
    }
    loop {
        end = match bytes.get(end) {
            Some(b'[') => end + 2 + bytes.get(end + 1..)?.iter().position(|one| *one == b']')?,
            Some(b'.') if bytes.get(end + 1).is_some_and(|one| is_word(*one)) => word_end(end + 1),
            _ => break,
        };
    }
    (end > start && end - start <= EXPRESSION_BYTES).then_some(start..end)
}

/// The offset of the bracket that opens what closes at this byte.
fn opened(bytes: &[u8], close: usize) -> Option<usize> {
    bytes.get(..close)?.iter().rposition(|one| *one == b'[')
}

/// Whether the text after an expression is a call whose result is called too.
fn is_called_again(after: &str) -> bool {
    let mut depth = 0_usize;
    for (at, one) in after.char_indices() {
        match one {
            '(' => depth += 1,
            ')' if depth <= 1 => {
                return after.get(at + 1..).is_some_and(|rest| rest.trim_start().starts_with(['(', '`']));
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    false
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
