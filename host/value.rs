//! A value as JSON text. It must never know this crate's errors; conversions that can fail are in `value.rs`.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JavaScript value as JSON text, or `undefined`.
///
/// ```
/// # use belljar::{Limits, Router, Runtime};
/// # let mut jar = Runtime::new()?.instance(&Router::new(), &Limits::default())?;
/// let value = jar.eval("({ a: [1, 2] })")?;
/// assert_eq!(value.as_str(), r#"{"a":[1,2]}"#);
/// assert!(jar.eval("undefined")?.is_undefined());
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value(Option<String>);

impl Value {
    /// `undefined`.
    pub const UNDEFINED: Value = Value(None);

    /// A value from text that is known to be JSON, or `undefined` for None.
    pub(crate) fn from_option(text: Option<String>) -> Value {
        Value(text)
    }

    /// The JSON of a Rust value. [`Value::UNDEFINED`], which has no JSON text, stays `undefined`.
    pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Value> {
        HAS_UNDEFINED.set(false);
        let text = serde_json::to_string(value)?;
        // `undefined` is written as null. The text is exactly "null" only if the whole value is `undefined`.
        if text == "null" && HAS_UNDEFINED.get() { Ok(Value::UNDEFINED) } else { Ok(Value(Some(text))) }
    }

    /// The text; None for `undefined`.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text; for `undefined` the word `undefined`, which is not JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("undefined")
    }

    /// The text, owned; None for `undefined`.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        self.0
    }

    /// Whether it is `undefined`.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        self.0.is_none()
    }
}

thread_local! {
    /// Whether an undefined value was written since [`Value::write`] began on this thread.
    static HAS_UNDEFINED: Cell<bool> = const { Cell::new(false) };
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match &self.0 {
            Some(text) => <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(text))
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            None => {
                HAS_UNDEFINED.set(true);
                serializer.serialize_unit()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Value(Some(String::from(Box::<str>::from(raw)))))
    }
}
