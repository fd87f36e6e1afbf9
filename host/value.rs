//! A value of JavaScript: JSON text where that says all of it, and the binary form where it does not.
//!
//! It must never know this crate's errors; the public conversions that can fail are in `conversions.rs`.

mod access;
mod encode;
mod form;
pub mod js;
mod json;
mod nodes;
mod numbers;
mod read;
mod shown;
mod stored;
#[cfg(test)]
mod tests;
mod write;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, OnceLock};

use belljar_abi::values::{MAGIC, Tag};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use self::json::Manner;
pub(crate) use self::stored::Stored;

/// A value of JavaScript, outside the script that it belongs to.
///
/// Plain data is held as JSON text. What JSON has no form for is held too: `undefined` anywhere, `NaN`, `Infinity`, -0,
/// BigInt, Date, RegExp, Map, Set, buffers and typed arrays, errors, arrays with holes, and objects that are referred
/// to more than once, also by themselves. Functions, symbols and promises cannot leave a script. `docs/values.md` has
/// the table.
///
/// ```
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let value = jar.eval("({ a: [1, 2] })")?;
/// assert_eq!(value.as_str(), r#"{"a":[1,2]}"#);
///
/// let value = jar.eval("({ big: 2n ** 64n, bytes: new Uint8Array([1, 2]) })")?;
/// assert_eq!(value.as_str(), r#"{"big":18446744073709551616n,"bytes":Uint8Array(2)[1,2]}"#);
/// assert_eq!(value.to_json().unwrap_err().to_string(), "value.big: a BigInt has no JSON form");
/// let (big, bytes): (u128, Vec<u8>) = jar.eval("[2n ** 64n, new Uint8Array([1, 2])]")?.get()?;
/// assert_eq!((big, bytes), (1 << 64, vec![1, 2]));
/// assert!(jar.eval("undefined")?.is_undefined());
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Value(Form);

#[derive(Clone, Default)]
enum Form {
    #[default]
    Undefined,
    Json(String),
    /// A message in the binary form, which has been checked and is neither `undefined` nor plain.
    Binary(Arc<Binary>),
}

struct Binary {
    message: Vec<u8>,
    shown: OnceLock<String>,
}

/// The message that stands for `undefined`.
const UNDEFINED: [u8; 2] = [MAGIC, Tag::Undefined as u8];

impl PartialEq for Form {
    fn eq(&self, other: &Form) -> bool {
        match (self, other) {
            (Form::Undefined, Form::Undefined) => true,
            (Form::Json(one), Form::Json(other)) => one == other,
            (Form::Binary(one), Form::Binary(other)) => one.message == other.message,
            _ => false,
        }
    }
}

impl Eq for Form {}

impl Value {
    /// `undefined`.
    pub const UNDEFINED: Value = Value(Form::Undefined);

    /// A value from text that is known to be JSON.
    pub(crate) fn json(text: String) -> Value {
        Value(Form::Json(text))
    }

