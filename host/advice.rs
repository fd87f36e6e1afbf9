//! Advice: the likely cause of a script's error, and what a Rust program can do about an error.
//!
//! It owns advice. No decision may depend on it, because a script can throw a value that looks like any error.

use crate::error::{Error, JsError};
use crate::frame::Frame;
use crate::limits::LimitKind;

/// Globals of Node, Deno or browsers that ECMAScript does not have.
const ELSEWHERE: [&str; 14] = [
    "Buffer",
    "Deno",
    "clearTimeout",
    "document",
    "exports",
    "fetch",
    "global",
    "module",
    "process",
    "require",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "window",
];

/// The likely cause of a script's error, when the engine's message does not say it.
///
/// It is guessed from the error's text and the line of the script, and meant for people to read.
///
/// ```
/// # use belljar::{Error, Hint, Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let error = jar.eval("let price: number = 5").unwrap_err();
/// assert_eq!(error.to_string(), "SyntaxError: expecting ';'");
/// let Error::Js(error) = error else { unreachable!() };
/// assert_eq!(error.hint(), Some(Hint::TypeScript));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The script still has the code fence of a Markdown document around it.
    CodeFence,
    /// The script imports or exports a module.
    Module,
    /// The script has type annotations.
    TypeScript,
    /// The script uses `await` at the top level of a synchronous call.
    Await,
    /// The script closes this bracket without having opened it.
    Bracket(char),
    /// The script uses this global of Node, Deno or browsers.
    Elsewhere(&'static str),
    /// The script recursed more deeply than the stack allows.
    Recursion,
    /// The script called this method, which no handler answers. The script chose the name.
    UnknownMethod(String),
    /// The script called an async handler from a synchronous call.
    NeedsAsync,
}

impl JsError {
    /// The likely cause of the error, when its own message does not say it. For a SyntaxError this needs the
    /// [`JsError::frame`].
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        // A code fence parses as two empty templates and a call of the result, so it does not always give a
        // SyntaxError.
        if self.frame().is_some_and(|frame| frame.text.trim_start().starts_with("```")) {
            return Some(Hint::CodeFence);
        }
        match self.name.as_str() {
            "SyntaxError" => self.frame().and_then(|frame| of_syntax(&self.message, frame)),
            "RangeError" if self.message == "Maximum call stack size exceeded" => Some(Hint::Recursion),
            "ReferenceError" => {
                let missing = self.message.strip_suffix(" is not defined")?;
                ELSEWHERE.into_iter().find(|name| *name == missing).map(Hint::Elsewhere)
            }
            _ => match (self.code()?, self.method()?) {
                ("unknown_method", method) => Some(Hint::UnknownMethod(method.to_owned())),
                ("needs_async", _) => Some(Hint::NeedsAsync),
                _ => None,
            },
        }
    }
}

fn of_syntax(message: &str, frame: &Frame) -> Option<Hint> {
    let line = frame.text.trim_start();
    let first = line.split(|one: char| !one.is_alphanumeric() && one != '_' && one != '$').next().unwrap_or_default();
    // The frame of a long line holds only a part of it. Then the column may lie outside of that part.
    let (before, after) = frame.text.split_at_checked(frame.column.saturating_sub(1)).unwrap_or((&frame.text, ""));
    let before = before.trim_end();
    let last = before.rsplit(|one: char| !one.is_alphanumeric()).next().unwrap_or_default();
    match first {
        "import" | "export" => return Some(Hint::Module),
        "interface" | "type" | "enum" | "declare" | "namespace" | "abstract" => return Some(Hint::TypeScript),
        _ => {}
    }
    let is_type = after.starts_with(':')
        || after.starts_with("?:")
        || after.starts_with('<')
        || ["as ", "satisfies ", "implements "].iter().any(|word| after.starts_with(word))
        || ["as", "private", "public", "protected", "readonly", "declare", "abstract"].contains(&last);
    match after.chars().next() {
        _ if last == "await" => Some(Hint::Await),
        _ if is_type => Some(Hint::TypeScript),
        Some(bracket @ (')' | ']' | '}'))
            if message.starts_with("expecting") || message.starts_with("Unexpected token") =>
        {
            is_unopened(before, bracket).then_some(Hint::Bracket(bracket))
        }
        _ => None,
    }
}

