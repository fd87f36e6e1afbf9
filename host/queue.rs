//! The queue for the slots of a pool: whoever asks is served at once or waits, and those who wait are served in the order in which
//! they came. Nobody who comes later is served before them.
//!
//! It must never know what a slot is, nor who holds a permit; whoever takes one gives it back.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use atomic_waker::AtomicWaker;

/// So many permits, and those who wait for one. It lies on lines of memory of its own, because every instance writes to it, and what lies beside
/// it in a runtime is only read.
#[repr(align(128))]
pub(crate) struct Queue {
    state: Mutex<State>,
}

struct State {
    free: usize,
    waiting: VecDeque<Arc<Ticket>>,
}

/// A place in the queue.
#[derive(Default)]
struct Ticket {
    is_called: AtomicBool,
    waker: AtomicWaker,
}

impl Queue {
    pub(crate) fn new(permits: u32) -> Queue {
        let free = usize::try_from(permits).unwrap_or(usize::MAX);
        Queue { state: Mutex::new(State { free, waiting: VecDeque::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit, if one is free. Then nobody waits: whatever is given back goes to those who do.
    pub(crate) fn try_enter(&self) -> bool {
        let mut state = self.state();
        let left = state.free.checked_sub(1);
        state.free = left.unwrap_or_default();
        left.is_some()
    }

    /// Takes a permit, as soon as it is this one's turn.
    pub(crate) async fn enter(&self) {
        let place = {
            let mut state = self.state();
            if let Some(free) = state.free.checked_sub(1) {
                state.free = free;
                return;
            }
            let ticket = Arc::<Ticket>::default();
            state.waiting.push_back(ticket.clone());
            Place { queue: self, ticket: Some(ticket) }
        };
        place.wait().await;
    }

    /// Gives a permit back: hands it to the next in the queue.
    pub(crate) fn leave(&self) {
        let mut state = self.state();
        match state.waiting.pop_front() {
            Some(next) => {
                drop(state);
                next.is_called.store(true, Ordering::Release);
                next.waker.wake();
            }
            None => state.free += 1,
        }
    }
}

/// Somebody who waits, and may give up.
struct Place<'a> {
    queue: &'a Queue,
    /// None once the permit has been taken.
    ticket: Option<Arc<Ticket>>,
}

impl Place<'_> {
    async fn wait(mut self) {
        poll_fn(|context| {
            let Some(ticket) = &self.ticket else { return Poll::Ready(()) };
            ticket.waker.register(context.waker());
            if !ticket.is_called.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            self.ticket = None;
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.queue.state();
        match state.waiting.iter().position(|other| Arc::ptr_eq(other, &ticket)) {
            Some(at) => drop(state.waiting.remove(at)),
            // It was called and does not come, so the next one is.
            None => {
                drop(state);
                self.queue.leave();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nobody_is_served_before_those_who_wait() {
        let queue = Queue::new(1);
        assert!(queue.try_enter());
        let (mut second, mut third) = (pin!(queue.enter()), pin!(queue.enter()));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        queue.leave();
        // The permit is the second one's, although it has not come for it yet.
        assert!(!queue.try_enter());
        assert!(poll(third.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_ready(), "it was called");
        queue.leave();
        assert!(poll(third.as_mut()).is_ready());
    }

    #[test]
    fn one_who_was_called_and_gives_up_lets_the_next_one_in() {
        let queue = Queue::new(1);
        assert!(queue.try_enter());
        let mut second = Box::pin(queue.enter());
        let mut third = pin!(queue.enter());
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        queue.leave();
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
        queue.leave();
        assert!(queue.try_enter(), "the permit came back");
    }

    #[test]
    fn one_who_gives_up_waiting_is_not_called() {
        let queue = Queue::new(1);
        assert!(queue.try_enter());
        let mut second = Box::pin(queue.enter());
        assert!(poll(second.as_mut()).is_pending());
        drop(second);
        queue.leave();
        assert!(queue.try_enter());
    }
}
