//! Escapes characters that a terminal would interpret, in text for people and in JSON.
//!
//! It owns the list of those characters. It must never know where the text goes.

use serde::Serialize;

/// Whether a terminal may interpret this character instead of showing it: control characters including DEL and C1,
/// marks of writing direction, which can hide text, and Unicode's line separators.
fn is_command(character: char) -> bool {
    let is_mark =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_mark(character)
}

/// Whether a text needs no escapes to be shown on one line.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(is_command)
}

/// The text with these characters escaped, except for line ends and tabs.
pub(crate) fn text(text: &str) -> String {
    but(text, |character| matches!(character, '\n' | '\t'))
}

/// The text on one line: line ends and tabs are escaped too.
pub(crate) fn line(text: &str) -> String {
    but(&text.replace('\n', "\\n"), |_| false)
}

fn but(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_command(character) && !is_kept(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A value as one line of JSON, with its line end. The escapes do not change the value that a parser reads.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_string(value)?;
    if text.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
        let mut plain = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            match character {
                // JSON that was passed on as it came can have these as white space. Its strings cannot hold them raw.
                '\0'..=' ' => plain.push(' '),
                _ if is_command(character) => plain.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => plain.push(character),
            }
        }
        text = plain;
    }
    text.push('\n');
    Ok(text.into_bytes())
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a value without a JSON form is a failed test")]
mod tests {
    use super::{is_plain, json, line, text};

    #[test]
    fn a_terminal_gets_no_control_characters() {
        assert_eq!(text("a\tb\nc"), "a\tb\nc");
        assert_eq!(text("\x1b[2J\r\u{9b}\u{7f}"), "\\u{1b}[2J\\u{d}\\u{9b}\\u{7f}");
        assert_eq!(text("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        assert_eq!(line("a\tb\nc"), "a\\u{9}b\\nc");
        assert!(is_plain("é 日 😀") && !is_plain("a\nb") && !is_plain("\u{9b}"));
    }

    #[test]
    fn json_is_the_same_value_and_holds_no_command() {
        let all: String = (0..=0x2100).filter_map(char::from_u32).collect();
        let line = json(&all).expect("a string has a JSON form");
        let text = String::from_utf8(line).expect("JSON is UTF-8");
        let text = text.strip_suffix('\n').expect("a line has an end");
        assert!(is_plain(text));
        assert_eq!(serde_json::from_str::<String>(text).expect("it is JSON"), all);
        assert!(["\\u007f", "\\u009b", "\\u2028", "é"].iter().all(|part| text.contains(part)));
    }

    #[test]
    fn what_came_as_json_stays_on_one_line() {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str("[\n1,\r\t\"\u{85}\"\n]").expect("it is JSON");
        assert_eq!(json(&raw).expect("JSON has a JSON form"), b"[ 1,  \"\\u0085\" ]\n");
    }
}
