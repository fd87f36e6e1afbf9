//! The queue for the slots of a pool: whoever asks is served at once or waits, and those who wait are served in the order in which
//! they came. Nobody who comes later is served before them.
//!
//! Whoever comes and goes does so by a door, and a door keeps one permit that was given back there for the next who comes. So threads that have
//! doors of their own, and make one instance after the other, have nothing to do with each other as long as nobody waits.
//!
//! It must never know what a slot is, nor who holds a permit; whoever takes one gives it back.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use atomic_waker::AtomicWaker;

/// So many permits, and those who wait for one. It lies on lines of memory of its own, because instances write to it, and what lies beside
/// it in a runtime is only read.
#[repr(align(128))]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Whether anybody waits. It is written under the lock.
    is_awaited: AtomicBool,
    spares: Box<[Spare]>,
}

/// Whether a permit lies at a door, on a line of memory of its own.
#[derive(Default)]
#[repr(align(128))]
struct Spare(AtomicBool);

impl Spare {
    /// Takes the permit that lies there.
    fn take(&self) -> bool {
        self.0.load(Ordering::SeqCst) && self.0.swap(false, Ordering::SeqCst)
    }

    /// Leaves a permit there, unless one lies there already.
    fn put(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
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
    pub(crate) fn new(permits: u32, doors: usize) -> Queue {
        let free = usize::try_from(permits).unwrap_or(usize::MAX);
        Queue {
            state: Mutex::new(State { free, waiting: VecDeque::new() }),
            is_awaited: AtomicBool::new(false),
            spares: (0..doors).map(|_| Spare::default()).collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::SeqCst)
    }

    fn take_any_spare(&self) -> bool {
        self.spares.iter().any(Spare::take)
    }

    /// Takes a permit, if one is free. Then nobody waits: whatever is given back goes to those who do.
    pub(crate) fn try_enter(&self, door: usize) -> bool {
        if !self.is_awaited() && self.spares.get(door).is_some_and(Spare::take) {
            return true;
        }
        self.take(&mut self.state())
    }

    fn take(&self, state: &mut State) -> bool {
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
            return true;
        }
        if !state.waiting.is_empty() {
            return false;
        }
        // As long as this says so, whoever gives a permit back comes to the lock; so none can be left at a door that has been looked at while
        // another one is taken at a door that has not.
        self.is_awaited.store(true, Ordering::SeqCst);
        let is_found = self.take_any_spare();
        self.is_awaited.store(false, Ordering::SeqCst);
        is_found
    }

    /// Takes a permit, as soon as it is this one's turn.
    pub(crate) async fn enter(&self, door: usize) {
        if !self.is_awaited() && self.spares.get(door).is_some_and(Spare::take) {
            return;
        }
        let place = {
            let mut state = self.state();
            if self.take(&mut state) {
                return;
            }
            let ticket = Arc::<Ticket>::default();
            state.waiting.push_back(ticket.clone());
            self.is_awaited.store(true, Ordering::SeqCst);
            // Whoever gave one back before that could be seen has left it at a door. Whoever does so from now on looks again.
            if self.take_any_spare() {
                self.call_next(state);
            }
            Place { queue: self, ticket: Some(ticket) }
        };
        place.wait().await;
    }

    /// Gives a permit back: leaves it at the door, or hands it to the next in the queue.
    pub(crate) fn leave(&self, door: usize) {
        if let Some(spare) = self.spares.get(door)
            && !self.is_awaited()
            && spare.put()
            && !(self.is_awaited() && spare.take())
        {
            return;
        }
        self.call_next(self.state());
    }

    fn call_next(&self, mut state: MutexGuard<'_, State>) {
        let next = state.waiting.pop_front();
        self.is_awaited.store(!state.waiting.is_empty(), Ordering::SeqCst);
        match next {
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
            Some(at) => {
                state.waiting.remove(at);
                self.queue.is_awaited.store(!state.waiting.is_empty(), Ordering::SeqCst);
            }
            // It was called and does not come, so the next one is.
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
        let queue = Queue::new(1, 2);
        assert!(queue.try_enter(0));
        let (mut second, mut third) = (pin!(queue.enter(0)), pin!(queue.enter(0)));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        queue.leave(0);
        // The permit is the second one's, although it has not come for it yet.
        assert!(!queue.try_enter(0));
        assert!(poll(third.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_ready(), "it was called");
        queue.leave(0);
        assert!(poll(third.as_mut()).is_ready());
    }

    #[test]
    fn one_who_was_called_and_gives_up_lets_the_next_one_in() {
        let queue = Queue::new(1, 2);
        assert!(queue.try_enter(0));
        let mut second = Box::pin(queue.enter(0));
        let mut third = pin!(queue.enter(0));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        queue.leave(0);
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
        queue.leave(0);
        assert!(queue.try_enter(0), "the permit came back");
    }

    #[test]
    fn one_who_gives_up_waiting_is_not_called() {
        let queue = Queue::new(1, 2);
        assert!(queue.try_enter(0));
        let mut second = Box::pin(queue.enter(0));
        assert!(poll(second.as_mut()).is_pending());
        drop(second);
        queue.leave(0);
        assert!(queue.try_enter(0));
    }

    #[test]
    fn a_permit_that_lies_at_one_door_is_had_at_another() {
        let queue = Queue::new(1, 2);
        assert!(queue.try_enter(0));
        queue.leave(0);
        assert!(queue.try_enter(1), "there is no other");
        assert!(!queue.try_enter(0));
        queue.leave(1);
        assert!(poll(pin!(queue.enter(0))).is_ready());
    }

    #[test]
    fn nobody_is_refused_while_a_permit_is_free() {
        let queue = Queue::new(2, 2);
        let outside = Mutex::new(2);
        std::thread::scope(|scope| {
            for thread in 0..3_usize {
                let (queue, outside) = (&queue, &outside);
                scope.spawn(move || {
                    let mut random = thread + 1;
                    for _ in 0..200_000 {
                        let mut free = outside.lock().unwrap_or_else(PoisonError::into_inner);
                        if *free == 0 {
                            continue;
                        }
                        *free -= 1;
                        drop(free);
                        random = random.wrapping_mul(5).wrapping_add(3);
                        assert!(queue.try_enter(random >> 4 & 1), "no more than two are inside");
                        queue.leave(random >> 5 & 1);
                        *outside.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    }
                });
            }
        });
    }

    #[test]
    fn there_are_never_more_or_fewer_permits_than_at_first() {
        const PERMITS: u32 = 3;
        let queue = Queue::new(PERMITS, 2);
        let inside = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (queue, inside) = (&queue, &inside);
                scope.spawn(move || {
                    let door = thread % 2;
                    for round in 0..2_000 {
                        if round % 3 == 0 {
                            let mut turn = pin!(queue.enter(door));
                            while poll(turn.as_mut()).is_pending() {
                                std::thread::yield_now();
                            }
                        } else if !queue.try_enter(door) {
                            continue;
                        }
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < PERMITS);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        queue.leave(door);
                    }
                });
            }
        });
        assert!((0..PERMITS).all(|_| queue.try_enter(0)), "all came back");
        assert!(!queue.try_enter(1));
    }
}
