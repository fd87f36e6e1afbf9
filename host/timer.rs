//! Wakes tasks at given moments. A call that waits is woken this way at its wall-clock limit.
//!
//! A process has one timer thread, which is started when a call first waits, and sleeps until the earliest moment. A
//! forked child inherits only the thread that forked, and a lock that another thread held stays locked in the child
//! for ever. So each process has a separate schedule with a separate lock and thread, and uses no other. Schedules
//! are matched by process id. A child in a new pid namespace can have the same id as its parent; if a call of the
//! parent had waited before the fork, calls that wait in that child are not woken at their wall-clock limit.
//!
//! It must never know what it wakes, nor call foreign code while it holds its lock.

use std::collections::BTreeMap;
use std::mem;
use std::ptr;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::panics::contain;

/// How late a task may be woken, so that the thread wakes only once for moments that are close together.
const SLACK: Duration = Duration::from_millis(1);

/// A task's key in the schedule: its moment, and a unique number.
type Place = (Instant, u64);

/// Wakes one task at one moment. Dropping it removes the task from the schedule.
#[derive(Default)]
pub(crate) struct Timer {
    set: Option<Set>,
}

/// A task's entry in the schedule.
struct Set {
    schedule: &'static Schedule,
    place: Place,
    waker: Waker,
}

/// The schedule of one process.
struct Schedule {
    process: u32,
    state: Mutex<State>,
    changed: Condvar,
    /// The schedule of a forked child; set in that child and its own children.
    child: OnceLock<Box<Schedule>>,
}

/// Invariant: if `tasks` is not empty, a thread exists and checks it at `looks_at` or sooner.
#[derive(Default)]
struct State {
    tasks: BTreeMap<Place, Waker>,
    /// The number of entries so far, which makes keys unique.
    places: u64,
    has_thread: bool,
    /// When the thread checks next without being notified; None if never.
    looks_at: Option<Instant>,
}

impl Timer {
    /// Wakes the task when the moment has come. This replaces an earlier task or moment of the same timer.
    ///
    /// # Errors
    ///
    /// [`Error::Host`] when the timer thread cannot be started.
    pub(crate) fn wake_at(&mut self, moment: Instant, waker: &Waker) -> Result<()> {
        let schedule = Schedule::of_this_process();
        // An entry stays in the schedule until its moment, unless its timer removes it.
        let stands = |set: &Set| {
            ptr::eq(set.schedule, schedule)
                && set.place.0 == moment
                && set.waker.will_wake(waker)
                && Instant::now() < moment
        };
        if self.set.as_ref().is_some_and(stands) {
            return Ok(());
        }
        self.unset();
        let place = schedule.add(moment, waker.clone())?;
        self.set = Some(Set { schedule, place, waker: waker.clone() });
        Ok(())
    }

    fn unset(&mut self) {
        // An entry in the parent's schedule is left alone: nothing wakes it in this process, and its lock may be held
        // for ever.
        if let Some(Set { schedule, place, .. }) = self.set.take()
            && schedule.process == std::process::id()
        {
            let waker = schedule.lock().tasks.remove(&place);
            drop(waker);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.unset();
    }
}

impl Schedule {
    fn new(process: u32) -> Schedule {
        Schedule { process, state: Mutex::default(), changed: Condvar::new(), child: OnceLock::new() }
    }

