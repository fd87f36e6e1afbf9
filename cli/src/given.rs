//! What a run gives to its script: arguments and input, as the frozen global `script`.
//!
//! It owns how they are read and how they get into the jar. It must never know what the script does with them.

use std::path::Path;

use belljar::{Error, Instance, Script, Value};

use crate::arguments::Run;
use crate::ending::Refusal;
use crate::executor::block_on;
use crate::interrupt::Interrupt;
use crate::source;

/// Arguments and input, as one JSON text.
pub(crate) struct Given {
    json: String,
    /// Where the input comes from, for a person.
    input: Option<String>,
    has_arguments: bool,
}

impl Given {
    /// Reads what the flags name.
    pub(crate) fn read(run: &Run) -> Result<Given, Refusal> {
        let arguments = run.arguments()?;
        let has_arguments = !arguments.is_empty();
        let arguments = Value::of(&arguments)?;
        let (path, is_text) = match (&run.input, &run.input_text) {
            (Some(path), _) => (path, false),
            (None, Some(path)) => (path, true),
            (None, None) => return Ok(Given { json: format!("{{\"args\":{arguments}}}"), input: None, has_arguments }),
        };
        let is_stdin = path.as_os_str() == "-";
        if is_stdin && run.rpc_all.is_some() {
            let message =
                "--rpc-all reads replies from standard input, so the input of the script cannot come from there";
            return Err(Refusal::usage(message));
        }
        if is_stdin && run.file().is_some_and(|file| file.as_os_str() == "-") {
            return Err(Refusal::usage("the script and its input cannot both come from standard input"));
        }
        let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
        let input = read(path, &name, is_text)?;
        Ok(Given { json: format!("{{\"args\":{arguments},\"input\":{input}}}"), input: Some(name), has_arguments })
    }

    /// Defines the global. A script can declare it again or assign to it, as to Node's `process`. Only its value is
    /// frozen.
    pub(crate) fn hand_to(&self, instance: &mut Instance, interrupt: &Interrupt) -> Result<(), Refusal> {
        // The JSON text is written as a JSON string, which is a JavaScript string, so nothing in it can run.
        let text = Value::of(&self.json)?;
        let prelude = format!(
            "Object.defineProperty(globalThis, 'script', {{ writable: true, configurable: true, \
             value: JSON.parse({text}, (_, value) => Object.freeze(value)) }}); 0"
        );
        let handle = instance.cancel_handle();
        let result = interrupt.guard(handle, || block_on(instance.eval_async(Script::new(prelude).named("[input]"))));
        match (result, &self.input) {
            (Ok(_), _) => Ok(()),
            // A snapshot may have replaced what this uses, and a limit may be very low. A run that gives its script
            // nothing goes on without the global.
            (Err(Error::Js(_) | Error::Limit { .. }), None) if !self.has_arguments => Ok(()),
            (Err(error), Some(name)) => Err(Refusal::from(error).in_file(Path::new(name))),
            (Err(error), None) => Err(error.into()),
        }
    }
}

/// The input as JSON text.
fn read(path: &Path, name: &str, is_text: bool) -> Result<Value, Refusal> {
    let bytes = if path.as_os_str() == "-" { source::stdin()? } else { source::file(path)? };
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Refusal::usage(format!("{name} is no input for a script: it is not UTF-8 at byte {at}"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if is_text {
        return Ok(Value::of(text)?);
    }
    Value::from_json(text).map_err(|error| Refusal::usage(format!("{name}: {error}; --input-text takes it as text")))
}
