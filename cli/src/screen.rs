//! Standard output and standard error: colour, control characters, and readers that go away.
//!
//! Everything that a person reads is written here. It must never know what the texts mean.

use std::io::{self, IsTerminal as _, StdoutLock, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::ending::{Ending, Refusal};
use crate::{escape, layout, opened, prompt};

/// Standard output.
///
/// # Errors
///
/// When the process was started without one.
pub(crate) fn stdout() -> io::Result<StdoutLock<'static>> {
    opened::output()?;
    Ok(io::stdout().lock())
}

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

    /// Writes a line that the script printed. For a terminal, control characters are escaped, so that a script cannot
    /// rename a window or hide what was printed before.
    pub(crate) fn print(&self, stream: Stream, line: &str) -> io::Result<()> {
        let line =
            if self.is_terminal[usize::from(stream == Stream::Err)] { escape::text(line) } else { line.to_owned() };
        match stream {
            Stream::Out => writeln!(stdout()?, "{line}"),
            Stream::Err => writeln!(io::stderr().lock(), "{line}"),
        }
    }

    /// Writes a value. A string is written as it is. Any other value is broken into lines when it is long, and painted
    /// on a terminal.
    pub(crate) fn show(&self, text: &str, is_string: bool) -> io::Result<()> {
        if is_string {
            return self.print(Stream::Out, text);
        }
        let text = layout::broken(text);
        let text = if self.is_terminal[0] { self.painted(&text, prompt::paint_value) } else { text };
        writeln!(stdout()?, "{text}")
    }

    /// Writes bytes to standard output. A reader that went away is no failure.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<Ending, Refusal> {
        let written = stdout().and_then(|mut stdout| stdout.write_all(bytes).and_then(|()| stdout.flush()));
        match written {
            Ok(()) => Ok(Ending::Done),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::Done),
            Err(error) => Err(Refusal::internal(format!("standard output cannot be written to: {error}"))),
        }
    }

    /// Writes a value to standard output as one line of JSON.
    pub(crate) fn write_json(&self, value: &impl Serialize) -> Result<Ending, Refusal> {
        let line = escape::json(value)
            .map_err(|error| Refusal::internal(format!("what should be printed has no JSON form: {error}")))?;
        self.write_bytes(&line)
    }

    /// Says on standard error what went wrong.
    pub(crate) fn complain(&self, message: &str) {
        self.explain(&format!("{}: {}\n", self.paint(RED, "belljar"), self.shown(message)));
    }

    /// Writes text that is ready to standard error. A failure cannot be told to anybody, so it is ignored.
    pub(crate) fn explain(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Text of a script for standard error: escaped, if that is a terminal.
    pub(crate) fn shown(&self, text: &str) -> String {
        if self.is_terminal[1] { escape::text(text) } else { text.to_owned() }
    }

    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.has_colour[1] { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Text of a script for standard output: escaped, if that is a terminal, and painted, if it has colours.
    pub(crate) fn painted(&self, text: &str, paint: impl FnOnce(&str) -> String) -> String {
        let text = if self.is_terminal[0] { escape::text(text) } else { text.to_owned() };
        if self.has_colour[0] { paint(&text) } else { text }
    }

    pub(crate) fn has_colour(&self, stream: Stream) -> bool {
        self.has_colour[usize::from(stream == Stream::Err)]
    }
}

pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const MAGENTA: Style = AnsiColor::Magenta.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();
