//! Ending a call from outside.

use std::fmt;
use std::sync::Arc;

use crate::vm::state::Desk;

/// Stops the call in progress of one instance, from any thread, also while a native built-in runs.
///
/// A call is in progress from the moment at which its method is called until it ends. For an async call that is the
/// moment at which its future is made: a future that was cancelled before it is first polled ends with
/// [`Error::Cancelled`](crate::Error::Cancelled) when it is, and runs nothing. A handle serves every call of its
/// instance, whether it was taken before that call or after.
///
/// When no call is in progress, [`CancelHandle::cancel`] does nothing: the next call is not the one that was meant.
/// So it never ends a call that is made after it; also not where the future of an earlier call was cancelled and then
/// dropped, or a script is paused.
///
/// A call that is cancelled starts no handler any more, prints nothing and does not end with a value, whatever it has
/// come to by then.
///
/// ```
/// use belljar::{Call, CancelHandle, Error, Limits, Router, Runtime};
/// use std::sync::{Arc, OnceLock};
///
/// let handle = Arc::new(OnceLock::<CancelHandle>::new());
/// let known = handle.clone();
/// let router = Router::new().handle("give_up", move |_: &Call, (): ()| {
///     known.get().map(CancelHandle::cancel);
///     Ok(())
/// });
/// let mut jar = Runtime::new()?.instance(&router, &Limits::default())?;
/// handle.set(jar.cancel_handle()).ok();
/// assert_eq!(jar.eval("host.rpcSync('give_up'); for (;;) {}"), Err(Error::Cancelled));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct CancelHandle {
    pub(crate) desk: Arc<Desk>,
}

impl CancelHandle {
    /// Stops the call in progress: it ends with [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn cancel(&self) {
        self.desk.cancel();
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").finish_non_exhaustive()
    }
}
