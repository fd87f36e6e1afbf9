//! What would help a person whose script threw, where a word of the engine's does not say it.
//!
//! It owns the advice. It must never decide anything: a script can throw what looks like any of these.

use belljar::{JsError, LimitKind};

use crate::ending::Speech;
use crate::rejections::{Rejection, UNKNOWN_METHOD};

/// What scripts of Node or of a browser expect.
const ELSEWHERE: [&str; 15] = [
    "Buffer",
    "URL",
    "TextDecoder",
    "TextEncoder",
    "clearTimeout",
    "document",
    "exports",
    "fetch",
    "global",
    "module",
    "require",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "window",
];

/// One sentence; None where the error says it all.
pub(crate) fn of(error: &JsError, rejection: Option<&Rejection>, line: &str, speech: Speech) -> Option<String> {
    if let Some(rejection) = rejection {
        // A person may paste this into a shell, so a method that a script made up is shown only if no shell interprets
        // it.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
        let is_name =
            |name: &&str| (1..=80).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(is_plain);
        let name = Some(rejection.method.as_str()).filter(is_name).unwrap_or("NAME");
        return (rejection.code == UNKNOWN_METHOD).then(|| format!("--rpc {name}=COMMAND answers this call"));
    }
    let missing = error.message.strip_suffix(" is not defined").unwrap_or_default();
    match error.name.as_str() {
        "RangeError" if error.message == "Maximum call stack size exceeded" => {
            speech.setting(LimitKind::Stack).map(|setting| format!("{setting} raises the stack"))
        }
        "ReferenceError" if matches!(missing, "process" | "Deno") => Some(
            "belljar run gives a script its arguments as script.args, and what --input names as script.input".into(),
        ),
        "ReferenceError" if ELSEWHERE.contains(&missing) => Some(format!(
            "a script has the built-ins of ECMAScript, console and host; what it needs of {missing} it can call with \
             host.rpc, and --rpc NAME=COMMAND answers"
        )),
        "ReferenceError" if error.message.starts_with("could not load module") => Some(MODULES.into()),
        "SyntaxError" if line.starts_with("import ") || line.starts_with("import{") || line.starts_with("export ") => {
            Some(MODULES.into())
        }
        _ => None,
    }
}

const MODULES: &str = "there are no modules; bundle a script that has them into one file, with the format iife";

#[cfg(test)]
mod tests {
    use super::of;
    use crate::ending::Speech;
    use belljar::JsError;

    #[test]
    fn an_error_that_says_it_all_gets_no_advice() {
        let mut error = JsError::default();
        (error.name, error.message) = ("ReferenceError".into(), "price is not defined".into());
        assert_eq!(of(&error, None, "price()", Speech::Flags), None);
    }
}
