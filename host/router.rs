//! What a script may call: names and handlers.
//!
//! It owns closures and their conversion to and from JSON. It must never know wasm, limits or who drives the call.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use belljar_abi::Level;
use futures_util::future::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::error::JsError;
use crate::excerpt;
use crate::panics::{contain, discard};
use crate::recording::{Recording, Replay, Tape};
use crate::reply::{Reply, RpcError};
use crate::value;

/// An async handler at work.
pub(crate) type Working = Pin<Box<dyn Future<Output = Reply> + Send>>;

type SyncHandler = Arc<dyn Fn(&Call, Option<&str>) -> Reply + Send + Sync>;
type AsyncHandler = Arc<dyn Fn(Call, Option<&str>) -> Working + Send + Sync>;
type Console = Arc<dyn Fn(ConsoleLevel, &str) + Send + Sync>;
type Rejections = Arc<dyn Fn(&JsError) -> Verdict + Send + Sync>;

/// How one method is answered.
#[derive(Clone)]
pub(crate) enum Handler {
    Sync(SyncHandler),
    Async(AsyncHandler),
}

/// The handlers that scripts can call, by name. Nothing else of the host is in their reach.
///
/// A handler takes its [`Call`] and one parameter of any type that serde can read; a script passes that parameter
/// as `host.rpc(method, params)`. It returns a value that serde can write, or an [`RpcError`].
///
/// A handler may run scripts in other instances. Up to 24 calls can be nested on one thread this way; the next one ends with
/// [`Error::Host`](crate::Error::Host), because each uses some of the thread's own stack. Give those instances a router without the handler, unless
/// their scripts should be able to call it again.
///
/// ```
/// use belljar::{Call, Router, RpcError};
///
/// let router = Router::new()
///     .handle("add", |_: &Call, (a, b): (i64, i64)| Ok(a + b))
///     .handle("half", |_: &Call, n: i64| {
///         if n % 2 == 0 { Ok(n / 2) } else { Err(RpcError::new("odd", "only even numbers have a half")) }
///     })
///     .handle_async("greet", |_: Call, name: String| async move { Ok(format!("hello, {name}")) });
/// # let mut jar = belljar::Runtime::new()?.instance(&router, &belljar::Limits::default())?;
/// # assert_eq!(jar.eval("host.rpcSync('add', [1, 2])")?.get::<i64>()?, 3);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Router {
    routes: Arc<Routes>,
}

/// What an instance has of a router.
#[derive(Clone, Default)]
pub(crate) struct Routes {
    handlers: HashMap<Arc<str>, Handler>,
    fallback: Option<Handler>,
    console: Option<Console>,
    rejections: Option<Rejections>,
    tape: Option<Tape>,
}

impl Router {
    /// A router without handlers.
    #[must_use]
    pub fn new() -> Router {
        Router::default()
    }

