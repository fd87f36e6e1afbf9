//! Conversions that can fail: scripts from bytes, and values from and to Rust types.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::excerpt;
use crate::script::Script;
use crate::value::{self, Value};

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
    /// The value of a Rust value: JSON text where JSON has a form for all of it. Otherwise bytes become a Uint8Array,
    /// integers beyond 2^53 BigInts, maps with a key that is no string or number a Map, and numbers that are not finite
    /// themselves. [`js`](crate::js) has types for what Rust has none for.
    ///
    /// ```
    /// use belljar::Value;
    /// assert_eq!(Value::of(&[1, 2])?.as_json(), Some("[1,2]"));
    /// assert_eq!(Value::of(&(u64::MAX, f64::NAN))?.as_str(), "[18446744073709551615n,NaN]");
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when its `Serialize` fails.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Value> {
        Value::write(value).map_err(|why| Error::no_form(&why))
    }

    /// A value from JSON text, which is checked.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when it is not JSON.
    pub fn from_json(text: impl Into<String>) -> Result<Value> {
        let text = text.into();
        match value::check(&text) {
            Ok(()) => Ok(Value::json(text)),
            Err(error) => Err(Error::input(format!("not JSON: {error}"))),
        }
    }

    /// A value from bytes of the guest, which are checked.
    pub(crate) fn from_guest(bytes: Vec<u8>) -> Result<Value> {
        // The guest says in another way that a result is undefined.
        if bytes.is_empty() {
            return Err(Error::guest("a result is not JSON: it has no bytes"));
        }
        Value::from_wire(bytes).map_err(|why| Error::guest(format!("a result is {why}")))
    }

    /// The value as a Rust type. `undefined` is read like `null`. A Date is read as ISO 8601 text or as milliseconds, a
    /// BigInt as any integer that it fits in or as decimal digits, a buffer or a typed array as bytes or as a list, a Set
    /// as a list, a Map as a map with any keys, and an error as a map with its `name`, `message` and properties.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// #[derive(serde::Deserialize)]
    /// struct Order { id: u128, at: String, tags: Vec<String>, note: Option<String> }
    /// let order: Order = jar.eval("({ id: 2n ** 70n, at: new Date(0), tags: new Set(['a']), note: undefined })")?.get()?;
    /// assert_eq!((order.id, order.at.as_str()), (1 << 70, "1970-01-01T00:00:00.000Z"));
    /// assert_eq!((order.tags, order.note), (vec!["a".to_owned()], None));
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], which names the path of the field that did not match.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T> {
        read(self).map_err(|message| Error::Shape { message })
    }

    /// The value as JSON text. Dates are their ISO 8601 text, members that are `undefined` are left out, and an object
    /// that is referred to twice is written twice.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
    /// let value = jar.eval("({ users: [{ at: new Date(0), note: undefined }, new Map()] })")?;
    /// assert_eq!(value.to_json().unwrap_err().to_string(), "value.users[1]: a Map has no JSON form");
    /// assert_eq!(value.to_json_lossy()?, r#"{"users":[{"at":"1970-01-01T00:00:00.000Z"},{}]}"#);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotSerializable`] when the value holds something that JSON has no form for, with its path.
    pub fn to_json(&self) -> Result<Cow<'_, str>> {
        self.exact("value").map_err(|message| Error::NotSerializable { message })
    }

    /// The text that `JSON.stringify` gives for the value; `null` for `undefined`.
    ///
    /// # Errors
    ///
    /// [`Error::NotSerializable`] where `JSON.stringify` throws: the value holds a BigInt or itself. Also when its text
    /// is many times as long as the value.
    pub fn to_json_lossy(&self) -> Result<Cow<'_, str>> {
        self.lossy("value").map_err(|message| Error::NotSerializable { message })
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

/// Reads a type from a value. The error message names the path and quotes little of the text. Tracking the path costs
/// time, so it is done only after plain deserialization has failed.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> std::result::Result<T, String> {
    let plain = match value.read() {
        Ok(value) => return Ok(value),
        Err(error) => excerpt::message(&error),
    };
    match value.read_with_path::<T>() {
        Err((path, error)) if !path.is_empty() && path != "." => {
            Err(format!("at {}: {}", excerpt::plain(&path), excerpt::message(&error)))
        }
        _ => Err(plain),
    }
}
