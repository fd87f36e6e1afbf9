//! Values where the command speaks JSON: its lines, its reports, and the input of commands. What JSON has no form for is
//! an error that names it. It must never know who reads the JSON.

use belljar::{Result, RpcError, Value};

/// The value as JSON, or `undefined`.
///
/// # Errors
///
/// [`belljar::Error::NotSerializable`] for a value that JSON has no form for.
pub(crate) fn plain(value: Value) -> Result<Value> {
    if value.is_undefined() || value.as_json().is_some() {
        return Ok(value);
    }
    let text = value.to_json()?.into_owned();
    Value::from_json(text)
}

/// The parameters of a call as JSON, for a handler that is another program. Those that were left out are null.
pub(crate) fn params(value: Value) -> std::result::Result<Value, RpcError> {
    let value = if value.is_undefined() { Value::from_json("null") } else { plain(value) };
    value.map_err(|error| RpcError::new("invalid_params", error.to_string()))
}

/// The value as JSON; as text for people where JSON has no form for it.
pub(crate) fn or_text(value: &Value) -> Value {
    plain(value.clone()).or_else(|_| Value::of(value.as_str())).unwrap_or_default()
}
