//! The line at the prompt: its colours, whether it is complete, and completions of the word at the cursor.
//!
//! It owns what the line editor asks for. It must never run what was typed.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use belljar::{Error, Runtime, Script};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::repl::{COMMANDS, Session};
use crate::screen::{BLUE, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW};
use crate::syntax::{self, Kind};
use crate::{escape, frame};

pub(crate) struct Prompt {
    session: Rc<RefCell<Session>>,
    files: FilenameCompleter,
}

impl Prompt {
    pub(crate) fn new(session: Rc<RefCell<Session>>) -> Prompt {
        Prompt { session, files: FilenameCompleter::new() }
    }
}

impl Helper for Prompt {}

impl Hinter for Prompt {
    type Hint = String;
}

impl Highlighter for Prompt {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if line.starts_with('.') { Cow::Borrowed(line) } else { Cow::Owned(paint(line)) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(format!("{BLUE}{prompt}{BLUE:#}"))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

/// JavaScript in colours.
pub(crate) fn paint(source: &str) -> String {
    let mut painted = String::with_capacity(source.len() * 2);
    let mut at = 0;
    for word in syntax::words(source) {
        let style = match word.kind {
            Kind::Keyword => Some(MAGENTA),
            Kind::Constant => Some(CYAN),
            Kind::Number => Some(YELLOW),
            Kind::Text => Some(GREEN),
            Kind::Pattern => Some(RED),
            Kind::Comment => Some(DIM),
            Kind::Name | Kind::Mark => None,
        };
        painted.push_str(source.get(at..word.span.start).unwrap_or_default());
        let text = source.get(word.span.clone()).unwrap_or_default();
        match style {
            Some(style) => painted.push_str(&format!("{style}{text}{style:#}")),
            None => painted.push_str(text),
        }
        at = word.span.end;
    }
    painted.push_str(source.get(at..).unwrap_or_default());
    painted
}

/// A value in colours, as the jar shows it.
pub(crate) fn paint_value(text: &str) -> String {
    if text == "undefined" { format!("{DIM}{text}{DIM:#}") } else { paint(text) }
}

impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let goes_on = !input.trim_start().starts_with('.') && is_unfinished(&self.session.borrow().runtime, input);
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// Whether a text is JavaScript that has begun and not ended.
fn is_unfinished(runtime: &Runtime, text: &str) -> bool {
    let script = Script::new(text).named("typed");
    let Err(Error::Js(mut error)) = runtime.compile(&script) else { return false };
    error.locate(&script);
    frame::ends_early(&error, text)
}

impl Completer for Prompt {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, context: &Context<'_>) -> Result<(usize, Vec<Pair>), ReadlineError> {
        let typed = line.get(..at).unwrap_or_default();
        if line.starts_with('.') {
            return self.complete_command(line, typed, context);
        }
        let start = typed
            .char_indices()
            .rev()
            .take_while(|(_, character)| character.is_alphanumeric() || matches!(character, '_' | '$' | '.' | '?'))
            .last()
            .map_or(typed.len(), |(start, _)| start);
        let path = typed.get(start..).unwrap_or_default().replace("?.", ".");
        let path: Vec<&str> = path.split('.').collect();
        // The value of a call or of an expression in brackets is known only after running it.
        let is_whole = path.iter().rev().skip(1).all(|name| !name.is_empty());
        if !is_whole || (typed.trim().is_empty()) {
            return Ok((at, Vec::new()));
        }
        let beginning = path.last().copied().unwrap_or_default();
        let names = self.session.borrow_mut().complete(&path);
        let pairs = names.into_iter().map(|name| Pair { display: name.clone(), replacement: name }).collect();
        Ok((at - beginning.len(), pairs))
    }
}

impl Prompt {
    fn complete_command(
        &self,
        line: &str,
        typed: &str,
        context: &Context<'_>,
    ) -> Result<(usize, Vec<Pair>), ReadlineError> {
        let pairs = |names: Vec<String>, beginning: &str| {
            names
                .into_iter()
                // A script can register an event of any name, and the editor would print the name as it is.
                .filter(|name| name.starts_with(beginning) && escape::is_plain(name))
                .map(|name| Pair { display: name.clone(), replacement: name + " " })
                .collect::<Vec<_>>()
        };
        match typed.split_once(' ') {
            None => Ok((0, pairs(COMMANDS.map(|(name, _, _)| name.to_owned()).into(), typed))),
            Some((".load" | ".open" | ".save", _)) => {
                let (at, mut files) = self.files.complete(line, typed.len(), context)?;
                files.retain(|file| escape::is_plain(&file.display));
                Ok((at, files))
            }
            Some((".limits", beginning)) => {
                let names = self.session.borrow().limits().map(str::to_owned).into();
                Ok((typed.len() - beginning.len(), pairs(names, beginning)))
            }
            Some((".dispatch", beginning)) => {
                let names = self.session.borrow_mut().events().unwrap_or_default();
                Ok((typed.len() - beginning.len(), pairs(names, beginning)))
            }
            Some(_) => Ok((typed.len(), Vec::new())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a machine without room for a jar is a failed test")]
mod tests {
    use super::is_unfinished;

    #[test]
    fn what_was_begun_and_not_ended_goes_on() {
        let runtime = crate::jar::runtime().expect("the machine has room for a jar");
        for text in [
            "1 +",
            "f(1,",
            "({",
            "[1, 2",
            "function f() {",
            "if (1) {} else",
            "x => {\n  1 // so far",
            "`abc",
            "`a${b}c",
            "/* abc",
            "({ a: 1,\n",
            "`a\n${`b",
            "for (;;)",
            "class A {\n  m() {\n  }",
        ] {
            assert!(is_unfinished(&runtime, text), "{text}");
        }
    }

    #[test]
    fn what_is_whole_or_wrong_does_not() {
        let runtime = crate::jar::runtime().expect("the machine has room for a jar");
        for text in ["", "1", "let = = 3", "a b", "}", "'abc", "\"abc", "/abc", "f(]", "x => {} )", "await 1", "// a"] {
            assert!(!is_unfinished(&runtime, text), "{text}");
        }
    }
}
