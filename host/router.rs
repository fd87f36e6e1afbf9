//! Which methods a script may call: names and handlers.
//!
//! It owns names. It must never know wasm, limits or who drives the call.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use belljar_abi::{Level, load};
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::data::Data;
use crate::error::JsError;
use crate::handler::Handler;
use crate::panics::contain;
use crate::recording::{Recording, Replay, Tape};
use crate::reply::IntoReply;

type Console = Arc<dyn Fn(&Data, ConsoleLevel, &str) + Send + Sync>;
type Rejections = Arc<dyn Fn(&Data, &JsError) -> Verdict + Send + Sync>;

/// The handlers that scripts can call, by name. Scripts can reach nothing else of the host.
///
/// A handler takes its [`Call`] and one parameter of any type that serde can deserialize; a script passes that
/// parameter as `host.rpc(method, params)`. The handler returns one of the types that [`IntoReply`] lists: a value,
/// or a `Result` with an [`RpcError`](crate::RpcError).
///
/// [`Router::layer`] wraps the handlers in a function that sees every call of them: its method, its parameters, the
/// data of the instance and the reply. Audits, permission checks and time-outs are layers.
///
/// A clone costs one reference count. The first change to a clone copies its table of handlers, but not the handlers,
/// which stay shared.
///
/// A handler may run scripts in other instances. Up to 24 calls can be nested on one thread this way, because each
/// uses some of the thread's stack; the next one ends with [`Error::Host`](crate::Error::Host). Give the inner
/// instances a router without that handler, unless their scripts should be able to call it again.
///
/// ```
/// use belljar::{Call, Router, RpcError};
///
/// let router = Router::new()
///     .handle("add", |_: &Call, (a, b): (i64, i64)| a + b)
///     .handle("half", |_: &Call, n: i64| {
///         if n % 2 == 0 { Ok(n / 2) } else { Err(RpcError::new("odd", "only even numbers have a half")) }
///     })
///     .handle_async("greet", |_: Call, name: String| async move { format!("hello, {name}") });
/// # let mut jar = belljar::Runtime::new()?.instance(&router, &belljar::Limits::default())?;
/// # assert_eq!(jar.eval("host.rpcSync('add', [1, 2])")?.get::<i64>()?, 3);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Router {
    routes: Arc<Routes>,
}

