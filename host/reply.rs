//! What a call is answered with: a value as JSON, an error that script sees, or a pause.
//!
//! It must never know who answers, nor what carries the answer to the guest.

use std::fmt;
use std::io;

use crate::json::Json;

/// The reply to one call: JSON text, or nothing for undefined.
pub(crate) type Reply = Result<Option<String>, RpcError>;

/// All that a script sees of a failure: a code and a message. Nothing of the host's own error crosses by itself.
///
/// ```
/// # use belljar::{Call, Limits, Router, RpcError, Runtime};
/// let router = Router::new()
///     .handle("buy", |_: &Call, (): ()| Err::<(), _>(RpcError::new("sold_out", "nothing is left")));
/// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
/// let caught = jar.eval("try { host.rpcSync('buy') } catch (e) { [e.code, e.message] }")?;
/// assert_eq!(caught.get::<(String, String)>()?, ("sold_out".into(), "nothing is left".into()));
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    code: String,
    message: String,
    is_pause: bool,
}

impl RpcError {
    /// An error with the `code` and `message` that script will see.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> RpcError {
        RpcError { code: code.into(), message: message.into(), is_pause: false }
    }

    /// No error: the call stays open, and whoever started it with [`Instance::step_async`](crate::Instance::step_async)
    /// answers it later, in this process or another. A script that waits in `host.rpcSync` cannot be put away, so it gets this as
    /// an error with the code `paused`; elsewhere than in a step the call ends with [`Error::Paused`](crate::Error::Paused).
    #[must_use]
    pub fn pause() -> RpcError {
        RpcError { is_pause: true, ..RpcError::new("paused", "the call was paused where nothing can pause") }
    }

    pub(crate) fn is_pause(&self) -> bool {
        self.is_pause
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn panicked() -> RpcError {
        RpcError::new("handler_panicked", "the handler panicked")
    }

    /// The wire form: JSON `[code, message]`.
    pub(crate) fn to_wire(&self) -> String {
        Json::from_value(&(&self.code, &self.message)).ok().and_then(Json::into_text).unwrap_or_default()
    }

    /// How long code and message are in the wire form, where a character can take six bytes.
    pub(crate) fn wire_bytes(&self) -> u64 {
        const AROUND_THEM: u64 = r#"["",""]"#.len() as u64;
        let mut length = Length(0);
        // Two texts have a JSON form, and counting cannot fail.
        let _ = serde_json::to_writer(&mut length, &(&self.code, &self.message));
        length.0.saturating_sub(AROUND_THEM)
    }
}

/// Counts what is written to it.
struct Length(u64);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for RpcError {}
