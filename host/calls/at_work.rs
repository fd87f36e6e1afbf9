//! The embedder's code at work for a call: run only while the call may go on, timed, and dropped without harm.
//!
//! It must never know what the code is for or what becomes of a reply.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::handler::Working;
use crate::panics::contain;
use crate::reply::Reply;
use crate::vm::state::Desk;

/// Runs a handler and takes down how long that took. None when there is a reason to stop, and then it does not run.
pub(super) fn work<R>(desk: &Desk, work: impl FnOnce() -> R) -> Option<R> {
    if desk.driver().is_stopping(desk.is_cancelled()) {
        return None;
    }
    let result = work();
    let now = desk.now();
    desk.driver().handler_worked(now);
    Some(result)
}

/// An async handler at work. One that blocks its thread can use up the call's time, so it is polled only while there
/// is some left. Its destructor is the embedder's code too, so a panic there ends here; the other handlers are
/// dropped all the same.
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
        // Who polls sees that the call is over, and nobody waits to be woken.
        work(desk, || working.as_mut().poll(context)).unwrap_or(Poll::Pending).map(|reply| (id, reply))
    }
}

impl Drop for Contained<'_> {
    fn drop(&mut self) {
        let working = self.working.take();
        contain(|| drop(working));
    }
}