/// The contents of a router, which its instances share.
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

    /// Registers a synchronous handler for a method. `host.rpcSync` and `host.rpc` both reach it, in every kind of
    /// call.
    ///
    /// # Panics
    ///
    /// When the method already has a handler.
    #[must_use]
    pub fn handle<P, R, F>(self, method: impl Into<String>, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: IntoReply,
        F: Fn(&Call, P) -> R + Send + Sync + 'static,
    {
        self.route(method, Handler::new(handler))
    }

    /// Registers an async handler for a method. Its future is polled inside the call that the script runs in, so
    /// dropping that call drops the future. `host.rpc` reaches it, and in async calls `host.rpcSync` does too.
    ///
    /// # Panics
    ///
    /// When the method already has a handler.
    #[must_use]
    pub fn handle_async<P, R, F, Fut>(self, method: impl Into<String>, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: IntoReply,
        F: Fn(Call, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.route(method, Handler::new_async(handler))
    }

    /// Registers an existing [`Handler`] for a method.
    ///
    /// # Panics
    ///
    /// When the method already has a handler.
    #[must_use]
    pub fn route(mut self, method: impl Into<String>, handler: Handler) -> Router {
        let method = method.into();
        assert!(
            !method.starts_with(load::PREFIX),
            "the names of methods that begin with {:?} are belljar's own",
            load::PREFIX
        );
        let before = Arc::make_mut(&mut self.routes).handlers.insert(Arc::from(method.as_str()), handler);
        assert!(before.is_none(), "the method {method:?} already has a handler");
        self
    }

    /// Wraps every handler that the router has so far, the fallback included, for example in an audit, a permission
    /// check or a time-out. The layer then sees every call of these handlers and decides what happens with it;
    /// handlers that are added later are not wrapped. The layer that is added last is the outermost.
    /// [`Handler::around`] and [`Replying`](crate::Replying) have examples.
    #[must_use]
    pub fn layer(mut self, layer: impl Fn(Handler) -> Handler) -> Router {
        let routes = Arc::make_mut(&mut self.routes);
        for handler in routes.handlers.values_mut().chain(&mut routes.fallback) {
            *handler = layer(handler.clone());
        }
        self
    }

    /// Registers a synchronous handler for every method without one; [`Call::method`] says which was called.
    ///
    /// # Panics
    ///
    /// When the router already has a fallback.
    #[must_use]
    pub fn fallback<P, R, F>(self, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: IntoReply,
        F: Fn(&Call, P) -> R + Send + Sync + 'static,
    {
        self.set_fallback(Handler::new(handler))
    }

    /// As [`Router::fallback`], with an async handler.
    ///
    /// # Panics
    ///
    /// When the router already has a fallback.
    #[must_use]
    pub fn fallback_async<P, R, F, Fut>(self, handler: F) -> Router
    where
        P: DeserializeOwned,
        R: IntoReply,
        F: Fn(Call, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        self.set_fallback(Handler::new_async(handler))
    }

    /// Registers a closure for the lines that scripts print; it also gets the data of the instance. Without one, the
    /// guest does not format console output at all.
    ///
    /// ```
    /// # use belljar::{Limits, Router, Runtime};
    /// struct Tenant(&'static str);
    ///
    /// let router = Router::new().on_console(|data, level, line| {
    ///     let tenant = data.get::<Tenant>().map_or("nobody", |tenant| tenant.0);
    ///     println!("{tenant} {level:?} {line}");
    /// });
    /// let runtime = Runtime::new()?;
    /// let mut jar = runtime.build_instance().data(Tenant("ada")).start(&router, &Limits::default())?;
    /// jar.eval("console.warn('low')")?;
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When the router already has such a closure.
    #[must_use]
    pub fn on_console(mut self, console: impl Fn(&Data, ConsoleLevel, &str) + Send + Sync + 'static) -> Router {
        let before = Arc::make_mut(&mut self.routes).console.replace(Arc::new(console));
        assert!(before.is_none(), "the console already has a closure");
        self
    }

    /// Registers a closure for unhandled promise rejections; it also gets the data of the instance, and decides
    /// whether the call continues. Without one, the call continues.
    ///
    /// # Panics
    ///
    /// When the router already has such a closure.
    #[must_use]
    pub fn on_unhandled_rejection(
        mut self,
        rejections: impl Fn(&Data, &JsError) -> Verdict + Send + Sync + 'static,
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

    /// Adds the handlers of another router, each with the prefix before its name. The other router's fallback,
    /// console closure and rejection closure are added too.
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
    /// When both have a handler for the same name, or both have a fallback, a console closure or a rejection closure.
    #[must_use]
    pub fn merge(mut self, prefix: &str, other: Router) -> Router {
        let Routes { handlers, fallback, console, rejections, tape } = Arc::unwrap_or_clone(other.routes);
        for (method, handler) in handlers {
            self = self.route(format!("{prefix}{method}"), handler);
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

    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.routes.clone()
    }
}

impl Routes {
    pub(crate) fn tape(&self) -> Option<&Tape> {
        self.tape.as_ref()
    }

    /// The handler for a method, and the method's name.
    pub(crate) fn find(&self, method: &str) -> Option<(Arc<str>, Handler)> {
        match self.handlers.get_key_value(method) {
            Some((name, handler)) => Some((name.clone(), handler.clone())),
            None => self.fallback.as_ref().map(|handler| (Arc::from(method), handler.clone())),
        }
    }

    pub(crate) fn has_console(&self) -> bool {
        self.console.is_some()
    }

    /// Prints a line. A panic of the embedder's closure is caught here.
    pub(crate) fn print(&self, data: &Data, level: Level, line: &str) {
        if let Some(console) = &self.console {
            contain(|| console(data, level_of(level), line));
        }
    }

    /// The embedder's verdict on a rejection. A panic of its closure counts as [`Verdict::Stop`].
    pub(crate) fn judge(&self, data: &Data, rejection: &JsError) -> Verdict {
        match &self.rejections {
            Some(judge) => contain(|| judge(data, rejection)).unwrap_or(Verdict::Stop),
            None => Verdict::Continue,
        }
    }
}

impl Recording {
    /// The same router, which also records all of its calls and answers here, in memory. What one call of the
    /// instance records counts against [`Limits::memory_bytes`](crate::Limits::memory_bytes); a call that exceeds it
    /// ends. A recording of many calls grows with each of them.
    #[must_use]
    pub fn record(&self, router: &Router) -> Router {
        router.clone().with_tape(Tape::Recording(self.clone()))
    }
}

impl Replay {
    /// A router that answers from the recording. A console closure can be added to it; handlers that are added are
    /// never called.
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

/// The severity of a console line.
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

fn level_of(level: Level) -> ConsoleLevel {
    match level {
        Level::Debug => ConsoleLevel::Debug,
        Level::Log => ConsoleLevel::Log,
        Level::Info => ConsoleLevel::Info,
        Level::Warn => ConsoleLevel::Warn,
        Level::Error => ConsoleLevel::Error,
        Level::Trace => ConsoleLevel::Trace,
    }
}

/// The embedder's decision about a call after an unhandled rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The call continues.
    Continue,
    /// The call ends with the rejection as its error.
    Stop,
}
