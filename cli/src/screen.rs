//! Standard output and standard error: colour, control characters, and readers that go away.
//!
//! Everything that a person reads goes through here. It must never know what it says.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::ending::{Ending, Refusal};

/// The two streams of this process.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    is_terminal: [bool; 2],
    has_colour: [bool; 2],
}

/// Which stream a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Screen {
    pub(crate) fn of_this_process() -> Screen {
        let stderr = io::stderr();
        Screen {
            is_terminal: [io::stdout().is_terminal(), stderr.is_terminal()],
            has_colour: [
                AutoStream::choice(&io::stdout()) != ColorChoice::Never,
                AutoStream::choice(&stderr) != ColorChoice::Never,
            ],
        }
    }

    /// Writes a line that the script made. A terminal obeys control characters, so there they are shown and not sent: a script
    /// must not be able to rename a window or to hide what was printed before.
    pub(crate) fn print(&self, stream: Stream, line: &str) -> io::Result<()> {
        let line = if self.is_terminal[usize::from(stream == Stream::Err)] { visible(line) } else { line.to_owned() };
        match stream {
            Stream::Out => writeln!(io::stdout().lock(), "{line}"),
            Stream::Err => writeln!(io::stderr().lock(), "{line}"),
        }
    }

    /// Writes to standard output as it is; a reader who has gone away is no failure.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<Ending, Refusal> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(Ending::Done),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::Done),
            Err(error) => Err(Refusal::internal(format!("standard output cannot be written to: {error}"))),
        }
    }

    /// Says on standard error what went wrong.
    pub(crate) fn complain(&self, message: &str) {
        self.explain(&format!("{}: {}\n", self.paint(RED, "belljar"), self.shown(message)));
    }

    /// Writes to standard error text that is ready for it. When even that fails there is nobody left to tell.
    pub(crate) fn explain(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Text of the script's as it may stand on standard error.
    pub(crate) fn shown(&self, text: &str) -> String {
        if self.is_terminal[1] { visible(text) } else { text.to_owned() }
    }

    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.has_colour[1] { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Text of the script's as it may stand on standard output, painted by `paint` when colours are wanted there.
    pub(crate) fn painted(&self, text: &str, paint: impl FnOnce(&str) -> String) -> String {
        let text = if self.is_terminal[0] { visible(text) } else { text.to_owned() };
        if self.has_colour[0] { paint(&text) } else { text }
    }

    pub(crate) fn has_colour(&self) -> bool {
        self.has_colour[0]
    }
}

pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const MAGENTA: Style = AnsiColor::Magenta.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();

/// The text with its control characters, except for line ends and tabs, written out.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // Beside what is called a control character, the marks that turn the direction of writing can hide text.
        let hides = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match character {
            '\n' | '\t' => shown.push(character),
            _ if character.is_control() || hides => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn a_terminal_gets_no_control_characters() {
        assert_eq!(visible("a\tb\nc"), "a\tb\nc");
        assert_eq!(visible("\x1b[2J\r\u{9b}"), "\\u{1b}[2J\\u{d}\\u{9b}");
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
    }
}
