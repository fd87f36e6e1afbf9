//! Errors as JSON, in one shape for `--json` and for JSON lines.
//!
//! It owns the names of the fields. What a script threw has those of the library. It must never know how an error is
//! told to a person.

use std::collections::BTreeMap;

use belljar::{Blame, Error, Frame, JsError, Value};
use serde::Serialize;

use crate::ending::Refusal;
use crate::speech::{self, Speech};

/// An error.
#[derive(Serialize)]
pub(crate) struct Problem {
    code: &'static str,
    /// The name of an error that a script threw; otherwise empty.
    name: String,
    message: String,
    #[serde(flatten)]
    thrown: Option<Thrown>,
    blame: Blame,
}

/// What is known of an error that a script threw.
#[derive(Serialize)]
struct Thrown {
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<Frame>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrown: Option<Value>,
    /// The call that failed with this error.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<FailedCall>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<JsError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Box<JsError>>,
}

#[derive(Serialize)]
struct FailedCall {
    method: String,
    code: String,
}

impl Problem {
    pub(crate) fn of(error: &Error, speech: Speech) -> Problem {
        let (code, blame) = (error.code(), error.blame());
        match error {
            Error::Js(js) => {
                let thrown = Some(Thrown::of(js));
                Problem { code, name: js.name.clone(), message: js.message.clone(), thrown, blame }
            }
            other => {
                let message = speech::words(other, speech);
                Problem { code, name: String::new(), message, thrown: None, blame }
            }
        }
    }

    pub(crate) fn of_refusal(refusal: &Refusal, speech: Speech) -> Problem {
        match refusal.error() {
            Some(error @ Error::Js(_)) => Problem::of(error, speech),
            _ => Problem {
                code: refusal.code(),
                name: String::new(),
                message: refusal.told(speech),
                thrown: None,
                blame: refusal.blame(),
            },
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }
}

impl Thrown {
    fn of(js: &JsError) -> Thrown {
        let mut properties: BTreeMap<_, _> =
            js.properties().map(|(name, value)| (name.into(), value.clone())).collect();
        let call = match (js.method(), js.code()) {
            (Some(method), Some(code)) => Some(FailedCall { method: method.into(), code: code.into() }),
            (None, Some(code)) => {
                properties.extend(Value::of(code).map(|code| ("code".to_owned(), code)));
                None
            }
            _ => None,
        };
        Thrown {
            stack: js.stack.clone(),
            frame: js.frame().cloned(),
            thrown: js.thrown.clone(),
            call,
            properties,
            errors: js.errors().to_vec(),
            cause: js.cause.clone(),
        }
    }
}

/// What `--json` prints when there is nothing to report on: the script did not begin.
#[derive(Serialize)]
pub(crate) struct Refused {
    ok: bool,
    error: Problem,
    logs: [(); 0],
}

impl Refused {
    pub(crate) fn of(refusal: &Refusal, speech: Speech) -> Refused {
        Refused { ok: false, error: Problem::of_refusal(refusal, speech), logs: [] }
    }
}
