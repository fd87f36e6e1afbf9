//! What a person can do about an error, in the words of this command.
//!
//! It owns the advice. It must never read the text of an error, and nothing may be decided by advice: a script can
//! throw what looks like anything.

use belljar::{Error, Hint, JsError, LimitKind};

use crate::speech::Speech;

/// What helps a person whose script threw. None where the error says everything.
pub(crate) fn of_thrown(error: &JsError, speech: Speech) -> Option<String> {
    Some(match error.hint()? {
        Hint::CodeFence => "the script is inside a Markdown code fence; delete the lines that begin with ```".into(),
        Hint::Module => {
            "`import` and `export` stand at the beginning of a line; `await import(...)` works in scripts".into()
        }
        Hint::TypeScript => format!("this looks like TypeScript; {}", speech.typescript()),
        // At the top level of a script, await always works here.
        Hint::Await => "`await` works at the top level and in async functions; make this function async".into(),
        Hint::Bracket(bracket) => format!("this {bracket} closes nothing; delete it, or open it before"),
        Hint::Elsewhere("process" | "Deno") => {
            "belljar run gives a script its arguments as script.args, and what --input names as script.input".into()
        }
        Hint::Elsewhere(name) => format!(
            "a script has the built-ins of ECMAScript, console and host; what it needs of {name} it can call with \
             host.rpc, and --rpc NAME=COMMAND answers"
        ),
        Hint::Recursion => format!("{} raises the stack", speech.setting(LimitKind::Stack)?),
        Hint::UnknownMethod(method) => format!("--rpc {}=COMMAND answers this call", for_a_shell(&method)),
        _ => return None,
    })
}

/// The name of a method as it may stand in advice that a person pastes into a shell. The script has chosen the name, so
/// one that a shell would interpret is not shown.
fn for_a_shell(method: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
    let is_name = (1..=80).contains(&method.len()) && !method.starts_with('-') && method.bytes().all(is_plain);
    if is_name { method } else { "NAME" }
}

/// What helps against any other error. None where nothing can be said.
pub(crate) fn of_error(error: &Error, speech: Speech) -> Option<String> {
    Some(match error {
        Error::Js(js) => return of_thrown(js, speech),
        Error::Limit { kind, .. } | Error::LimitTooLow { kind, .. } => return Some(of_limit(*kind, speech)),
        Error::Poisoned => speech.reset().into(),
        Error::NotSerializable { .. } => "turn it into plain data, or print it with console.log".into(),
        Error::NoSuchEvent { registered, .. } if registered.is_empty() => speech.register().into(),
        Error::Paused { .. } => "only the JSON lines eval, dispatch, run and resume can pause".into(),
        Error::Program { .. } => "compile it again".into(),
        Error::Host { .. } => "belljar doctor says what this machine lacks".into(),
        _ => return None,
    })
}

/// What raises a limit.
pub(crate) fn of_limit(kind: LimitKind, speech: Speech) -> String {
    match (speech.setting(kind), speech) {
        (Some(setting), _) => format!("{setting} raises it"),
        (None, Speech::FixedLines) => "`limits` does not apply to compile, so split the script".into(),
        (None, _) => "no flag raises it, so split the script".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::of_thrown;
    use crate::speech::Speech;
    use belljar::JsError;

    #[test]
    fn an_error_that_says_everything_gets_no_advice() {
        let mut error = JsError::default();
        (error.name, error.message) = ("ReferenceError".into(), "price is not defined".into());
        assert_eq!(of_thrown(&error, Speech::Flags), None);
    }
}
