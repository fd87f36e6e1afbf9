//! A handler: the embedder's closure that answers a method, and the layers around it.
//!
//! It owns the conversion of parameters and replies, and the containment of panics. It must never know which method
//! it answers, nor who polls it.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::FutureExt;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::conversions;
use crate::excerpt;
use crate::panics::{contain, discard};
use crate::reply::{IntoReply, Reply, RpcError};
use crate::value::Value;

/// The future of an async handler.
pub(crate) type Working = Pin<Box<dyn Future<Output = Reply> + Send>>;

type Body = dyn Fn(Call, &Value) -> Replying + Send + Sync;

/// A handler that answers a method. A clone costs one reference count.
///
/// A router makes a handler of each closure that it is given. Make one yourself to register it under several names
/// with [`Router::route`](crate::Router::route), or to wrap it as [`Router::layer`](crate::Router::layer) does.
///
/// ```
/// use belljar::{Call, Handler, Limits, Router, Runtime};
///
/// let double = Handler::new(|_: &Call, n: i64| 2 * n);
/// let router = Router::new().route("double", double.clone()).route("twice", double);
/// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
/// assert_eq!(jar.eval("host.rpcSync('double', 4) + host.rpcSync('twice', 1)")?.get::<i64>()?, 10);
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone)]
pub struct Handler {
    body: Arc<Body>,
    is_async: bool,
}

impl Handler {
    /// A synchronous handler, as [`Router::handle`](crate::Router::handle) registers.
    pub fn new<P, R, F>(handler: F) -> Handler
    where
        P: DeserializeOwned,
        R: IntoReply,
        F: Fn(&Call, P) -> R + Send + Sync + 'static,
    {
        Handler::contained(false, move |call, params| {
            Replying::ready(match read_params(&call, params) {
                // Serializing the reply runs the embedder's code too, so a panic there is contained as well.
                Ok(params) => handler(&call, params).into_reply(),
                Err(error) => Reply::Error(error),
            })
        })
    }

    /// An async handler, as [`Router::handle_async`](crate::Router::handle_async) registers.
    pub fn new_async<P, R, F, Fut>(handler: F) -> Handler
    where
        P: DeserializeOwned,
        R: IntoReply,
        F: Fn(Call, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
    {
        Handler::contained(true, move |call, params| match read_params(&call, params) {
            Ok(params) => Replying::later(handler(call, params)),
            Err(error) => Replying::ready(error),
        })
    }

    /// A handler that decides for each call whether it answers at once or with a future.
    pub(crate) fn replying<P, F>(handler: F) -> Handler
    where
        P: DeserializeOwned,
        F: Fn(Call, P) -> Replying + Send + Sync + 'static,
    {
        Handler::contained(false, move |call, params| match read_params(&call, params) {
            Ok(params) => handler(call, params),
            Err(error) => Replying::ready(error),
        })
    }

    /// Wraps this handler in a closure. The closure gets the handler, the call and its parameters. It can refuse the
    /// call, change the parameters, look at the reply or change it, or answer the call itself. The new handler is
    /// async if the old one is.
    ///
    /// ```
    /// use belljar::{Call, Limits, Replying, Router, RpcError, Runtime};
    ///
    /// struct Grants(Vec<&'static str>);
    ///
    /// let router = Router::new()
    ///     .handle("read", |_: &Call, key: String| key.len())
    ///     .handle("delete", |_: &Call, _key: String| ())
    ///     .layer(|handler| {
    ///         handler.around(|handler, call, params| match call.data::<Grants>() {
    ///             Some(Grants(granted)) if granted.contains(&call.method()) => handler.answer(call, params),
    ///             _ => Replying::ready(RpcError::new("denied", format!("grant `{}` to this tenant", call.method()))),
    ///         })
    ///     });
    /// let runtime = Runtime::new()?;
    /// let mut jar = runtime.build_instance().data(Grants(vec!["read"])).start(&router, &Limits::default())?;
    /// assert_eq!(jar.eval("host.rpcSync('read', 'key')")?.get::<u32>()?, 3);
    /// let code = jar.eval("try { host.rpcSync('delete', 'key') } catch (e) { e.code }")?;
    /// assert_eq!(code.as_str(), r#""denied""#);
    /// # Ok::<(), belljar::Error>(())
    /// ```
    #[must_use]
    pub fn around<F>(self, around: F) -> Handler
    where
        F: Fn(&Handler, Call, &Value) -> Replying + Send + Sync + 'static,
    {
        Handler::contained(self.is_async, move |call, params| around(&self, call, params))
    }

    /// Calls the handler, and returns its reply or the future of it.
    pub fn answer(&self, call: Call, params: &Value) -> Replying {
        (self.body)(call, params)
    }

    /// Whether the handler answers with a future. Synchronous calls of an instance do not reach such a handler.
    #[must_use]
    pub fn is_async(&self) -> bool {
        self.is_async
    }

    fn contained(is_async: bool, body: impl Fn(Call, &Value) -> Replying + Send + Sync + 'static) -> Handler {
        let body = move |call, params: &Value| {
            contain(|| body(call, params)).unwrap_or_else(|| Replying::ready(RpcError::panicked()))
        };
        Handler { body: Arc::new(body), is_async }
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("is_async", &self.is_async).finish_non_exhaustive()
    }
}

/// The reply of a handler: either ready, or a future.
///
/// ```
/// # use belljar::{Call, Handler, Replying, Reply, Router, RpcError};
/// # use std::time::Duration;
/// let router = Router::new()
///     .handle_async("slow", |_: Call, (): ()| async { std::future::pending::<Result<(), RpcError>>().await })
///     .layer(|handler| {
///         handler.around(|handler, call, params| {
///             let replying = handler.answer(call, params);
///             if replying.is_ready() {
///                 return replying;
///             }
///             Replying::later(async {
///                 let late = |_| RpcError::new("timeout", "the handler took over a second").into();
///                 tokio::time::timeout(Duration::from_secs(1), replying).await.unwrap_or_else(late)
///             })
///         })
///     });
/// ```
#[must_use]
pub struct Replying(Progress);

enum Progress {
    /// None once the reply has been taken.
    Ready(Option<Reply>),
    Later(Working),
}

impl Replying {
    /// A reply that is ready.
    pub fn ready(reply: impl IntoReply) -> Replying {
        Replying(Progress::Ready(Some(reply.into_reply())))
    }

