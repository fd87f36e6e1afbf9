//! Conversions that can fail: scripts from bytes, and values from and to Rust types.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::excerpt;
use crate::script::Script;
use crate::value::Value;

impl<'a> Script<'a> {
    /// A script from UTF-8 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the bytes are not UTF-8, with the offset of the first wrong byte.
    pub fn from_utf8(source: &'a [u8]) -> Result<Script<'a>> {
        match std::str::from_utf8(source) {
            Ok(source) => Ok(Script::new(source)),
            Err(error) => Err(Error::input(format!("the source is not UTF-8 at byte {}", error.valid_up_to()))),
        }
    }
}

impl Value {
    /// The JSON of a Rust value.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the value has no JSON form, for example a map whose keys are not strings.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Value> {
        Value::write(value).map_err(|error| Error::no_json(&error))
    }

    /// A value from JSON text, which is checked.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when it is not JSON.
    pub fn from_json(text: impl Into<String>) -> Result<Value> {
        let text = text.into();
        match check(&text) {
            Ok(()) => Ok(Value::from_option(Some(text))),
            Err(error) => Err(Error::input(format!("not JSON: {error}"))),
        }
    }

    /// A value from bytes of the guest, which must be UTF-8 and JSON. The check does not recurse, so nested text
    /// cannot overflow the host's stack.
    pub(crate) fn from_guest(bytes: Vec<u8>) -> Result<Value> {
        let text = String::from_utf8(bytes).map_err(|_| Error::guest("a result is not UTF-8"))?;
        match check(&text) {
            Ok(()) => Ok(Value::from_option(Some(text))),
            Err(error) => Err(Error::guest(format!("a result is not JSON: {error}"))),
        }
    }

    /// The value as a Rust type. `undefined` is read like `null`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], which names the path of the field that did not match.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T> {
        read(if self.is_undefined() { "null" } else { self.as_str() }).map_err(|message| Error::Shape { message })
    }
}

/// A JavaScript value as text for people: the result of [`Instance::inspect`](crate::Instance::inspect).
///
/// ```
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let number = jar.inspect("7")?;
/// let string = jar.inspect("'7'")?;
/// assert_eq!((number.as_str(), number.is_string()), ("7", false));
/// assert_eq!((string.as_str(), string.is_string()), ("7", true));
/// assert!(jar.inspect("let a = 7")?.is_undefined());
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    text: Cow<'static, str>,
    what: What,
}

/// The kind of value that a text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Undefined,
    String,
    Other,
}

impl Shown {
    pub(crate) const UNDEFINED: Shown = Shown { text: Cow::Borrowed("undefined"), what: What::Undefined };

    /// A string, from bytes that the guest sent.
    pub(crate) fn string(bytes: Vec<u8>) -> Shown {
        Shown { text: well_formed(bytes).into(), what: What::String }
    }

    /// Any other value, from bytes that the guest sent.
    pub(crate) fn other(bytes: Vec<u8>) -> Shown {
        Shown { text: well_formed(bytes).into(), what: What::Other }
    }

    /// The text. A string is shown as itself, without quotes, with U+FFFD in place of each lone surrogate.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, owned.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text.into_owned()
    }

    /// Whether the value is a string; then the text is that string.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.what == What::String
    }

    /// Whether the value is `undefined`.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        self.what == What::Undefined
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text of bytes that are UTF-8 except for lone surrogates. A lone surrogate is three invalid bytes, reported one
/// by one, and only the first of them can begin a character; so it is replaced once.
fn well_formed(bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if chunk.invalid().first().is_some_and(|first| *first >= 0xC0) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

fn check(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<&RawValue>(text).map(drop)
}

/// Reads a type from JSON. The error message names the path and quotes little of the text. Tracking the path costs
/// time, so it is done only after plain deserialization has failed.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    let plain = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => excerpt::message(&error),
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) if error.path().iter().next().is_some() => {
            let path = error.path().to_string();
            Err(format!("at {}: {}", excerpt::plain(&path), excerpt::message(error.inner())))
        }
        _ => Err(plain),
    }
}
