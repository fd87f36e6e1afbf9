//! Turns what the guest said about the end of a call into the result for the caller.
//!
//! It must never know how the call was driven.

use belljar_abi::events;

use super::Instance;
use super::course::Ended;
use crate::conversions::Shown;
use crate::driver::Outcome;
use crate::error::{Error, Result};
use crate::excerpt;
use crate::limits::LimitKind;
use crate::script::Script;
use crate::thrown::{First, JsError, Native};
use crate::value::Value;

impl Instance {
    /// The result of a script.
    pub(super) fn value_of(&self, script: &Script<'_>, ended: Result<Ended>) -> Result<Value> {
        self.value(ended).map_err(|error| error.in_script(script))
    }

    /// The result of a script as text for people.
    pub(super) fn shown_of(&self, script: &Script<'_>, ended: Result<Ended>) -> Result<Shown> {
        self.shown(ended).map_err(|error| error.in_script(script))
    }

    pub(super) fn shown(&self, ended: Result<Ended>) -> Result<Shown> {
        match ended? {
            Ended::Outcome(Outcome::Text(bytes)) => Ok(Shown::string(bytes)),
            // A guest older than this flag answers with JSON.
            Ended::Outcome(Outcome::Shown(bytes) | Outcome::Value(bytes)) => Ok(Shown::other(bytes)),
            Ended::Outcome(Outcome::Undefined) => Ok(Shown::UNDEFINED),
            ended => Err(self.value(Ok(ended)).err().unwrap_or_else(|| Error::guest("it showed nothing"))),
        }
    }

    /// The error for an event without a handler. A guest image too old to list its events is assumed to have some.
    pub(super) fn no_such_event(&mut self, name: &str) -> Error {
        let registered = self.events().unwrap_or_else(|_| vec!["others".into()]);
        let registered = excerpt::names(registered.iter().map(String::as_str));
        Error::NoSuchEvent { name: name.to_owned(), registered }
    }

    pub(super) fn dispatched(&mut self, event: &str, ended: Result<Ended>) -> Result<Value> {
        match ended? {
            Ended::NoSuchEvent => Err(self.no_such_event(event)),
            outcome => self.value(Ok(outcome)),
        }
    }

    /// The result that the guest's outcome stands for.
    pub(super) fn value(&self, ended: Result<Ended>) -> Result<Value> {
        match ended? {
            Ended::Outcome(Outcome::Value(bytes)) => Value::from_guest(bytes),
            Ended::Outcome(Outcome::Undefined) => Ok(Value::UNDEFINED),
            Ended::Outcome(Outcome::Failure(report)) => Err(self.failure(&report)),
            Ended::Outcome(Outcome::NotSerializable(why)) => {
                Err(Error::NotSerializable { message: excerpt::message(&String::from_utf8_lossy(&why)) })
            }
            Ended::Outcome(Outcome::Text(_) | Outcome::Shown(_)) => {
                Err(Error::guest("it showed a value that nobody looks at"))
            }
            Ended::Outcome(Outcome::Bytecode(_)) => Err(Error::guest("it sent bytecode for a value")),
            Ended::NoSuchEvent => Err(Error::guest("it looked for an event where there was none")),
            Ended::Paused => Err(Error::guest("it paused where nothing can pause")),
        }
    }

    /// The code of what a call has come to, `ok` for a value.
    pub(super) fn code(&self, ended: &Result<Ended>) -> &'static str {
        match ended {
            Err(error) => error.code(),
            Ok(Ended::Outcome(Outcome::Failure(report))) => self.failure(report).code(),
            Ok(Ended::Outcome(Outcome::NotSerializable(_))) => "not_serializable",
            Ok(Ended::Outcome(_)) => "ok",
            Ok(Ended::NoSuchEvent) => "no_such_event",
            Ok(Ended::Paused) => "paused",
        }
    }

    fn failure(&self, report: &[u8]) -> Error {
        match serde_json::from_str::<JsError>(&String::from_utf8_lossy(report)) {
            Ok(JsError { native: Some(Native::Memory), .. }) => self
                .refusal
                .as_ref()
                .map_or_else(|| LimitKind::JsHeap.error(&self.limits), |why| why.error(&self.limits)),
            Ok(error) => Error::Js(error),
            Err(_) => Error::guest("a failure is not a report"),
        }
    }

    /// The names in a list of events. The guest may be hostile, so the list is bounded here.
    pub(super) fn events_in(json: &[u8]) -> Result<Vec<String>> {
        let First::<String, { events::MOST }>(mut names) =
            serde_json::from_slice(json).map_err(|_| Error::guest("its events are not a list of names"))?;
        names.retain(|name| name.len() <= events::NAME_BYTES);
        names.sort_unstable();
        Ok(names)
    }
}
