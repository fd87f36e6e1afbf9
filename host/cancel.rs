//! Cancellation of a call from another thread.

use std::fmt;
use std::sync::Arc;

use crate::vm::state::Desk;

/// Stops the call in progress of one instance, from any thread, even while a native built-in runs.
///
/// A call is in progress from the moment its method is called until it ends. For an async call this is the moment its
/// future is made: a future that was cancelled before its first poll runs nothing and ends with
/// [`Error::Cancelled`](crate::Error::Cancelled). A handle works for every call of its instance, whether it was taken
/// before that call or after.
///
/// When no call is in progress, [`CancelHandle::cancel`] does nothing and does not affect the next call. This also
/// holds after a cancelled future was dropped, and while a script is paused.
///
/// A cancelled call starts no further handler, prints nothing more and does not end with a value, even if the script
/// has already computed one.
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
