//! A thrown error as a person wants to see it: what, where, the line itself, and how it came there.
//!
//! It owns the layout, and that a place is where a person would look for it. It must never know exit codes or limits.

use std::fmt::Write as _;

use belljar::JsError;

use crate::rejections::Rejection;
use crate::screen::{BLUE, DIM, RED, Screen};
use crate::syntax;

/// How much of a line is shown. Minified scripts have lines of megabytes.
const WIDTH: usize = 100;

/// How many causes of causes are told.
const CAUSES: usize = 8;

/// A place in a script: row and column in bytes, both from 1.
type Place = (usize, usize);

/// Everything about a thrown error, ready for standard error. Of a call that failed, the host knows more than the script was told.
pub(crate) fn draw(
    screen: &Screen,
    error: &JsError,
    rejection: Option<&Rejection>,
    name: &str,
    source: &str,
) -> String {
    let mut text = format!("{} {}\n", screen.paint(RED, "Uncaught"), screen.shown(&headline(error)));
    let stack = mended(error, name, source);
    let called = || source_of_rejection(error, rejection, source).filter(|_| stack.is_empty());
    let places: Vec<Place> = stack.lines().filter_map(|line| place_of(line, name)).collect();
    let thrown = places.iter().find(|place| !offset(source, **place).is_some_and(|at| is_class(source, at)));
    if let Some(place) = thrown.or(places.first()).copied().or_else(called) {
        // What ends too early ends in a row that is not there when its last one has an end.
        let ended = (source.lines().count(), source.lines().last().unwrap_or_default().len() + 1);
        let place = if place.0 > ended.0 && ended.0 > 0 { ended } else { place };
        excerpt(&mut text, screen, name, source, place);
    }
    trace(&mut text, screen, &stack);
    if let Some(rejection) = rejection {
        let code = format!("    code: {}", screen.shown(&rejection.code));
        let _ = writeln!(text, "{}", screen.paint(DIM, &code));
    }
    let causes = std::iter::successors(error.cause.as_deref(), |error| error.cause.as_deref());
    for cause in causes.take(CAUSES) {
        let _ = writeln!(text, "{} {}", screen.paint(RED, "Caused by"), screen.shown(&headline(cause)));
        trace(&mut text, screen, &mended(cause, name, source));
    }
    text
}

fn headline(error: &JsError) -> String {
    match &error.thrown {
        Some(thrown) => thrown.as_str().to_owned(),
        None if error.name.is_empty() => error.message.clone(),
        // The engine shows the token that it did not expect, and there is none.
        None if error.message == "unexpected token in expression: ''" => {
            format!("{}: unexpected end of the script", error.name)
        }
        None => error.to_string(),
    }
}

fn trace(text: &mut String, screen: &Screen, stack: &str) {
    for line in stack.lines().filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(text, "{}", screen.paint(DIM, &format!("    {}", screen.shown(line.trim()))));
    }
}

/// The first line and column of a stack that lie in this script, both counted from 1.
pub(crate) fn place(stack: &str, name: &str) -> Option<Place> {
    stack.lines().find_map(|line| place_of(line, name))
}

fn place_of(line: &str, name: &str) -> Option<Place> {
    let line = line.trim().strip_suffix(')').unwrap_or(line.trim());
    let (rest, column) = line.rsplit_once(':')?;
    let (rest, row) = rest.rsplit_once(':')?;
    let before = rest.strip_suffix(name)?;
    if !(before.ends_with('(') || before.ends_with(' ')) {
        return None;
    }
    Some((row.parse().ok()?, column.parse().ok()?))
}