    fn of_this_process() -> &'static Schedule {
        static FIRST: OnceLock<Schedule> = OnceLock::new();
        let process = std::process::id();
        let mut newest = FIRST.get_or_init(|| Schedule::new(process));
        // All but the last belong to ancestors of this process. Their ids may have been reused, so only the last is
        // compared.
        while let Some(child) = newest.child.get() {
            newest = child;
        }
        if newest.process == process { newest } else { newest.child.get_or_init(|| Box::new(Schedule::new(process))) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a task.
    fn add(&'static self, moment: Instant, waker: Waker) -> Result<Place> {
        let mut state = self.lock();
        if !state.has_thread {
            thread::Builder::new().name("belljar-timer".into()).spawn(move || self.work()).map_err(no_thread)?;
            state.has_thread = true;
        }
        state.places += 1;
        let place = (moment, state.places);
        state.tasks.insert(place, waker);
        let look = after(moment);
        if state.looks_at.is_none_or(|looks_at| look < looks_at) {
            state.looks_at = Some(look);
            self.changed.notify_one();
        }
        Ok(place)
    }

    /// The loop of the timer thread.
    fn work(&self) {
        /// Allows a new thread to be started if this one ever ends.
        struct AtWork<'a>(&'a Schedule);
        impl Drop for AtWork<'_> {
            fn drop(&mut self) {
                self.0.lock().has_thread = false;
            }
        }
        let _at_work = AtWork(self);
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let later = state.tasks.split_off(&(now, u64::MAX));
            let due = mem::replace(&mut state.tasks, later);
            if !due.is_empty() {
                drop(state);
                for waker in due.into_values() {
                    contain(|| waker.wake());
                }
                state = self.lock();
                continue;
            }
            state.looks_at = state.tasks.keys().next().map(|(moment, _)| after(*moment));
            state = match state.looks_at {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(look) => {
                    let sleep = look.saturating_duration_since(now);
                    self.changed.wait_timeout(state, sleep).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

fn after(moment: Instant) -> Instant {
    moment.checked_add(SLACK).unwrap_or(moment)
}

fn no_thread(error: std::io::Error) -> Error {
    Error::host(format!(
        "a call that waits needs a thread for its wall-clock limit, and none can be started: {error}; \
         raise the limit on processes and threads (`ulimit -u`, `pids.max` of a cgroup) or let the process use the system call `clone`"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, PoisonError};
    use std::task::Wake;

    use super::*;

    /// Long enough for any machine, and never reached.
    const LONG: Duration = Duration::from_secs(60);

    /// Sends the time when it is woken; its reference count shows how many places hold it.
    struct Bell(Mutex<Sender<Instant>>);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(Instant::now());
        }
    }

    fn bell() -> (Arc<Bell>, Waker, Receiver<Instant>) {
        let (sender, woken) = channel();
        let bell = Arc::new(Bell(Mutex::new(sender)));
        (bell.clone(), bell.into(), woken)
    }

    fn soon(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[test]
    fn tasks_are_woken_in_the_order_of_their_moments_and_never_before() {
        let (_, waker, woken) = bell();
        let moments = [soon(30), soon(10), soon(20), Instant::now()];
        let mut timers = moments.map(|_| Timer::default());
        for (timer, moment) in timers.iter_mut().zip(moments) {
            assert!(timer.wake_at(moment, &waker).is_ok());
        }
        let mut sorted = moments;
        sorted.sort();
        for moment in sorted {
            assert!(woken.recv_timeout(LONG).is_ok_and(|at| at >= moment));
        }
    }

    #[test]
    fn a_timer_that_is_set_again_keeps_one_place_and_one_that_is_dropped_none() {
        let (bell, waker, woken) = bell();
        let mut timer = Timer::default();
        let later = soon(3_600_000);
        for moment in [later, later, soon(7_200_000), later] {
            assert!(timer.wake_at(moment, &waker).is_ok());
            assert_eq!(Arc::strong_count(&bell), 4, "the test, its waker, the timer and the schedule have it");
        }
        drop(timer);
        assert_eq!(Arc::strong_count(&bell), 2);
        let mut timer = Timer::default();
        assert!(timer.wake_at(later, &waker).is_ok() && timer.wake_at(soon(5), &waker).is_ok());
        assert!(woken.recv_timeout(LONG).is_ok());
        // A timer that has fired can be set again.
        assert!(timer.wake_at(soon(1), &waker).is_ok());
        assert!(woken.recv_timeout(LONG).is_ok());
    }

    #[test]
    fn a_thousand_timers_take_one_thread() {
        let (_, waker, woken) = bell();
        let moment = soon(20);
        let mut timers: Vec<Timer> = (0..1000).map(|_| Timer::default()).collect();
        assert!(timers.iter_mut().all(|timer| timer.wake_at(moment, &waker).is_ok()));
        assert!((0..1000).all(|_| woken.recv_timeout(LONG).is_ok()));
        #[cfg(target_os = "linux")]
        {
            let named = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
            assert_eq!(tasks.map(named).filter(|name| name.trim() == "belljar-timer").count(), 1);
        }
    }

    #[test]
    fn a_waker_that_panics_or_uses_the_timer_itself_stops_no_other() {
        struct Bad;
        impl Wake for Bad {
            fn wake(self: Arc<Self>) {
                let mut timer = Timer::default();
                let _ = timer.wake_at(soon(3_600_000), Waker::noop());
                drop(timer);
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        }
        let (_, waker, woken) = bell();
        let mut timers = [(); 3].map(|()| Timer::default());
        let [first, bad, last] = &mut timers;
        assert!(first.wake_at(soon(5), &waker).is_ok());
        assert!(bad.wake_at(soon(5), &Arc::new(Bad).into()).is_ok());
        assert!(last.wake_at(soon(5), &waker).is_ok());
        assert!((0..2).all(|_| woken.recv_timeout(LONG).is_ok()));
        assert!(first.wake_at(soon(1), &waker).is_ok());
        assert!(woken.recv_timeout(LONG).is_ok());
    }

    #[test]
    fn a_lock_that_a_panic_has_poisoned_still_wakes() {
        let schedule = Schedule::of_this_process();
        let poisoner = thread::spawn(|| {
            let _state = schedule.state.lock();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(poisoner.join().is_err());
        let (_, waker, woken) = bell();
        let mut timer = Timer::default();
        assert!(timer.wake_at(soon(1), &waker).is_ok());
        assert!(woken.recv_timeout(LONG).is_ok());
    }
}