/// Whether the text before a closing bracket has no unclosed bracket of the same kind.
fn is_unopened(before: &str, close: char) -> bool {
    let open = match close {
        ')' => '(',
        ']' => '[',
        _ => '{',
    };
    before.matches(open).count() <= before.matches(close).count()
}

impl Hint {
    fn advice(&self) -> String {
        match self {
            Hint::CodeFence => "take away the lines that begin with ```".into(),
            Hint::Module => "`import` and `export` belong into a module: make the source a `Script::module`".into(),
            Hint::TypeScript => "this looks like TypeScript; the crate belljar-typescript strips its types".into(),
            Hint::Await => "`await` at the top level needs `eval_async`, `run_async` or `step_eval_async`".into(),
            Hint::Bracket(bracket) => format!("take away this {bracket}, or open it further to the front"),
            Hint::Elsewhere(name) => format!(
                "{name} is not part of ECMAScript; give scripts what they need of it with `Router::handle`, or define it in a prelude"
            ),
            Hint::Recursion => LimitKind::Stack.advice().into(),
            Hint::UnknownMethod(_) => "`Router::handle` and `Router::fallback` answer methods".into(),
            Hint::NeedsAsync => "start the script with `eval_async`, `dispatch_async` or `run_async`".into(),
        }
    }
}

impl Error {
    /// What a Rust program can do about the error, if there is advice: one sentence that names items of this library.
    /// The error's own text says only what happened, so that other front ends can add their own advice.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// # let limits = Limits { fuel: Some(10_000), ..Limits::default() };
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &limits)?;
    /// let error = jar.eval("for (;;) {}").unwrap_err();
    /// assert_eq!(error.to_string(), "the call used more than its 10000 units of fuel");
    /// assert_eq!(error.advice().unwrap(), "do less in one call or raise `Limits::fuel`");
    /// # Ok::<(), belljar::Error>(())
    /// ```
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let advice = match self {
            Error::Js(error) => return error.hint().map(|hint| hint.advice()),
            Error::Limit { kind, .. } => kind.advice(),
            Error::LimitTooLow { kind, .. } => return Some(format!("raise `Limits::{}`", kind.field())),
            Error::Poisoned => "call `Instance::reset`, or drop the instance",
            Error::NeverSettled { pending } if pending.is_empty() => return None,
            Error::NeverSettled { .. } => {
                "start the script with `eval_async`, `dispatch_async` or `run_async`, which wait for async handlers"
            }
            Error::Paused { .. } => {
                "start the script with `step_eval_async`, `step_dispatch_async` or `step_run_async`"
            }
            Error::NotSerializable { .. } => {
                "let the script give plain data, or look at the value with `Instance::inspect`"
            }
            Error::NoSuchEvent { registered, .. } if registered.is_empty() => {
                "let the script register a handler with `host.on`"
            }
            Error::NoSuchEvent { .. } => "`Instance::events` lists the events that have a handler",
            Error::Program { .. } => "compile the script again with `Runtime::compile`",
            Error::Snapshot { .. } => "restore a snapshot with the build, key and context that it was stored with",
            Error::Diverged { .. } => "give the replay the script, seed, clock and options of the recording",
            Error::Capacity { .. } => {
                "drop an instance, wait with `Runtime::instance_async`, or raise `RuntimeBuilder::max_instances`"
            }
            Error::Cancelled | Error::Shape { .. } | Error::Input { .. } | Error::Guest { .. } | Error::Host { .. } => {
                return None;
            }
        };
        Some(advice.to_owned())
    }
}
