//! What a handler can learn about the call that it answers, and what it can say about the call besides the reply.
//!
//! It must never know how the handler was found or who polls it.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::data::Data;
use crate::pending::{CallId, Ids};

///
///
/// ```
/// use belljar::{Call, Router, RpcError};
///
/// struct Tenant(String);
///
/// let router = Router::new().handle("who", |call: &Call, (): ()| match call.data::<Tenant>() {
///     Some(tenant) => Ok(tenant.0.clone()),
///     None => Err(RpcError::new("no_tenant", "this instance belongs to nobody")),
/// });
/// let runtime = belljar::Runtime::new()?;
/// let mut jar = runtime.build_instance().data(Tenant("ada".into())).start(&router, &belljar::Limits::default())?;
/// assert_eq!(jar.eval("host.rpcSync('who')")?.get::<String>()?, "ada");
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone)]
pub struct Call {
    pub(crate) method: Arc<str>,
    /// The number of this call among the calls of the instance.
    pub(crate) number: u64,
    /// The id that the call had before a pause. None for a call that was not paused: its id is derived from the
    /// number.
    pub(crate) id: Option<CallId>,
    pub(crate) token: Arc<Token>,
    pub(crate) data: Data,
}

/// The cancellation of the call in progress. An instance has one for all its calls, so that any thread can set it.
#[derive(Default)]
pub(crate) struct Signal {
    is_set: AtomicBool,
    event: event_listener::Event,
}

impl Signal {
    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.event.notify(usize::MAX);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    pub(crate) fn clear(&self) {
        self.is_set.store(false, Ordering::Release);
    }
}

/// Fires when the reply to a call is no longer wanted.
pub(crate) struct Token {
    fired: AtomicBool,
    /// While a synchronous handler runs, the code that fires the token cannot run, so the handler sees a cancellation
    /// here.
    signal: Arc<Signal>,
    deadline: Option<Instant>,
    ids: Arc<Ids>,
    /// The numbers of calls whose handlers may be dropped when the script is paused.
    droppable: Mutex<Vec<u64>>,
}

impl Token {
    pub(crate) fn new(signal: Arc<Signal>, deadline: Option<Instant>, ids: Arc<Ids>) -> Token {
        Token { fired: AtomicBool::new(false), signal, deadline, ids, droppable: Mutex::default() }
    }

    /// Whether the handler of a call has allowed that it is dropped.
    pub(crate) fn may_drop(&self, number: u64) -> bool {
        self.droppable.lock().unwrap_or_else(PoisonError::into_inner).contains(&number)
    }

    /// Forgets a call, which has its answer.
    pub(crate) fn forget(&self, number: u64) {
        self.droppable.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| *other != number);
    }

    pub(crate) fn fire(&self) {
        self.fired.store(true, Ordering::Release);
        self.signal.event.notify(usize::MAX);
    }

    fn is_over(&self) -> bool {
        // After the token has fired, the signal may belong to a later call; before that it belongs to this one.
        self.fired.load(Ordering::Acquire)
            || self.signal.is_set()
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Call {
    /// The method that the script called.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The id of this call. A call that is made again after a pause has the same id, so a handler can look up whether
    /// the call was approved under it.
    ///
    /// ```
    /// # use belljar::{Answer, Call, CallId, Limits, Reply, Router, Runtime, Turn};
    /// # use std::collections::HashSet;
    /// # use std::sync::{Arc, Mutex};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let approved: Arc<Mutex<HashSet<CallId>>> = Arc::default();
    /// let seen = approved.clone();
    /// let router = Router::new().handle("pay", move |call: &Call, amount: u32| {
    ///     let is_approved = seen.lock().unwrap().contains(&call.id());
    ///     if is_approved { Reply::value(&format!("paid {amount}")) } else { Reply::pause() }
    /// });
    /// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
    /// let turn = jar.step_eval_async("await host.rpc('pay', 100)").await?;
    /// let Turn::Paused(paused) = turn else { panic!("nobody has approved it yet") };
    /// let id = paused.pending()[0].id;
    /// approved.lock().unwrap().insert(id);
    /// let Turn::Done(value) = jar.resume_async([(id, Answer::CallAgain)]).await? else { panic!("it is approved") };
    /// assert_eq!(value.get::<String>()?, "paid 100");
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// When the system provides no randomness. In a handler this becomes an error with the code `handler_panicked`.
    #[must_use]
    pub fn id(&self) -> CallId {
        match self.id {
            Some(id) => id,
            None => self.token.ids.id(self.number).unwrap_or_else(|error| panic!("{error}")),
        }
    }

    /// Whether the reply is no longer wanted, because the call of the instance was dropped or cancelled, has run out
    /// of time, or has ended.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_over()
    }

    /// Waits until the reply is no longer wanted. An async handler is dropped at that moment anyway; use this for
    /// work that the handler has passed to other tasks.
    pub async fn cancelled(&self) {
        while !self.is_cancelled() {
            let listener = self.token.signal.event.listen();
            if self.is_cancelled() {
                return;
            }
            listener.await;
        }
    }

    /// Allows belljar to drop this handler so that the script can be paused. When another handler has paused a call
    /// and all remaining handlers have allowed it, they are dropped and their calls are reported as pending, like the
    /// paused one. The code that resumes the script answers them, most simply with
    /// [`Answer::CallAgain`](crate::Answer::CallAgain). Use it for work that can safely be done twice.
    ///
    /// Without it, a pause waits until all running handlers have answered. In a synchronous handler, and for
    /// `host.rpcSync`, it has no effect.
    ///
    /// ```
    /// # use belljar::{Call, Limits, Reply, Router, RpcError, Runtime, Turn};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let router = Router::new()
    ///     .handle("approve", |_: &Call, (): ()| Reply::pause())
    ///     .handle_async("news", |call: Call, (): ()| async move {
    ///         call.allow_drop();
    ///         std::future::pending::<Result<(), RpcError>>().await
    ///     });
    /// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
    /// let turn = jar.step_eval_async("await Promise.race([host.rpc('news'), host.rpc('approve')])").await?;
    /// let Turn::Paused(paused) = turn else { panic!("nobody has answered yet") };
    /// let methods: Vec<&str> = paused.pending().iter().map(|call| call.method.as_str()).collect();
    /// assert_eq!(methods, ["news", "approve"]);
    /// # Ok::<(), belljar::Error>(())
    /// # }).unwrap();
    /// # Ok::<(), belljar::Error>(())
    /// ```
    pub fn allow_drop(&self) {
        let mut droppable = self.token.droppable.lock().unwrap_or_else(PoisonError::into_inner);
        if !droppable.contains(&self.number) {
            droppable.push(self.number);
        }
    }

    /// The time until the wall-clock limit is reached.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        match self.token.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    /// The value of this type that [`InstanceBuilder::data`](crate::InstanceBuilder::data) gave the instance.
    #[must_use]
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.data.get()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method).finish_non_exhaustive()
    }
}
