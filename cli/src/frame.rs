//! A thrown error as a person wants to see it: what, where, the line itself, and how it came there.
//!
//! It owns the layout. It must never know exit codes or limits.

use std::fmt::Write as _;

use belljar::JsError;

use crate::screen::{BLUE, DIM, RED, Screen};

/// How much of a line is shown. Minified scripts have lines of megabytes.
const WIDTH: usize = 100;

/// How many causes of causes are told.
const CAUSES: usize = 8;

/// Everything about a thrown error, ready for standard error.
pub(crate) fn draw(screen: &Screen, error: &JsError, name: &str, source: &str) -> String {
    let mut text = format!("{} {}\n", screen.paint(RED, "Uncaught"), screen.shown(&headline(error)));
    let stack = error.stack.as_deref().unwrap_or_default();
    if let Some(place) = place(stack, name) {
        excerpt(&mut text, screen, name, source, place);
    }
    trace(&mut text, screen, stack);
    let causes = std::iter::successors(error.cause.as_deref(), |error| error.cause.as_deref());
    for cause in causes.take(CAUSES) {
        let _ = writeln!(text, "{} {}", screen.paint(RED, "Caused by"), screen.shown(&headline(cause)));
        trace(&mut text, screen, cause.stack.as_deref().unwrap_or_default());
    }
    text
}

fn headline(error: &JsError) -> String {
    match &error.thrown {
        Some(thrown) => thrown.as_str().to_owned(),
        None if error.name.is_empty() => error.message.clone(),
        None => error.to_string(),
    }
}

fn trace(text: &mut String, screen: &Screen, stack: &str) {
    for line in stack.lines().filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(text, "{}", screen.paint(DIM, &format!("    {}", screen.shown(line.trim()))));
    }
}

/// The first line and column of a stack that lie in this script, both counted from 1.
pub(crate) fn place(stack: &str, name: &str) -> Option<(usize, usize)> {
    stack.lines().find_map(|line| {
        let line = line.trim().strip_suffix(')').unwrap_or(line.trim());
        let (rest, column) = line.rsplit_once(':')?;
        let (rest, row) = rest.rsplit_once(':')?;
        let before = rest.strip_suffix(name)?;
        if !(before.ends_with('(') || before.ends_with(' ')) {
            return None;
        }
        Some((row.parse().ok()?, column.parse().ok()?))
    })
}

fn excerpt(text: &mut String, screen: &Screen, name: &str, source: &str, (row, column): (usize, usize)) {
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