    /// A future of a reply.
    pub fn later<R: IntoReply>(reply: impl Future<Output = R> + Send + 'static) -> Replying {
        // Combinators store the future once. An async block would store it twice and move it over the stack.
        Replying(Progress::Later(Box::pin(AssertUnwindSafe(reply).catch_unwind().map(|reply| {
            let reply = reply.map_err(discard).ok();
            // Serializing the reply runs the embedder's code too, so a panic there is contained as well.
            reply.and_then(|reply| contain(|| reply.into_reply())).unwrap_or_else(|| RpcError::panicked().into())
        }))))
    }

    /// Applies a function to the reply once it is ready.
    ///
    /// ```
    /// # use belljar::{Call, Reply, Router};
    /// let router = Router::new().handle("add", |_: &Call, (a, b): (i64, i64)| a + b).layer(|handler| {
    ///     handler.around(|handler, call, params| {
    ///         let method = call.method().to_owned();
    ///         handler.answer(call, params).map(move |reply| {
    ///             println!("{method}: {reply:?}");
    ///             reply
    ///         })
    ///     })
    /// });
    /// ```
    pub fn map(self, change: impl FnOnce(Reply) -> Reply + Send + 'static) -> Replying {
        match self.0 {
            Progress::Ready(reply) => Replying(Progress::Ready(reply.map(change))),
            Progress::Later(working) => Replying::later(working.map(change)),
        }
    }

    /// Whether the reply is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.0, Progress::Ready(_))
    }

    /// The reply if it is ready, otherwise the future.
    pub(crate) fn into_parts(self) -> Result<Reply, Working> {
        match self.0 {
            Progress::Ready(reply) => Ok(reply.unwrap_or_else(|| RpcError::panicked().into())),
            Progress::Later(working) => Err(working),
        }
    }
}

impl Future for Replying {
    type Output = Reply;

    /// # Panics
    ///
    /// When it is polled after it has returned the reply.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        match &mut self.0 {
            Progress::Ready(reply) => match reply.take() {
                Some(reply) => Poll::Ready(reply),
                None => panic!("the reply was taken already"),
            },
            Progress::Later(working) => working.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Replying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replying").field("is_ready", &self.is_ready()).finish_non_exhaustive()
    }
}

fn read_params<P: DeserializeOwned>(call: &Call, params: &Value) -> Result<P, RpcError> {
    conversions::read(params)
        .map_err(|why| RpcError::new("invalid_params", format!("{}: {why}", excerpt::plain(call.method()))))
}
