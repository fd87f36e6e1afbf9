//! Text that a script chose, as messages show it: at most 80 characters, escaped, and few names of a list.
//!
//! A message is made on the host and kept there, so nothing that a script says may make it long. This file must never know
//! what a text means or which message it goes into.

use std::fmt::{self, Write};

/// The most characters of a text that a message shows.
const CHARACTERS: usize = 80;
/// The most characters that a message shows at each end of a text that is partly ours: what a JSON parser says, for example. It
/// frames a script's text with at least 40 characters of its own, so that no more than 80 of the script's are left.
const CHARACTERS_AT_EACH_END: usize = 60;
/// The most names of a list that a message shows.
const NAMES: usize = 20;

/// The beginning of a text in quotes, as `{:?}` would show it.
pub(crate) fn quoted(text: &str) -> impl fmt::Display {
    Excerpt { text, is_quoted: true }
}

/// The beginning of a text without quotes.
pub(crate) fn plain(text: &str) -> impl fmt::Display {
    Excerpt { text, is_quoted: false }
}

/// The first names of a list, and how many others there are as its last entry.
pub(crate) fn names<'a>(mut names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut shown: Vec<String> = names.by_ref().take(NAMES).map(|name| plain(name).to_string()).collect();
    let others = names.count();
    if others > 0 {
        shown.push(format!("{others} more"));
    }
    shown
}

/// A message about a text, which may quote any part of it. A long message loses its middle: what is wrong comes first, and where it is
/// comes last.
pub(crate) fn message(message: &str) -> String {
    const MOST: usize = 2 * CHARACTERS_AT_EACH_END;
    let mut shown = String::new();
    if message.chars().nth(MOST).is_none() {
        escape(&mut shown, message, false);
        return shown;
    }
    let after_head = message.char_indices().nth(CHARACTERS_AT_EACH_END).map_or(message.len(), |(at, _)| at);
    let tail = message.char_indices().rev().nth(CHARACTERS_AT_EACH_END - 1).map_or(0, |(at, _)| at);
    escape(&mut shown, message.get(..after_head).unwrap_or_default(), false);
    shown.push('…');
    escape(&mut shown, message.get(tail..).unwrap_or_default(), false);
    shown
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

fn escape(shown: &mut String, text: &str, is_quoted: bool) {
    // Writing to a string cannot fail.
    let _ = write_escaped(shown, text, is_quoted);
}

/// Writes what cannot be printed as an escape, and in quotes what would end them.
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
        assert_eq!(message("expected `,` or `}` at line 1 column 3"), "expected `,` or `}` at line 1 column 3");
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
    }

    #[test]
    fn nothing_that_a_terminal_would_obey_is_shown() {
        let text = "a\u{1b}[2J\"\\\u{202e}\u{9b}\n";
        assert_eq!(quoted(text).to_string(), r#""a\u{1b}[2J\"\\\u{202e}\u{9b}\n""#);
        assert_eq!(plain(text).to_string(), r#"a\u{1b}[2J"\\u{202e}\u{9b}\n"#);
        assert_eq!(message(text), plain(text).to_string());
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
