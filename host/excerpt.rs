//! Excerpts of text that a script chose, for messages: at most 80 characters, escaped, and only the first names of a
//! list.
//!
//! Messages take memory on the host, so no text of a script may make one long. This file must never know what a text
//! means or which message it goes into.

use std::fmt::{self, Write};

/// The most characters of a text that a message shows.
const CHARACTERS: usize = 80;
/// The most characters that are kept at each end of a message that quotes a script's text, such as that of a JSON
/// parser. The parser adds at least 40 characters, so at most 80 of the script's are shown.
const CHARACTERS_AT_EACH_END: usize = 60;
/// The most names of a list that a message shows.
const NAMES: usize = 20;

/// The beginning of a text, in quotes, as `{:?}` would show it.
pub(crate) fn quoted(text: &str) -> impl fmt::Display {
    Excerpt { text, is_quoted: true }
}

/// The beginning of a text, without quotes.
pub(crate) fn plain(text: &str) -> impl fmt::Display {
    Excerpt { text, is_quoted: false }
}

/// The first names of a list; if there are others, the last entry says how many.
pub(crate) fn names<'a>(mut names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut shown: Vec<String> = names.by_ref().take(NAMES).map(|name| plain(name).to_string()).collect();
    let others = names.count();
    if others > 0 {
        shown.push(format!("{others} more"));
    }
    shown
}

/// The beginning of the identity of a guest, as messages name it.
pub(crate) fn identity(identity: &[u8; 32]) -> String {
    identity.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A message of another crate that may quote a script's text. A long message loses its middle, because the reason is
/// at its beginning and the position at its end. The whole message is never held in memory.
pub(crate) fn message(message: &impl fmt::Display) -> String {
    let mut ends = Ends::default();
    // Writing to `Ends` cannot fail.
    let _ = write!(ends, "{message}");
    let mut shown = String::new();
    escape(&mut shown, &ends.head);
    if ends.is_cut {
        shown.push('…');
    }
    escape(&mut shown, &ends.tail);
    shown
}

/// A writer that keeps only the beginning and the end of a text.
#[derive(Default)]
struct Ends {
    head: String,
    in_head: usize,
    tail: String,
    is_cut: bool,
}

impl Write for Ends {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = CHARACTERS_AT_EACH_END - self.in_head;
        let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
        let (head, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        self.head.push_str(head);
        self.in_head += head.chars().count();
        self.is_cut |= last(rest).len() < rest.len();
        self.tail.push_str(last(rest));
        let cut = self.tail.len() - last(&self.tail).len();
        self.is_cut |= cut > 0;
        self.tail.drain(..cut);
        Ok(())
    }
}

/// The last characters of a text.
fn last(text: &str) -> &str {
    let start = text.char_indices().rev().nth(CHARACTERS_AT_EACH_END - 1).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

struct Excerpt<'a> {
    text: &'a str,
    is_quoted: bool,
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.text.char_indices().nth(CHARACTERS).map(|(at, _)| at);
        let quote = if self.is_quoted { "\"" } else { "" };
        f.write_str(quote)?;
        write_escaped(f, self.text.get(..end.unwrap_or(self.text.len())).unwrap_or_default(), self.is_quoted)?;
        f.write_str(if end.is_some() { "…" } else { "" })?;
        f.write_str(quote)
    }
}

fn escape(shown: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = write_escaped(shown, text, false);
}

/// Writes a text with unprintable characters escaped; inside quotes, quotes and backslashes are escaped too.
fn write_escaped(to: &mut impl Write, text: &str, is_quoted: bool) -> fmt::Result {
    for character in text.chars() {
        match character {
            '\'' => to.write_char(character)?,
            '"' | '\\' if !is_quoted => to.write_char(character)?,
            _ => write!(to, "{}", character.escape_debug())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_shown_as_it_is() {
        let longest = "é".repeat(CHARACTERS);
        assert_eq!(plain(&longest).to_string(), longest);
        assert_eq!(quoted("it's").to_string(), "\"it's\"");
        assert_eq!(message(&"expected `,` or `}` at line 1 column 3"), "expected `,` or `}` at line 1 column 3");
    }

    #[test]
    fn a_long_text_ends_in_dots() {
        let long = "é".repeat(CHARACTERS + 1);
        assert_eq!(plain(&long).to_string(), format!("{}…", "é".repeat(CHARACTERS)));
        assert_eq!(quoted(&long).to_string(), format!("\"{}…\"", "é".repeat(CHARACTERS)));
    }

    #[test]
    fn a_long_message_loses_its_middle() {
        let long = format!("invalid type: string {:?}, expected a boolean at line 1 column 9", "x".repeat(1000));
        let shown = message(&long);
        assert!(shown.starts_with("invalid type: string \"xxx"), "{shown}");
        assert!(shown.ends_with("xxx\", expected a boolean at line 1 column 9"), "{shown}");
        assert_eq!(shown.chars().count(), 2 * CHARACTERS_AT_EACH_END + 1);
        assert!(shown.matches('x').count() <= CHARACTERS, "{shown}");
        // The same when it is written in small pieces.
        let pieces = std::fmt::from_fn(|f| long.chars().try_for_each(|piece| f.write_char(piece)));
        assert_eq!(message(&pieces), shown);
        let just = "é".repeat(2 * CHARACTERS_AT_EACH_END);
        assert_eq!(message(&just), just);
    }

    #[test]
    fn nothing_that_a_terminal_would_obey_is_shown() {
        let text = "a\u{1b}[2J\"\\\u{202e}\u{9b}\n";
        assert_eq!(quoted(text).to_string(), r#""a\u{1b}[2J\"\\\u{202e}\u{9b}\n""#);
        assert_eq!(plain(text).to_string(), r#"a\u{1b}[2J"\\u{202e}\u{9b}\n"#);
        assert_eq!(message(&text), plain(text).to_string());
    }

    #[test]
    fn a_long_list_says_how_many_names_it_leaves_out() {
        let list = vec!["fetch"; NAMES];
        assert_eq!(names(list.iter().copied()), list);
        let list = vec!["fetch"; NAMES + 7];
        let shown = names(list.iter().copied());
        assert_eq!((shown.len(), shown.last().map(String::as_str)), (NAMES + 1, Some("7 more")));
        assert!(names(std::iter::empty()).is_empty());
    }
}
