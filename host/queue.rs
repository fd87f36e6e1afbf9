//! A fair queue of permits, one for each instance: callers are served first come, first served, and no later caller
//! overtakes one that waits.
//!
//! It must never know what a permit stands for, nor who holds it; each holder returns it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use atomic_waker::AtomicWaker;

/// A number of permits, and the callers that wait for one. While a caller waits, no permit is free: a returned permit
/// goes directly to the first of them.
pub(crate) struct Queue {
    state: Mutex<State>,
}

struct State {
    free: usize,
    waiting: VecDeque<Arc<Ticket>>,
}

/// One waiting caller.
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

    /// Permits that are free, and callers that wait for one.
    pub(crate) fn figures(&self) -> (usize, usize) {
        let state = self.state();
        (state.free, state.waiting.len())
    }

    /// Takes a permit, if one is free.
    pub(crate) fn try_enter(&self) -> bool {
        self.state().take()
    }

    /// Takes a permit; waits until it is this caller's turn.
    pub(crate) async fn enter(&self) {
        let place = {
            let mut state = self.state();
            if state.take() {
                return;
            }
            let ticket = Arc::<Ticket>::default();
            state.waiting.push_back(ticket.clone());
            Place { queue: self, ticket: Some(ticket) }
        };
        place.wait().await;
    }

    /// Returns a permit; the first waiting caller gets it.
    pub(crate) fn leave(&self) {
        self.call_next(self.state());
    }

    fn call_next(&self, mut state: MutexGuard<'_, State>) {
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

impl State {
    fn take(&mut self) -> bool {
        let left = self.free.checked_sub(1);
        self.free = left.unwrap_or_default();
        left.is_some()
    }
}

/// The wait of one caller. Dropping it gives up the wait.
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
            Some(at) => {
                state.waiting.remove(at);
            }
            // The caller was given the permit and gives up, so the next one gets it.
            None => self.queue.call_next(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::atomic::AtomicU32;
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
        // The permit belongs to the second caller, although it has not been polled yet.
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

    #[test]
    fn nobody_is_refused_while_a_permit_is_free() {
        let queue = Queue::new(2);
        let outside = Mutex::new(2);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200_000 {
                        let mut free = outside.lock().unwrap_or_else(PoisonError::into_inner);
                        if *free == 0 {
                            continue;
                        }
                        *free -= 1;
                        drop(free);
                        assert!(queue.try_enter(), "no more than two are inside");
                        queue.leave();
                        *outside.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    }
                });
            }
        });
    }

    #[test]
    fn there_are_never_more_or_fewer_permits_than_at_first() {
        const PERMITS: u32 = 3;
        let queue = Queue::new(PERMITS);
        let inside = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                let (queue, inside) = (&queue, &inside);
                scope.spawn(move || {
                    for round in 0..2_000 {
                        if round % 3 == 0 {
                            let mut turn = pin!(queue.enter());
                            while poll(turn.as_mut()).is_pending() {
                                std::thread::yield_now();
                            }
                        } else if !queue.try_enter() {
                            continue;
                        }
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < PERMITS);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        queue.leave();
                    }
                });
            }
        });
        assert!((0..PERMITS).all(|_| queue.try_enter()), "all came back");
        assert!(!queue.try_enter());
    }
}
