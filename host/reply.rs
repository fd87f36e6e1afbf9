//! The answer to a call of a handler: a value, an error that the script sees, or a pause.
//!
//! It must never know who answers, nor how the answer is sent to the guest.

use std::fmt;
use std::io;

use serde::Serialize;

use crate::excerpt;
use crate::value::{Value, js};

/// The final answer to one call.
pub(crate) type Answered = Result<Value, RpcError>;

/// The reply of a handler to a call.
///
/// Most handlers return a value or a [`Result`], which [`IntoReply`] converts to a `Reply`.
///
/// ```
/// # use belljar::{Call, Limits, Reply, Router, RpcError, Runtime, Turn};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let router = Router::new().handle("pay", |_: &Call, amount: u32| match amount {
///     0 => RpcError::new("nothing", "there is nothing to pay").into(),
///     1..100 => Reply::value(&"paid"),
///     // A person decides.
///     _ => Reply::pause(),
/// });
/// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
/// assert_eq!(jar.eval("host.rpcSync('pay', 5)")?.as_str(), r#""paid""#);
/// let Turn::Paused(paused) = jar.step_eval_async("await host.rpc('pay', 500)").await? else { panic!("it should wait") };
/// assert_eq!(paused.pending()[0].method, "pay");
/// # Ok::<(), belljar::Error>(())
/// # }).unwrap();
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// The call has this result.
    Value(Value),
    /// The call has failed.
    Error(RpcError),
    /// The call has no answer yet; see [`Reply::pause`].
    Pause,
}

impl Reply {
    /// A reply with a value, as [`Value::of`] makes it. A value without a form in JavaScript becomes an error with the
    /// code `invalid_reply`.
    #[must_use]
    pub fn value(value: &(impl Serialize + ?Sized)) -> Reply {
        match Value::write(value) {
            Ok(value) => Reply::Value(value),
            Err(why) => {
                let why = excerpt::message(&why);
                Reply::Error(RpcError::new("invalid_reply", format!("the reply has no form in JavaScript: {why}")))
            }
        }
    }

    /// A reply that leaves the call pending. The code that started the script with
    /// [`Instance::step_eval_async`](crate::Instance::step_eval_async) answers the call later, in this process or
    /// another. A script that waits in `host.rpcSync` cannot be paused, so it gets an error with the code `paused`.
    /// When the call of the instance is not a step, it ends with [`Error::Paused`](crate::Error::Paused).
    #[must_use]
    pub fn pause() -> Reply {
        Reply::Pause
    }

    /// The answer when a pause is impossible.
    pub(crate) fn at_once(self) -> Answered {
        match self {
            Reply::Value(json) => Ok(json),
            Reply::Error(error) => Err(error),
            Reply::Pause => Err(RpcError::new("paused", "the call was paused where nothing can pause")),
        }
    }
}

/// The types that a handler can return: a [`Reply`], a value, or a [`Result`] whose error is an [`RpcError`].
///
/// A plain value can be a number, a string, a list and the like. Wrap your own types in `Ok`.
///
/// ```
/// use belljar::{Call, Router, RpcError};
///
/// #[derive(serde::Serialize)]
/// struct Order { id: u32 }
///
/// let router = Router::new()
///     .handle("add", |_: &Call, (a, b): (i64, i64)| a + b)
///     .handle("half", |_: &Call, n: i64| {
///         if n % 2 == 0 { Ok(n / 2) } else { Err(RpcError::new("odd", "only even numbers have a half")) }
///     })
///     .handle("order", |_: &Call, id: u32| Ok(Order { id }));
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot give a `{Self}`",
    note = "a type of your own that implements `Serialize` goes into `Ok`, and an error must be an `RpcError`"
)]
pub trait IntoReply {
    /// Converts it to a reply.
    fn into_reply(self) -> Reply;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Reply {
        self
    }
}

impl IntoReply for Value {
    fn into_reply(self) -> Reply {
        Reply::Value(self)
    }
}

impl IntoReply for RpcError {
    fn into_reply(self) -> Reply {
        Reply::Error(self)
    }
}

impl From<RpcError> for Reply {
    fn from(error: RpcError) -> Reply {
        Reply::Error(error)
    }
}

impl<T: Serialize> IntoReply for Result<T, RpcError> {
    fn into_reply(self) -> Reply {
        match self {
            Ok(value) => Reply::value(&value),
            Err(error) => Reply::Error(error),
        }
    }
}

impl IntoReply for Result<Reply, RpcError> {
    fn into_reply(self) -> Reply {
        self.unwrap_or_else(Reply::Error)
    }
}

macro_rules! values {
    ($($name:ty $(where $parameter:ident)?),+ $(,)?) => {
        $(impl$(<$parameter: Serialize>)? IntoReply for $name {
            fn into_reply(self) -> Reply {
                Reply::value(&self)
            }
        })+
    };
}

values!(
    (), bool, char, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64, &str, String, serde_json::Value,
    Option<T> where T, Vec<T> where T, Box<T> where T, js::BigInt, js::Bytes, js::Date, js::Set<T> where T,
);

impl<K: Serialize, V: Serialize> IntoReply for js::Map<K, V> {
    fn into_reply(self) -> Reply {
        Reply::value(&self)
    }
}

/// The error of a handler: a code and a message, which are all that a script sees of the failure. No error of the
/// host reaches a script unless a handler puts it here.
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
}

impl RpcError {
    /// An error with the `code` and `message` that the script will see.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> RpcError {
        RpcError { code: code.into(), message: message.into() }
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
        serde_json::to_string(&(&self.code, &self.message)).unwrap_or_default()
    }

    /// The length of code and message in the wire form, where escaping can make a character six bytes long.
    pub(crate) fn wire_bytes(&self) -> u64 {
        const AROUND_THEM: u64 = r#"["",""]"#.len() as u64;
        let mut length = Length(0);
        // Two strings always have a JSON form, and counting cannot fail.
        let _ = serde_json::to_writer(&mut length, &(&self.code, &self.message));
        length.0.saturating_sub(AROUND_THEM)
    }
}

/// Counts the bytes that are written to it.
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
