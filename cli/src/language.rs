//! Which language a script is written in, and what a jar runs of it. The name of a file decides, or a flag.
//!
//! It owns the way from what the author wrote to what runs, and back: errors name the author's lines. It must never
//! read a file or run anything.

use belljar::{Error, JsError, Module, RpcError, Script};
use belljar_typescript::{SyntaxError, is_typescript, strip};

/// The language of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    JavaScript,
    TypeScript,
}

impl Language {
    /// The language that a name tells.
    pub(crate) fn of(name: &str) -> Language {
        if is_typescript(name) { Language::TypeScript } else { Language::JavaScript }
    }

    /// What a jar runs of a text.
    ///
    /// # Errors
    ///
    /// A SyntaxError, as the script would throw it, when it has what cannot be erased.
    pub(crate) fn script<'a>(self, name: &'a str, text: &'a str) -> belljar::Result<Script<'a>> {
        let code = match self {
            Language::JavaScript => text.into(),
            Language::TypeScript => strip(text, name).map_err(|error| thrown(&error, text))?,
        };
        let script = if is_module(name, &code) { Script::module(code) } else { Script::new(code) };
        Ok(script.named(name))
    }

    /// An error of the script of this text, with the line as the author wrote it.
    pub(crate) fn placed(self, error: Error, name: &str, text: &str) -> Error {
        match (self, error) {
            (Language::TypeScript, Error::Js(mut js)) => {
                js.locate(&Script::new(text).named(name));
                Error::Js(js)
            }
            (_, error) => error,
        }
    }
}

/// A module of a text, by its name: JSON, TypeScript without its types, or JavaScript.
pub(crate) fn module(name: &str, text: String) -> Result<Module, RpcError> {
    if name.ends_with(".json") {
        Ok(Module::json(text))
    } else if is_typescript(name) {
        match strip(&text, name) {
            Ok(code) => Ok(Module::source(code)),
            Err(error) => Err(RpcError::new("not_erasable", error.to_string())),
        }
    } else {
        Ok(Module::source(text))
    }
}

/// Whether a source is an ES module: its name says so, or it imports or exports at the beginning of a line. What is typed
/// at a prompt goes on with what was typed before, so it is a script.
fn is_module(name: &str, code: &str) -> bool {
    if name.starts_with('<') {
        return false;
    }
    let is_statement = |line: &str| {
        let behind = |word| line.strip_prefix(word).and_then(|rest: &str| rest.chars().next());
        // Not `import(…)` and not `import.meta`, which scripts have too.
        behind("import").is_some_and(|next| next.is_whitespace() || matches!(next, '"' | '\'' | '{' | '*'))
            || behind("export").is_some_and(|next| next.is_whitespace() || matches!(next, '{' | '*'))
    };
    [".mjs", ".mts"].iter().any(|end| name.ends_with(end)) || code.lines().any(is_statement)
}

/// The error as if the engine had found it, so that it is told in the same way.
fn thrown(error: &SyntaxError, text: &str) -> Error {
    let SyntaxError { name, line, column, message, .. } = error;
    let mut js = JsError::default();
    js.name = "SyntaxError".into();
    js.message.clone_from(message);
    js.stack = Some(format!("    at {name}:{line}:{column}"));
    js.locate(&Script::new(text).named(name));
    Error::Js(js)
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn what_cannot_be_erased_is_a_syntax_error_at_its_place() {
        let error = Language::TypeScript.script("a.ts", "let a: 1\nenum B { }").map(drop);
        let Err(belljar::Error::Js(error)) = error else { unreachable!("{error:?}") };
        let frame = error.frame().map(|frame| (frame.line, frame.column, frame.text.as_str()));
        assert_eq!((error.name.as_str(), frame), ("SyntaxError", Some((2, 1, "enum B { }"))));
    }
}
