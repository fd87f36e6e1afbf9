//! Runs the embedder's handler code for a call: only while the call may continue, with its time measured, and with
//! panics contained.
//!
//! It must never know what the code does or how a reply is used.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::handler::Working;
use crate::panics::contain;
use crate::reply::{Reply, RpcError};
use crate::vm::state::Desk;

/// Runs a handler and measures its time. None when the call must stop; then the handler does not run.
pub(super) fn work<R>(desk: &Desk, work: impl FnOnce() -> R) -> Option<R> {
    if desk.driver().is_stopping(desk.is_cancelled()) {
        return None;
    }
    let result = work();
    let now = desk.now();
    desk.driver().handler_worked(now);
    Some(result)
}

/// A running async handler. A handler that blocks its thread can use up the call's time, so it is polled only while
/// there is time left. Its destructor is the embedder's code too, so a panic there is contained and the other
/// handlers are still dropped.
pub(super) struct Contained<'a> {
    desk: &'a Desk,
    id: u32,
    working: Option<Working>,
}

impl<'a> Contained<'a> {
    pub(super) fn new(desk: &'a Desk, id: u32, working: Working) -> Contained<'a> {
        Contained { desk, id, working: Some(working) }
    }
}

impl Future for Contained<'_> {
    type Output = (u32, Reply);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (desk, id) = (self.desk, self.id);
        let Some(working) = &mut self.working else { return Poll::Pending };
        // The caller sees that the call is over, so no wake-up is needed.
        let poll =
            || contain(|| working.as_mut().poll(context)).unwrap_or_else(|| Poll::Ready(RpcError::panicked().into()));
        work(desk, poll).unwrap_or(Poll::Pending).map(|reply| (id, reply))
    }
}

impl Drop for Contained<'_> {
    fn drop(&mut self) {
        let working = self.working.take();
        contain(|| drop(working));
    }
}
