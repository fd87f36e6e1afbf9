//! Errors that a script threw, as the guest reports them.
//!
//! It owns [`JsError`] and the parsing of a report. A report is the guest's claim, so nothing here makes decisions,
//! and memory for a report is bounded by its length. It must never know limits or wasmtime.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::frame::{self, Frame};
use crate::script::Script;
use crate::value::Value;

/// An error or another value that a script threw.
///
/// ```
/// # use belljar::{Error, Limits, Router, Runtime, Script};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let source = "function price() { throw new RangeError('too low', { cause: 7 }) }\nprice()";
/// let script = Script::new(source).named("billing.js");
/// let Err(Error::Js(error)) = jar.eval(script) else { unreachable!() };
/// assert_eq!(error.to_string(), "RangeError: too low");
/// assert!(error.stack.unwrap().contains("billing.js:1"));
/// assert_eq!(error.cause.unwrap().thrown.unwrap().as_str(), "7");
///
/// let script = "throw Object.assign(new Error('refused'), { code: 'http', status: 403 })";
/// let Err(Error::Js(error)) = jar.eval(script) else { unreachable!() };
/// assert_eq!((error.code(), error.property("status").unwrap().as_str()), (Some("http"), "403"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Report")]
#[non_exhaustive]
pub struct JsError {
    /// The error's `name`; empty when the thrown value is not an Error.
    pub name: String,
    /// The error's `message`, or the thrown value as text.
    pub message: String,
    /// The stack trace, with the script's name and lines.
    pub stack: Option<String>,
    /// The error's `cause`.
    pub cause: Option<Box<JsError>>,
    /// The thrown value, when it is not an Error and has a JSON form.
    pub thrown: Option<Value>,
    /// Rare fields, boxed to keep the type small.
    details: Option<Box<Details>>,
    /// The resource that the engine ran out of when it threw this error itself, as the guest claims.
    pub(crate) native: Option<Native>,
}

/// Resources whose exhaustion QuickJS reports with an error that the script could have caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Native {
    Memory,
}

/// Keeps a thrown `null`, which serde would read as None.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The most properties or nested errors of one error that are kept.
const MOST: usize = 16;

fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<BTreeMap<String, Value>, D::Error> {
    struct Properties;
    impl<'de> Visitor<'de> for Properties {
        type Value = BTreeMap<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the properties of an error")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Self::Value, A::Error> {
            let mut properties = BTreeMap::new();
            while properties.len() < MOST
                && let Some((name, value)) = entries.next_entry()?
            {
                properties.insert(name, value);
            }
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(properties)
        }
    }
    deserializer.deserialize_map(Properties)
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Details {
    code: Option<String>,
    method: Option<String>,
    properties: BTreeMap<String, Value>,
    errors: Vec<JsError>,
    frame: Option<Frame>,
}

/// A report of the guest.
#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    name: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    stack: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default, deserialize_with = "properties")]
    properties: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "even_null")]
    thrown: Option<Value>,
    #[serde(default, deserialize_with = "errors")]
    errors: Vec<JsError>,
    #[serde(default)]
    cause: Option<Box<JsError>>,
    #[serde(default)]
    native: Option<Native>,
}

/// One of several nested errors. It has no nested errors and no cause itself, so the size of a parsed report is
/// bounded by the report.
#[derive(Deserialize)]
struct One {
    #[serde(default)]
    name: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    stack: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default, deserialize_with = "properties")]
    properties: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "even_null")]
    thrown: Option<Value>,
}

fn errors<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<JsError>, D::Error> {
    let First::<One, MOST>(errors) = First::deserialize(deserializer)?;
    let whole = |One { name, message, stack, code, method, properties, thrown }| {
        let (errors, cause, native) = (Vec::new(), None, None);
        JsError::from(Report { name, message, stack, code, method, properties, thrown, errors, cause, native })
    };
    Ok(errors.into_iter().map(whole).collect())
}

impl From<Report> for JsError {
    fn from(report: Report) -> JsError {
        let Report { name, message, stack, code, method, properties, thrown, errors, cause, native } = report;
        let details = Details { code, method, properties, errors, frame: None };
        let details = (details != Details::default()).then(|| Box::new(details));
        JsError { name, message, stack, cause, thrown, details, native }
    }
}

/// The first items of a list; the others are read and dropped.
pub(crate) struct First<T, const MOST: usize>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for First<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Items<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
            type Value = First<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Self::Value, A::Error> {
                let mut first = Vec::new();
                while first.len() < MOST
                    && let Some(item) = items.next_element()?
                {
                    first.push(item);
                }
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

impl JsError {
    /// The error's `code`, if it is a string. For a failed call of a handler, it is the code of the
    /// [`RpcError`](crate::RpcError). A script can also set any code on its own errors.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.details.as_ref()?.code.as_deref()
    }

    /// The method of the handler call that failed. A script can also set any method on its own errors.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.details.as_ref()?.method.as_deref()
    }

    /// A property that the script has set on the error, such as `status`, if it has a JSON form.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.details.as_ref()?.properties.get(name)
    }

    /// All properties for [`JsError::property`], sorted by name: at most the first sixteen, each of at most 4 KiB.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.details.iter().flat_map(|details| &details.properties).map(|(name, value)| (name.as_str(), value))
    }

    /// The first sixteen errors of an `AggregateError`, without their causes, and with strings of at most 4 KiB.
    #[must_use]
    pub fn errors(&self) -> &[JsError] {
        self.details.as_ref().map_or(&[], |details| &details.errors)
    }

    /// The line of the script where the error was thrown. `eval` and `inspect` have the source and set it; for other
    /// calls use [`JsError::locate`].
    #[must_use]
    pub fn frame(&self) -> Option<&Frame> {
        self.details.as_ref()?.frame.as_ref()
    }

    /// Finds the innermost line of this script that the stack names, and sets the [`JsError::frame`] to it.
    ///
    /// ```
    /// # use belljar::{Error, Limits, Router, Runtime, Script};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// let script = Script::new("host.on('sum', orders => {\n  return orders.lenght()\n})");
    /// jar.eval(&script)?;
    /// let Err(Error::Js(mut error)) = jar.dispatch("sum", &[1, 2]) else { unreachable!() };
    /// assert_eq!(error.to_string(), "TypeError: not a function");
    /// error.locate(&script);
    /// assert_eq!(error.to_string(), "TypeError: orders.lenght is not a function");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn locate(&mut self, script: &Script<'_>) {
        let frame = self.stack.as_deref().and_then(|stack| Frame::of(&self.message, stack, script));
        if frame.is_some() || self.details.is_some() {
            self.details.get_or_insert_default().frame = frame;
        }
    }
}

/// Adds the expression that the engine's message is about, if the frame has it.
impl fmt::Display for JsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expression = self.frame().and_then(|frame| frame.expression.as_deref());
        let message = expression.map(|expression| frame::told(&self.message, expression));
        match (self.name.as_str(), message.as_deref().unwrap_or(&self.message)) {
            ("", message) => write!(f, "the script threw {message}"),
            (name, "") => f.write_str(name),
            (name, message) => write!(f, "{name}: {message}"),
        }
    }
}

impl std::error::Error for JsError {}
