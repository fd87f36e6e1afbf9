//! Ending a call from outside.

use std::fmt;
use std::sync::Arc;

use crate::vm::state::Desk;

/// Stops the call in progress of one instance, from any thread, also while a native built-in runs.
///
/// When no call is in progress it does nothing: the next call is not the one that was meant.
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