    /// Answers a method on the spot. `host.rpcSync` and `host.rpc` both reach it, in every kind of call.
    ///
    /// # Panics
    ///
    /// When the method already has a handler.
    #[must_use]
    pub fn handle<P, R, F>(self, method: impl Into<String>, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: Serialize,
        F: Fn(&Call, P) -> Result<R, RpcError> + Send + Sync + 'static,
    {
        self.insert(method.into(), sync_handler(handler))
    }

    /// Answers a method with a future. It is polled inside the call that the script runs in, so dropping that call drops
    /// it; `host.rpc` reaches it, and in async calls `host.rpcSync` too.
    ///
    /// # Panics
    ///
    /// When the method already has a handler.
    #[must_use]
    pub fn handle_async<P, R, F, Fut>(self, method: impl Into<String>, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: Serialize,
        F: Fn(Call, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, RpcError>> + Send + 'static,
    {
        self.insert(method.into(), async_handler(handler))
    }

    /// Answers every method that has no handler of its own; [`Call::method`] says which.
    ///
    /// # Panics
    ///
    /// When there is a fallback already.
    #[must_use]
    pub fn fallback<P, R, F>(self, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: Serialize,
        F: Fn(&Call, P) -> Result<R, RpcError> + Send + Sync + 'static,
    {
        self.set_fallback(sync_handler(handler))
    }

    /// As [`Router::fallback`], with a future.
    ///
    /// # Panics
    ///
    /// When there is a fallback already.
    #[must_use]
    pub fn fallback_async<P, R, F, Fut>(self, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: Serialize,
        F: Fn(Call, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, RpcError>> + Send + 'static,
    {
        self.set_fallback(async_handler(handler))
    }

    /// Takes the lines that scripts print. Without it nothing is formatted and nothing crosses.
    ///
    /// # Panics
    ///
    /// When there is such a closure already.
    #[must_use]
    pub fn on_console(mut self, console: impl Fn(ConsoleLevel, &str) + Send + Sync + 'static) -> Router {
        let before = Arc::make_mut(&mut self.routes).console.replace(Arc::new(console));
        assert!(before.is_none(), "the console already has a closure");
        self
    }

    /// Hears of every promise that was rejected while nobody listened, and decides whether the call goes on.
    /// Without it the call goes on.
    ///
    /// # Panics
    ///
    /// When there is such a closure already.
    #[must_use]
    pub fn on_unhandled_rejection(
        mut self,
        rejections: impl Fn(&JsError) -> Verdict + Send + Sync + 'static,
    ) -> Router {
        let before = Arc::make_mut(&mut self.routes).rejections.replace(Arc::new(rejections));
        assert!(before.is_none(), "unhandled rejections already have a closure");
        self
    }

    pub(crate) fn with_tape(mut self, tape: Tape) -> Router {
        Arc::make_mut(&mut self.routes).tape = Some(tape);
        self
    }

    /// The methods that have a handler, sorted.
    #[must_use]
    pub fn methods(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = self.routes.handlers.keys().map(AsRef::as_ref).collect();
        methods.sort_unstable();
        methods
    }

    /// Adds the handlers of another router, each under the prefix and its own name. What is not bound to a name comes along too: the fallback,
    /// the console's closure and that of rejections.
    ///
    /// ```
    /// use belljar::{Call, Router};
    ///
    /// let mail = Router::new().handle("send", |_: &Call, to: String| Ok(to.len()));
    /// let router = Router::new().handle("send", |_: &Call, n: i64| Ok(n)).merge("mail.", mail);
    /// assert_eq!(router.methods(), ["mail.send", "send"]);
    /// ```
    ///
    /// # Panics
    ///
    /// When both have a handler for one name, or both have a fallback, a closure for the console or one for rejections.
    #[must_use]
    pub fn merge(mut self, prefix: &str, other: Router) -> Router {
        let Routes { handlers, fallback, console, rejections, tape } = Arc::unwrap_or_clone(other.routes);
        for (method, handler) in handlers {
            self = self.insert(format!("{prefix}{method}"), handler);
        }
        if let Some(fallback) = fallback {
            self = self.set_fallback(fallback);
        }
        let routes = Arc::make_mut(&mut self.routes);
        let twice = |what| panic!("both routers have {what}");
        match (&routes.console, console) {
            (Some(_), Some(_)) => twice("a closure for the console"),
            (None, Some(console)) => routes.console = Some(console),
            _ => {}
        }
        match (&routes.rejections, rejections) {
            (Some(_), Some(_)) => twice("a closure for unhandled rejections"),
            (None, Some(rejections)) => routes.rejections = Some(rejections),
            _ => {}
        }
        match (&routes.tape, tape) {
            (Some(_), Some(_)) => twice("a recording"),
            (None, Some(tape)) => routes.tape = Some(tape),
            _ => {}
        }
        self
    }

    fn set_fallback(mut self, handler: Handler) -> Router {
        let before = Arc::make_mut(&mut self.routes).fallback.replace(handler);
        assert!(before.is_none(), "the router already has a fallback");
        self
    }

    fn insert(mut self, method: String, handler: Handler) -> Router {
        let before = Arc::make_mut(&mut self.routes).handlers.insert(Arc::from(method.as_str()), handler);
        assert!(before.is_none(), "the method {method:?} already has a handler");
        self
    }

    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.routes.clone()
    }
}

impl Routes {
    pub(crate) fn tape(&self) -> Option<&Tape> {
        self.tape.as_ref()
    }

    /// The handler of a method, and the name under which it is known.
    pub(crate) fn find(&self, method: &str) -> Option<(Arc<str>, Handler)> {
        match self.handlers.get_key_value(method) {
            Some((name, handler)) => Some((name.clone(), handler.clone())),
            None => self.fallback.as_ref().map(|handler| (Arc::from(method), handler.clone())),
        }
    }

    pub(crate) fn has_console(&self) -> bool {
        self.console.is_some()
    }

    /// Prints a line. A panic in the embedder's closure ends here.
    pub(crate) fn print(&self, level: Level, line: &str) {
        if let Some(console) = &self.console {
            contain(|| console(level.into(), line));
        }
    }

    /// What the embedder thinks of a rejection. A panic in its closure counts as stop.
    pub(crate) fn judge(&self, rejection: &JsError) -> Verdict {
        match &self.rejections {
            Some(judge) => contain(|| judge(rejection)).unwrap_or(Verdict::Stop),
            None => Verdict::Continue,
        }
    }
}

impl Recording {
    /// The same router, with everything that goes through it written down here, in memory. What is written down in one call of the instance
    /// counts against [`Limits::memory_bytes`](crate::Limits::memory_bytes), and a call that asks and is told more ends. A recording of many
    /// calls grows with each of them.
    #[must_use]
    pub fn record(&self, router: &Router) -> Router {
        router.clone().with_tape(Tape::Recording(self.clone()))
    }
}

impl Replay {
    /// A router that answers from the recording. A console can be added to it; handlers of it are never called.
    #[must_use]
    pub fn router(&self) -> Router {
        Router::new().with_tape(Tape::Replay(self.clone()))
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("methods", &self.methods()).finish_non_exhaustive()
    }
}

fn sync_handler<P, R, F>(handler: F) -> Handler
where
    P: DeserializeOwned,
    R: Serialize,
    F: Fn(&Call, P) -> Result<R, RpcError> + Send + Sync + 'static,
{
    // Reading the params and writing the reply run the embedder's code too.
    Handler::Sync(Arc::new(move |call, params| {
        let answer = || write_reply(call.method(), handler(call, read_params(call, params)?)?);
        contain(answer).unwrap_or_else(|| Err(RpcError::panicked()))
    }))
}

fn async_handler<P, R, F, Fut>(handler: F) -> Handler
where
    P: DeserializeOwned,
    R: Serialize,
    F: Fn(Call, P) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, RpcError>> + Send + 'static,
{
    Handler::Async(Arc::new(move |call, params| {
        let method = call.method.clone();
        let begin = || read_params(&call, params).map(|params| handler(call, params));
        match contain(begin).unwrap_or_else(|| Err(RpcError::panicked())) {
            // Combinators keep the handler's future once, where an async block would keep it twice and move it through the stack.
            Ok(working) => Box::pin(AssertUnwindSafe(working).catch_unwind().map(move |reply| {
                let panicked = |payload| {
                    discard(payload);
                    Err(RpcError::panicked())
                };
                let write = || write_reply(&method, reply.unwrap_or_else(panicked)?);
                contain(write).unwrap_or_else(|| Err(RpcError::panicked()))
            })),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }))
}

fn read_params<P: DeserializeOwned>(call: &Call, params: Option<&str>) -> Result<P, RpcError> {
    value::read(params.unwrap_or("null"))
        .map_err(|why| RpcError::new("invalid_params", format!("{}: {why}", excerpt::plain(call.method()))))
}

fn write_reply<R: Serialize>(method: &str, reply: R) -> Reply {
    serde_json::to_string(&reply).map(Some).map_err(|why| {
        let (method, why) = (excerpt::plain(method), excerpt::message(&why));
        RpcError::new("invalid_reply", format!("{method}: the reply has no JSON form: {why}"))
    })
}

/// How loud a console line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConsoleLevel {
    /// `console.debug`.
    Debug,
    /// `console.trace`.
    Trace,
    /// `console.log` and what prints like it.
    Log,
    /// `console.info`.
    Info,
    /// `console.warn`.
    Warn,
    /// `console.error` and a failed `console.assert`.
    Error,
}

impl From<Level> for ConsoleLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => ConsoleLevel::Debug,
            Level::Log => ConsoleLevel::Log,
            Level::Info => ConsoleLevel::Info,
            Level::Warn => ConsoleLevel::Warn,
            Level::Error => ConsoleLevel::Error,
            Level::Trace => ConsoleLevel::Trace,
        }
    }
}

/// What becomes of a call after a rejection that nobody handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It goes on.
    Continue,
    /// It ends, with the rejection as its error.
    Stop,
}
