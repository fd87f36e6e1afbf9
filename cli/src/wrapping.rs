//! A script rewritten so that the value of its last expression goes through a function of ours, alive and not as JSON.
//!
//! It owns the rewriting, and that nobody sees it: the rest of the script stays as it is, and places in stacks are put back. It
//! must never know what the function does with the value.

use belljar::{JsError, Runtime};

use crate::syntax;

/// How many guesses at the last expression are tried. A script with more statements than this is no line at a prompt.
const GUESSES: usize = 64;

/// A script whose last expression is wrapped.
pub(crate) struct Wrapped {
    pub(crate) source: String,
    /// Where it was changed: row and column, from 1, and by how many characters the rest of that row has moved.
    row: usize,
    column: usize,
    shift: usize,
}

impl Wrapped {
    /// Wraps the last expression between two texts. None when the script does not end in an expression.
    ///
    /// The compiler has the last word on each guess: what is before the expression must be whole without it.
    pub(crate) fn new(runtime: &Runtime, source: &str, before: &str, after: &str) -> Option<Wrapped> {
        syntax::last_expressions(source).into_iter().take(GUESSES).find_map(|span| {
            let (head, expression) = (source.get(..span.start)?, source.get(span)?);
            let mark = if head.trim().is_empty() { "" } else { ";" };
            let wrapped = format!("{head}{mark}{before}{expression}{after}");
            runtime.compile(&wrapped).ok()?;
            if !mark.is_empty() {
                runtime.compile(head).ok()?;
            }
            let last_line = head.rsplit('\n').next().unwrap_or_default();
            Some(Wrapped {
                source: wrapped,
                row: head.matches('\n').count() + 1,
                column: last_line.chars().count() + 1,
                shift: mark.len() + before.chars().count(),
            })
        })
    }

    /// The error as the script that was typed would have thrown it.
    pub(crate) fn restore(&self, mut error: JsError, name: &str) -> JsError {
        error.stack = error.stack.map(|stack| self.restore_text(&stack, name));
        error.cause = error.cause.map(|cause| Box::new(self.restore(*cause, name)));
        error
    }

    /// A text with stacks in it as the script that was typed would have made it.
    pub(crate) fn restore_text(&self, text: &str, name: &str) -> String {
        text.lines().map(|line| self.restore_line(line, name)).collect::<Vec<_>>().join("\n")
    }

    fn restore_line(&self, line: &str, name: &str) -> String {
        let place = format!("{name}:{}:", self.row);
        let Some((before, after)) = line.rsplit_once(&place) else { return line.to_owned() };
        let digits = after.trim_end_matches(')');
        match digits.parse::<usize>() {
            Ok(column) if column >= self.column => {
                let column = column.saturating_sub(self.shift).max(self.column);
                let end = after.get(digits.len()..).unwrap_or_default();
                format!("{before}{place}{column}{end}")
            }
            _ => line.to_owned(),
        }
    }
}
