//! A thrown error as a person wants to see it: what, where, the line itself, and how it came there.
//!
//! It owns the layout, and which line of the script is shown. It must never read the message of an error, nor know exit
//! codes or limits.

use std::fmt::Write as _;

use belljar::{JsError, Script};

use crate::screen::{BLUE, DIM, RED, Screen};
use crate::syntax::{self, Kind};

/// How much of a line is shown. Minified scripts have lines of megabytes.
const WIDTH: usize = 100;

/// How many causes of causes are told.
const CAUSES: usize = 8;

/// A place in a script: row and column in bytes, both from 1.
type Place = (usize, usize);

/// Everything about a thrown error, ready for standard error.
pub(crate) fn draw(screen: &Screen, error: &JsError, script: &Script<'_>) -> String {
    let mut text = format!("{} {}\n", screen.paint(RED, "Uncaught"), screen.shown(&headline(error)));
    if let Some(place) = thrown_at(error, script) {
        excerpt(&mut text, screen, script, place);
    }
    trace(&mut text, screen, error);
    if let Some(code) = error.code() {
        let code = format!("    code: {}", screen.shown(code));
        let _ = writeln!(text, "{}", screen.paint(DIM, &code));
    }
    let causes = std::iter::successors(error.cause.as_deref(), |error| error.cause.as_deref());
    for cause in causes.take(CAUSES) {
        let _ = writeln!(text, "{} {}", screen.paint(RED, "Caused by"), screen.shown(&headline(cause)));
        trace(&mut text, screen, cause);
    }
    text
}

/// Of a value that is no error, the value itself.
fn headline(error: &JsError) -> String {
    match &error.thrown {
        Some(thrown) => thrown.as_str().to_owned(),
        None if error.name.is_empty() => error.message.clone(),
        None => error.to_string(),
    }
}

fn trace(text: &mut String, screen: &Screen, error: &JsError) {
    let stack = error.stack.as_deref().unwrap_or_default();
    for line in stack.lines().filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(text, "{}", screen.paint(DIM, &format!("    {}", screen.shown(line.trim()))));
    }
}

/// The place that is shown.
fn thrown_at(error: &JsError, script: &Script<'_>) -> Option<Place> {
    let source = script.source();
    let frame = error.frame().map(|frame| (frame.line, frame.column))?;
    // A class without a constructor has a frame of its own, which points at the class. The next one is the call.
    let is_class = offset(source, frame).and_then(|at| source.get(at..)).is_some_and(|rest| rest.starts_with("class"));
    let stack = error.stack.as_deref().unwrap_or_default();
    let next = || stack.lines().filter_map(|line| place(line, script.name())).nth(1);
    let (row, column) = if is_class { next().unwrap_or(frame) } else { frame };
    // An error at the end of a script may be in a row behind its last line end.
    let ended = (source.lines().count(), source.lines().last().unwrap_or_default().len() + 1);
    Some(if row > ended.0 && ended.0 > 0 { ended } else { (row, column) })
}

/// Whether a script has a syntax error because it ends too early: the compiler found nothing wrong before its end, or
/// before a comment or a template that has no end.
pub(crate) fn ends_early(error: &JsError, source: &str) -> bool {
    let Some(frame) = error.frame().filter(|_| error.name == "SyntaxError") else { return false };
    let Some(at) = offset(source, (frame.line, frame.column)) else { return false };
    let rest = source.get(at..).unwrap_or_default();
    syntax::words(rest).iter().all(|word| word.kind == Kind::Comment)
        || syntax::words(source).last().is_some_and(|word| word.is_open && word.span.contains(&at))
}

/// The place in a line of a stack, if that lies in the script of this name.
pub(crate) fn place(line: &str, name: &str) -> Option<Place> {
    let line = line.trim().strip_suffix(')').unwrap_or(line.trim());
    let (rest, column) = line.rsplit_once(':')?;
    let (rest, row) = rest.rsplit_once(':')?;
    let before = rest.strip_suffix(name)?;
    if !(before.ends_with('(') || before.ends_with(' ')) {
        return None;
    }
    Some((row.parse().ok()?, column.parse().ok()?))
}

/// The byte of a script at a place, its end included.
fn offset(source: &str, (row, column): Place) -> Option<usize> {
    let start: usize = source.split_inclusive('\n').take(row.checked_sub(1)?).map(str::len).sum();
    Some(start + column.checked_sub(1)?).filter(|at| *at <= source.len())
}

fn excerpt(text: &mut String, screen: &Screen, script: &Script<'_>, (row, column): Place) {
    let number = row.to_string();
    let margin = " ".repeat(number.len());
    let bar = screen.paint(BLUE, "|");
    let name = screen.shown(script.name());
    let _ = writeln!(text, "{margin}{} {name}:{row}:{column}", screen.paint(BLUE, "-->"));
    let Some(line) = row.checked_sub(1).and_then(|row| script.source().lines().nth(row)) else { return };
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
    fn a_place_is_that_of_a_frame_in_the_script_itself() {
        let stack = "    at <input>:1:2\n    at parse (native)\n    at f (a b.js:3:7)\n    at <eval> (a b.js:9:1)";
        let places: Vec<_> = stack.lines().filter_map(|line| place(line, "a b.js")).collect();
        assert_eq!(places, [(3, 7), (9, 1)]);
        assert_eq!(place("    at a.js:1:9", "a.js"), Some((1, 9)));
        assert_eq!(place("    at f (extra.js:3:7)", "a.js"), None);
        assert_eq!(place("", "a.js"), None);
    }
}
