//! A script rewritten so that the value of its last expression goes through a function of ours, alive and not as JSON.
//!
//! It owns the rewriting, and that nobody sees it: the rest of the script stays as it is, and places in stacks are put back. It
//! must never know what the function does with the value.

use belljar::{JsError, Runtime};

use crate::syntax;

/// How many guesses at the last expression are tried, from the end of the script. A line at a prompt has fewer statements.
const GUESSES: usize = 64;

/// A script whose last expression is wrapped.
pub(crate) struct Wrapped {
    pub(crate) source: String,
    /// The name of the script, by which its places in a stack are known.
    name: String,
    /// Where it was changed: row and column, from 1, and by how many characters the rest of that row has moved.
    row: usize,
    column: usize,
    shift: usize,
}

impl Wrapped {
    /// Wraps the last expression between two texts. None when the script does not end in an expression.
    ///
    /// The compiler has the last word on each guess: what is before the expression must be whole without it.
    pub(crate) fn new(runtime: &Runtime, name: &str, source: &str, before: &str, after: &str) -> Option<Wrapped> {
        let guesses = syntax::last_expressions(source);
        let skipped = guesses.len().saturating_sub(GUESSES);
        guesses.into_iter().skip(skipped).find_map(|span| {
            let (head, expression) = (source.get(..span.start)?, source.get(span.clone())?);
            let tail = source.get(span.end..)?;
            let mark = if head.trim().is_empty() { "" } else { ";" };
            // In two kinds of brackets, so that no brackets of its own can close them: `1), (2` is no expression.
            runtime.compile(format!("{head}{mark}[{expression}\n];({expression}\n){tail}")).ok()?;
            if !mark.is_empty() {
                runtime.compile(head).ok()?;
            }
            let wrapped = format!("{head}{mark}{before}{expression}{after}");
            let last_line = head.rsplit('\n').next().unwrap_or_default();
            Some(Wrapped {
                source: wrapped,
                name: name.to_owned(),
                row: head.matches('\n').count() + 1,
                column: last_line.chars().count() + 1,
                shift: mark.len() + before.chars().count(),
            })
        })
    }

    /// The error as the script that was typed would have thrown it.
    pub(crate) fn restore(&self, mut error: JsError) -> JsError {
        error.stack = error.stack.map(|stack| self.restore_text(&stack));
        error.cause = error.cause.map(|cause| Box::new(self.restore(*cause)));
        error
    }

    /// A text with stacks in it as the script that was typed would have made it.
    pub(crate) fn restore_text(&self, text: &str) -> String {
        text.split('\n').map(|line| self.restore_line(line)).collect::<Vec<_>>().join("\n")
    }

    fn restore_line(&self, line: &str) -> String {
        let place = format!("{}:{}:", self.name, self.row);
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