/// The stack of an error with its places put right.
fn mended(error: &JsError, name: &str, source: &str) -> String {
    let stack = error.stack.as_deref().unwrap_or_default();
    let mut lines = Vec::new();
    // A class without a constructor of its own has a frame that says nothing; the call of it is in the next one.
    let mut is_call = true;
    for line in stack.lines() {
        let found = place_of(line, name).filter(|_| line.ends_with(')'));
        let mended = found.and_then(|place| {
            let at = offset(source, first_row(source, place))?;
            let called = if is_call { failing(error, source, at) } else { None };
            is_call = is_call && is_class(source, at);
            Some((place, position(source, called.unwrap_or(at))?))
        });
        is_call = is_call && mended.is_some();
        lines.push(match mended {
            Some(((row, column), (right_row, right_column))) => {
                let end = format!("{row}:{column})");
                let before = line.strip_suffix(end.as_str()).unwrap_or(line);
                format!("{before}{right_row}:{right_column})")
            }
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}

/// In the first row the engine counts from 0 in some places: then it names what stands before a word, where nothing can fail.
fn first_row(source: &str, (row, column): Place) -> Place {
    let line = source.lines().next().unwrap_or_default().as_bytes();
    let (here, next) = (column.checked_sub(1).and_then(|at| line.get(at)), line.get(column));
    let is_short = match (here, next) {
        (Some(here), _) if here.is_ascii_whitespace() => true,
        (Some(here), Some(next)) => {
            b"([{.,;:!=<>?+-*/%&|^~)]}".contains(here) && (next.is_ascii_alphabetic() || b"_$".contains(next))
        }
        _ => false,
    };
    (row, column + usize::from(row == 1 && column > 1 && is_short))
}

/// Whether a class begins there.
fn is_class(source: &str, at: usize) -> bool {
    source.get(at..).is_some_and(|rest| rest.starts_with("class"))
}

/// Where the call that failed begins, when the engine named one of its arguments.
fn failing(error: &JsError, source: &str, at: usize) -> Option<usize> {
    let is_call = error.message.ends_with("not a function") || error.message.ends_with("not a constructor");
    syntax::callee(source, at, |callee, before| {
        let is_made = before == "new" && (callee == error.name || error.name == "Error");
        is_made || (is_call && before != "function")
    })
}

/// Where the one call in the script's text is that can have been rejected: such an error is made while no script runs, and has no
/// stack.
fn source_of_rejection(error: &JsError, rejection: Option<&Rejection>, source: &str) -> Option<Place> {
    let is_it = |callee: &str, first: Option<&str>| match rejection {
        Some(rejection) => callee != "import" && first.is_none_or(|method| method == rejection.method),
        None => callee == "import" && error.message.contains("module"),
    };
    let mut calls = syntax::calls(source).into_iter().filter(|(_, callee, first)| is_it(callee, *first));
    match (calls.next(), calls.next()) {
        (Some((at, _, _)), None) => position(source, at),
        _ => None,
    }
}

/// The byte of a script that a place means.
fn offset(source: &str, (row, column): Place) -> Option<usize> {
    let start: usize = source.split_inclusive('\n').take(row.checked_sub(1)?).map(str::len).sum();
    Some(start + column.checked_sub(1)?).filter(|at| *at < source.len())
}

/// The place of a byte of a script.
fn position(source: &str, at: usize) -> Option<Place> {
    let before = source.as_bytes().get(..at)?;
    let row = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Some((row, column))
}

fn excerpt(text: &mut String, screen: &Screen, name: &str, source: &str, (row, column): Place) {
    let number = row.to_string();
    let margin = " ".repeat(number.len());
    let bar = screen.paint(BLUE, "|");
    let _ = writeln!(text, "{margin}{} {}:{row}:{column}", screen.paint(BLUE, "-->"), screen.shown(name));
    let Some(line) = row.checked_sub(1).and_then(|row| source.lines().nth(row)) else { return };
    // The engine counts bytes.
    let before = line.as_bytes().get(..column.saturating_sub(1)).unwrap_or(line.as_bytes());
    let column = String::from_utf8_lossy(before).chars().count();
    let start = if column < WIDTH - 20 { 0 } else { column - WIDTH / 2 };
    let part: String = line.chars().skip(start).take(WIDTH).map(|c| if c == '\t' { ' ' } else { c }).collect();
    let mark = screen.paint(RED, "^");
    let _ = writeln!(text, "{margin} {bar}");
    let _ = writeln!(text, "{} {bar} {}", screen.paint(BLUE, &number), screen.shown(&part));
    let _ = writeln!(text, "{margin} {bar} {}{mark}", " ".repeat(column - start));
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_is_the_first_frame_of_the_script_itself() {
        let stack = "    at <input>:1:2\n    at parse (native)\n    at f (a b.js:3:7)\n    at <eval> (a b.js:9:1)";
        assert_eq!(place(stack, "a b.js"), Some((3, 7)));
        assert_eq!(place("    at a.js:1:9", "a.js"), Some((1, 9)));
        assert_eq!(place("    at f (extra.js:3:7)", "a.js"), None);
        assert_eq!(place("", "a.js"), None);
    }
}
