//! Decides whether a run meets the expectation of its test.

use crate::case::{Case, Mode};
use crate::engine::{Ending, Run};

/// None for a test that passed; otherwise what went wrong.
pub(crate) type Verdict = Option<String>;

/// What an asynchronous test prints when it is done.
const COMPLETE: &str = "Test262:AsyncTestComplete";

/// The name of the error; errors that test262 itself throws are not instances of Error.
fn name<'a>(name: &'a str, message: &'a str) -> &'a str {
    match name {
        "" if message.starts_with("Test262Error") => "Test262Error",
        name => name,
    }
}

pub(crate) fn of(case: &Case, run: &Run) -> Verdict {
    match (&case.negative, &run.ending) {
        (_, Ending::Stopped(why)) => Some(format!("stopped: {why}")),
        (Some(negative), Ending::Threw(found, message)) if name(found, message) == negative.name => None,
        (Some(negative), Ending::Threw(found, message)) => {
            Some(format!("threw {found}: {message} instead of {}", negative.name))
        }
        (Some(negative), Ending::Done) => Some(format!("did not throw {}", negative.name)),
        (None, Ending::Threw(found, message)) => Some(format!("{}: {message}", name(found, message))),
        (None, Ending::Done) if case.has("async") && !run.printed.lines().any(|line| line == COMPLETE) => {
            Some(format!("did not complete: {}", run.printed.lines().next().unwrap_or("nothing was printed")))
        }
        (None, Ending::Done) => None,
    }
}

/// The source for a mode. The result of a test is ignored, but a jar would await it and convert it to JSON, so
/// `undefined` is appended to tests that may have a result. A test that must not parse, or must run raw, is left
/// unchanged.
pub(crate) fn source_in(mode: Mode, case: &Case, source: &str) -> String {
    let strict = if mode == Mode::Strict { "\"use strict\";\n" } else { "" };
    let end = if case.negative.is_none() && !case.has("raw") { "\n;undefined;" } else { "" };
    format!("{strict}{source}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ending: Ending, printed: &str) -> Run {
        Run { ending, printed: printed.into() }
    }

    #[test]
    fn a_test_fails_unless_it_ends_as_it_says() {
        let plain = Case::default();
        let asynchronous = Case { flags: vec!["async".into()], ..Case::default() };
        let negative = Case::read("/*---\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/");
        let threw = |name: &str| run(Ending::Threw(name.into(), "x".into()), "");
        assert_eq!(of(&plain, &run(Ending::Done, "")), None);
        assert!(of(&plain, &threw("TypeError")).is_some());
        assert!(of(&plain, &run(Ending::Stopped("time".into()), "")).is_some());
        assert_eq!(of(&asynchronous, &run(Ending::Done, COMPLETE)), None);
        assert!(of(&asynchronous, &run(Ending::Done, "Test262:AsyncTestFailure: x")).is_some());
        assert!(of(&asynchronous, &run(Ending::Done, "")).is_some());
        assert_eq!(of(&negative, &threw("SyntaxError")), None);
        assert!(of(&negative, &threw("TypeError")).is_some());
        assert!(of(&negative, &run(Ending::Done, "")).is_some());
    }
}
