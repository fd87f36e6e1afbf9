//! The queue for the slots of a pool: whoever asks is served at once or waits, and those who wait are served in the order in which
//! they came. Nobody who comes later is served before them.
//!
//! It must never know what a slot is.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use atomic_waker::AtomicWaker;

/// So many permits, and those who wait for one.
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

/// The right to one slot; dropping it calls the next in the queue.
pub(crate) struct Permit {
    queue: Arc<Queue>,
}

impl Queue {
    pub(crate) fn new(permits: u32) -> Arc<Queue> {
        let free = usize::try_from(permits).unwrap_or(usize::MAX);
        Arc::new(Queue { state: Mutex::new(State { free, waiting: VecDeque::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit, if one is free. Then nobody waits: whatever is given back goes to those who do.
    pub(crate) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(Permit { queue: self.clone() })
    }

    /// A permit, as soon as it is this one's turn.
    pub(crate) async fn enter(self: &Arc<Self>) -> Permit {
        let place = {
            let mut state = self.state();
            if let Some(free) = state.free.checked_sub(1) {
                state.free = free;
                return Permit { queue: self.clone() };
            }
            let ticket = Arc::<Ticket>::default();
            state.waiting.push_back(ticket.clone());
            Place { queue: self, ticket: Some(ticket) }
        };
        place.wait().await
    }

    /// Hands a permit on.
    fn give_back(&self) {
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
    queue: &'a Arc<Queue>,
    /// None once the permit has been taken.
    ticket: Option<Arc<Ticket>>,
}

impl Place<'_> {
    async fn wait(mut self) -> Permit {
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
        Permit { queue: self.queue.clone() }
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
                self.queue.give_back();
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.queue.give_back();
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
        let first = queue.try_enter();
        let (mut second, mut third) = (pin!(queue.enter()), pin!(queue.enter()));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        drop(first);
        // The permit is the second one's, although it has not come for it yet.
        assert!(queue.try_enter().is_none());
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(second) = poll(second.as_mut()) else { panic!("it was called") };
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
    }

    #[test]
    fn one_who_was_called_and_gives_up_lets_the_next_one_in() {
        let queue = Queue::new(1);
        let first = queue.try_enter();
        let mut second = Box::pin(queue.enter());
        let mut third = pin!(queue.enter());
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        drop(first);
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
        assert!(queue.try_enter().is_some(), "the permit came back");
    }

    #[test]
    fn one_who_gives_up_waiting_is_not_called() {
        let queue = Queue::new(1);
        let first = queue.try_enter();
        let mut second = Box::pin(queue.enter());
        assert!(poll(second.as_mut()).is_pending());
        drop(second);
        drop(first);
        assert!(queue.try_enter().is_some());
    }
}