    /// A value from bytes of the other side: none for `undefined`, a message in the binary form, or JSON text. A hostile
    /// guest may have sent them. Checking them does not recurse.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn from_wire(bytes: Vec<u8>) -> Result<Value, String> {
        let value = Value::from_wire_unread(bytes)?;
        match &value.0 {
            Form::Json(text) => match check(text) {
                Ok(()) => Ok(value),
                Err(error) => Err(format!("not JSON: {error}")),
            },
            _ => Ok(value),
        }
    }

    /// As [`Value::from_wire`], where text is checked when it is read.
    pub(crate) fn from_wire_unread(bytes: Vec<u8>) -> Result<Value, String> {
        match bytes.first() {
            None => Ok(Value::UNDEFINED),
            Some(&MAGIC) => Value::from_message(bytes).map_err(|wrong| format!("not in the binary form: {wrong}")),
            Some(_) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Value::json(text)),
                Err(_) => Err("not UTF-8".into()),
            },
        }
    }

    /// A value from a message, which is checked. What is plain becomes JSON text, so that a value has one form only.
    fn from_message(message: Vec<u8>) -> Result<Value, nodes::Wrong> {
        let contents = nodes::check(&message)?;
        if message == UNDEFINED {
            return Ok(Value::UNDEFINED);
        }
        if contents.is_plain
            && let Ok(text) = json::text(&message, Manner::Exact, "value")
        {
            return Ok(Value::json(text));
        }
        Ok(Value(Form::Binary(Arc::new(Binary { message, shown: OnceLock::new() }))))
    }

    /// The value of a Rust value.
    ///
    /// # Errors
    ///
    /// What has no form in JavaScript.
    pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> Result<Value, String> {
        let mut bytes = Vec::with_capacity(write::FIRST_BYTES);
        write::onto(&mut bytes, value)?;
        // What has just been written is in order.
        Value::from_wire_unread(bytes)
    }

    /// Appends the value of a Rust value, as [`Value::wire`] gives it.
    pub(crate) fn write_onto(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), String> {
        write::onto(bytes, value)
    }

    /// What crosses: nothing for `undefined`, JSON text, or a message in the binary form.
    pub(crate) fn wire(&self) -> &[u8] {
        match &self.0 {
            Form::Undefined => &[],
            Form::Json(text) => text.as_bytes(),
            Form::Binary(binary) => &binary.message,
        }
    }

    /// What crosses, owned.
    pub(crate) fn into_wire(self) -> Vec<u8> {
        match self.0 {
            Form::Undefined => Vec::new(),
            Form::Json(text) => text.into_bytes(),
            Form::Binary(binary) => {
                Arc::try_unwrap(binary).map_or_else(|shared| shared.message.clone(), |own| own.message)
            }
        }
    }

    /// The value as a type of Rust.
    ///
    /// # Errors
    ///
    /// What did not fit. The path of it is not tracked.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Unread> {
        match &self.0 {
            Form::Json(text) => serde_json::from_str(text).map_err(Unread::Json),
            Form::Binary(binary) => read::message(&binary.message).map_err(Unread::Binary),
            Form::Undefined => read::message(&UNDEFINED).map_err(Unread::Binary),
        }
    }

    /// As [`Value::read`]; an error has the path of what did not fit. Tracking it takes time.
    pub(crate) fn read_with_path<T: DeserializeOwned>(&self) -> Result<T, (String, Unread)> {
        match &self.0 {
            Form::Json(text) => {
                let mut reader = serde_json::Deserializer::from_str(text);
                serde_path_to_error::deserialize(&mut reader)
                    .map_err(|error| (error.path().to_string(), Unread::Json(error.into_inner())))
            }
            Form::Undefined | Form::Binary(_) => {
                let message = if let Form::Binary(binary) = &self.0 { binary.message.as_slice() } else { &UNDEFINED };
                read::message_with_path(message).map_err(|(path, error)| (path, Unread::Binary(error)))
            }
        }
    }

    /// JSON text, if the value is plain data.
    #[must_use]
    pub fn as_json(&self) -> Option<&str> {
        if let Form::Json(text) = &self.0 { Some(text) } else { None }
    }

    pub(crate) fn exact(&self, root: &str) -> Result<Cow<'_, str>, String> {
        match &self.0 {
            Form::Undefined => Err(format!("{root}: undefined has no JSON form")),
            Form::Json(text) => Ok(Cow::Borrowed(text)),
            Form::Binary(binary) => json::text(&binary.message, Manner::Exact, root).map(Cow::Owned),
        }
    }

    pub(crate) fn lossy(&self, root: &str) -> Result<Cow<'_, str>, String> {
        match &self.0 {
            Form::Undefined => Ok(Cow::Borrowed("null")),
            Form::Json(text) => Ok(Cow::Borrowed(text)),
            Form::Binary(binary) => json::text(&binary.message, Manner::Lossy, root).map(Cow::Owned),
        }
    }

    /// The value as text for people: JSON for plain data, `undefined`, and otherwise JSON with expressions of JavaScript
    /// in it, such as `[10n,new Date("2026-01-01T00:00:00.000Z")]`. Only plain data gives text that a parser takes; see
    /// [`Value::to_json`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Undefined => "undefined",
            Form::Json(text) => text,
            Form::Binary(binary) => binary.shown.get_or_init(|| shown::text(&binary.message)),
        }
    }

    /// Whether it is `undefined`.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        matches!(self.0, Form::Undefined)
    }
}

/// Why a value could not be read.
pub(crate) enum Unread {
    Json(serde_json::Error),
    Binary(read::Misfit),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Json(error) => error.fmt(f),
            Unread::Binary(error) => error.fmt(f),
        }
    }
}

/// Checks that a text is JSON, without recursion.
pub(crate) fn check(text: &str) -> serde_json::Result<()> {
    serde_json::from_str::<&RawValue>(text).map(drop)
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.as_str())
    }
}

/// The name under which a value passes itself to the serializer of this crate.
const TOKEN: &str = "$belljar::Value";
/// The name under which `serde_json` passes text through.
const RAW_TOKEN: &str = "$serde_json::private::RawValue";

thread_local! {
    /// Whether the serializer of this crate asks for what the next value consists of.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// The value inside its name.
struct Inner<'a>(&'a Value);

/// JSON text for other serializers, which must take it through: those of `serde_json` do. A value that JSON has no form
/// for is an error there, and `undefined` is null.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TOKEN, &Inner(self))
    }
}

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if IS_ASKED.replace(false) {
            return serializer.serialize_bytes(self.0.wire());
        }
        if self.0.is_undefined() {
            return serializer.serialize_unit();
        }
        let text = self.0.exact("value").map_err(ser::Error::custom)?;
        <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(&text))
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                match map.next_key::<Cow<'_, str>>()?.as_deref() {
                    Some(RAW_TOKEN) => map.next_value().map(Value::json),
                    Some(TOKEN) => {
                        let message = map.next_value::<js::Bytes>()?.0;
                        Value::from_message(message).map_err(de::Error::custom)
                    }
                    _ => Err(de::Error::custom("a value can be read from JSON and from another value only")),
                }
            }
        }
        deserializer.deserialize_newtype_struct(RAW_TOKEN, Parts)
    }
}
