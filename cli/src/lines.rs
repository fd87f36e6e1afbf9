//! Lines of JSON on standard input and standard output.
//!
//! It owns the longest line, and that two lines never mix. It must never know what they say.

use std::io::{self, BufRead, Write as _};

use serde::Serialize;

use crate::{escape, screen};

/// The longest line that is read.
pub(crate) const MOST_BYTES: usize = 10 << 20;

/// Writes a line in one piece, so that lines of handlers and answers do not mix.
pub(crate) fn print(line: &impl Serialize) -> io::Result<()> {
    let text = escape::json(line).map_err(io::Error::other)?;
    let mut stdout = screen::stdout()?;
    stdout.write_all(&text)?;
    stdout.flush()
}

/// Why a line cannot be read, shortened: serde's text can repeat the whole line.
pub(crate) fn told(error: &serde_json::Error) -> String {
    const SHOWN: usize = 200;
    let text = error.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// What came in.
pub(crate) enum Next {
    Line,
    TooLong,
    End,
}

/// Reads one line. A line that is too long is skipped.
pub(crate) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Next> {
    line.clear();
    let mut length = 0_usize;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let is_over = end.is_some() || available.is_empty();
        length = length.saturating_add(part.len());
        if length <= MOST_BYTES {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if is_over {
            return Ok(match (end, length) {
                (_, length) if length > MOST_BYTES => Next::TooLong,
                (None, 0) => Next::End,
                _ => Next::Line,
            });
        }
    }
}
