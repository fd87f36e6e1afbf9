//! What a script threw, as the guest reports it.
//!
//! It owns [`JsError`] and how a report is read. Everything in a report is the guest's word, so nothing here decides anything, and what is kept of
//! a report is bounded by its bytes. It must never know limits or wasmtime.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::frame::{self, Frame};
use crate::json::Json;
use crate::script::Script;

/// What a script threw.
///
/// ```
/// # use belljar::{Error, Limits, Router, Runtime, Script};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let script = Script::new("function price() { throw new RangeError('too low', { cause: 7 }) }\nprice()").named("billing.js");
/// let Err(Error::Js(error)) = jar.eval(script) else { unreachable!() };
/// assert_eq!(error.to_string(), "RangeError: too low");
/// assert!(error.stack.unwrap().contains("billing.js:1"));
/// assert_eq!(error.cause.unwrap().thrown.unwrap().as_str(), "7");
///
/// let script = "throw Object.assign(new Error('refused'), { code: 'http', status: 403 })";
/// let Err(Error::Js(error)) = jar.eval(script) else { unreachable!() };
/// assert_eq!((error.code.as_deref(), error.properties["status"].as_str()), (Some("http"), "403"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct JsError {
    /// The error's `name`; empty when what was thrown is not an Error.
    #[serde(default)]
    pub name: String,
    /// The error's `message`, or the text of what was thrown.
    #[serde(default)]
    pub message: String,
    /// Where it was thrown, with the script's own name and lines.
    #[serde(default)]
    pub stack: Option<String>,
    /// The error's `code`, where that is a string. For a call of a handler that failed it is the code of its
    /// [`RpcError`](crate::RpcError). A script can give any code to an error of its own.
    #[serde(default)]
    pub code: Option<Box<str>>,
    /// The method of the call that failed. A script can name any method in an error of its own.
    #[serde(default)]
    pub method: Option<Box<str>>,
    /// Other properties that the script has set on the error and that JSON can hold, such as `status`: the first sixteen, each of no more
    /// than 4 KiB.
    #[serde(default, deserialize_with = "properties")]
    pub properties: BTreeMap<String, Json>,
    /// The first sixteen errors of an `AggregateError`, without their causes and with texts of no more than 4 KiB.
    #[serde(default, deserialize_with = "errors")]
    pub errors: Box<[JsError]>,
    /// The error's `cause`.
    #[serde(default)]
    pub cause: Option<Box<JsError>>,
    /// What was thrown, when it was not an Error and has a JSON form.
    #[serde(default, deserialize_with = "even_null")]
    pub thrown: Option<Json>,
    /// The line of the script where it was thrown. `eval` and `inspect` fill it in, because they have the source;
    /// [`JsError::frame_in`] gives it for other calls.
    #[serde(skip)]
    pub frame: Option<Box<Frame>>,
    /// What the engine ran out of when it threw this by itself; the guest's word.
    #[serde(default)]
    pub(crate) native: Option<Native>,
}

/// What QuickJS can run out of and still throw an error that script could have caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Native {
    Memory,
}

/// A script can throw `null`, which serde would take for nothing at all.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// The most properties or errors of one error that are kept, whatever a guest says.
const MOST: usize = 16;

fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<BTreeMap<String, Json>, D::Error> {
    struct Properties;
    impl<'de> Visitor<'de> for Properties {
        type Value = BTreeMap<String, Json>;

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

/// One error of several. It has no errors and no cause of its own, so what the host makes of a report is bounded by the report.
#[derive(Deserialize)]
struct One {
    #[serde(default)]
    name: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    stack: Option<String>,
    #[serde(default)]
    code: Option<Box<str>>,
    #[serde(default)]
    method: Option<Box<str>>,
    #[serde(default, deserialize_with = "properties")]
    properties: BTreeMap<String, Json>,
    #[serde(default, deserialize_with = "even_null")]
    thrown: Option<Json>,
}

fn errors<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Box<[JsError]>, D::Error> {
    let First::<One, MOST>(errors) = First::deserialize(deserializer)?;
    let whole = |One { name, message, stack, code, method, properties, thrown }| JsError {
        name,
        message,
        stack,
        code,
        method,
        properties,
        thrown,
        ..JsError::default()
    };
    Ok(errors.into_iter().map(whole).collect())
}

/// The first items of a list; those behind them are read and dropped.
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
    /// The innermost line of this script that the stack names, where it names one.
    ///
    /// ```
    /// # use belljar::{Error, Limits, Router, Runtime, Script};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// let script = Script::new("host.on('sum', orders => {\n  return orders.lenght()\n})");
    /// jar.eval(&script)?;
    /// let Err(Error::Js(mut error)) = jar.dispatch("sum", &[1, 2]) else { unreachable!() };
    /// assert_eq!(error.to_string(), "TypeError: not a function");
    /// error.frame = error.frame_in(&script).map(Box::new);
    /// assert_eq!(error.to_string(), "TypeError: orders.lenght is not a function");
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn frame_in(&self, script: &Script<'_>) -> Option<Frame> {
        Frame::of(&self.message, self.stack.as_deref()?, script)
    }
}

/// Names what the message of the engine is about, where the frame tells.
impl fmt::Display for JsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expression = self.frame.as_ref().and_then(|frame| frame.expression.as_deref());
        let message = expression.map(|expression| frame::told(&self.message, expression));
        match (self.name.as_str(), message.as_deref().unwrap_or(&self.message)) {
            ("", message) => write!(f, "the script threw {message}"),
            (name, "") => f.write_str(name),
            (name, message) => write!(f, "{name}: {message}"),
        }
    }
}

impl std::error::Error for JsError {}
