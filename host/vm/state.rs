//! The data of a wasmtime store, and what it shares with the code that drives it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atomic_refcell::{AtomicRefCell, AtomicRefMut};
use atomic_waker::AtomicWaker;
use wasmtime::{Global, Memory, ResourceLimiter};

use crate::call::Signal;
use crate::clock::Clock;
use crate::driver::{Driver, Nanos};
use crate::error::{Error, Result};
use crate::limits::{LimitKind, Limits};
use crate::random;

/// State that the guest's imports and the driving code share. Imports run on a fibre inside a future that borrows the
/// store, so the shared state is outside of the store.
pub(crate) struct Desk {
    driver: AtomicRefCell<Driver>,
    epoch: Instant,
    /// The age of the instance when it was restored.
    age: Nanos,
    clock: Mutex<Clock>,
    /// Whether the clock is the embedder's, which never changes.
    has_own_clock: bool,
    seed: Option<u64>,
    /// Shared with handlers, which can see a cancellation even while they block this thread.
    pub(crate) signal: Arc<Signal>,
    /// Wakes the future of the call in progress.
    pub(crate) waker: AtomicWaker,
}

impl Desk {
    pub(crate) fn new(driver: Driver, clock: Clock, seed: Option<u64>, age: Nanos) -> Desk {
        Desk {
            driver: AtomicRefCell::new(driver),
            epoch: Instant::now(),
            age,
            has_own_clock: clock != Clock::System,
            clock: Mutex::new(clock),
            seed,
            signal: Arc::default(),
            waker: AtomicWaker::new(),
        }
    }

    /// The driver. Only the thread that has the instance borrows it, because an instance is not `Sync`, and it is
    /// never borrowed while foreign code runs. So there is never contention, and a cell suffices; a lock would add a
    /// twentieth to the time of a small call.
    #[inline]
    pub(crate) fn driver(&self) -> AtomicRefMut<'_, Driver> {
        self.driver.borrow_mut()
    }

    /// Nanoseconds since the instance was made in this process. Limits use this clock, which a snapshot cannot
    /// influence.
    pub(crate) fn now(&self) -> Nanos {
        Nanos::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    /// The age of the instance in nanoseconds, including the time before it was restored.
    pub(crate) fn age(&self) -> Nanos {
        self.now().saturating_add(self.age)
    }

    /// The CPU time of this thread; on systems other than Unix, the elapsed time.
    pub(crate) fn thread_cpu(&self) -> Nanos {
        #[cfg(unix)]
        {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            let seconds = Nanos::try_from(time.tv_sec).unwrap_or_default();
            seconds.saturating_mul(1_000_000_000).saturating_add(Nanos::try_from(time.tv_nsec).unwrap_or_default())
        }
        #[cfg(not(unix))]
        self.now()
    }

    pub(crate) fn cancel(&self) {
        self.signal.set();
        self.waker.wake();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.signal.is_set()
    }

    /// Clears an earlier cancellation when a new call is opened.
    pub(crate) fn forget_cancel(&self) {
        self.signal.clear();
    }

    pub(super) fn wall_micros(&self) -> i64 {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.tick().unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        })
    }

    pub(super) fn monotonic_nanos(&self) -> i64 {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.tick_monotonic().unwrap_or_else(|| i64::try_from(self.age()).unwrap_or(i64::MAX))
    }

    /// The clock in its current state.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The seed that the embedder chose.
    pub(crate) fn seed_of_embedder(&self) -> Option<u64> {
        self.seed
    }

    /// The seed of `Math.random`: the embedder's, or an unpredictable one, which differs each time.
    pub(super) fn seed(&self) -> Result<u64> {
        match self.seed {
            Some(seed) => Ok(seed),
            None => Ok(random::derive("belljar seed of a guest", &random::draw::<32>()?)),
        }
    }

    /// The next reading of the embedder's clock, in whole milliseconds. The script does not notice this reading. None
    /// with the system's clock.
    pub(crate) fn own_moment(&self) -> Option<SystemTime> {
        if !self.has_own_clock {
            return None;
        }
        self.clock().peek().map(whole_millis)
    }

    /// The system's time at a moment of this desk, in whole milliseconds.
    pub(crate) fn system_moment(&self, moment: Nanos) -> SystemTime {
        let ago = Duration::from_nanos(self.now().saturating_sub(moment));
        whole_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(ago))
    }

    /// The [`Instant`] that is `later` after `now`; None if it is out of range.
    pub(crate) fn moment(&self, now: Nanos, later: Duration) -> Option<Instant> {
        self.epoch.checked_add(Duration::from_nanos(now))?.checked_add(later)
    }
}

fn whole_millis(since: Duration) -> SystemTime {
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}

/// The host's data in the wasmtime store.
pub(crate) struct Host {
    pub(super) desk: Arc<Desk>,
    pub(super) memory: Option<Memory>,
    /// The fuel counter of the meter.
    pub(super) fuel: Option<Global>,
    /// Fuel that the call in progress has been granted so far.
    pub(super) granted: u64,
    pub(super) ceiling: Ceiling,
}

/// The limit of linear memory.
pub(crate) struct Ceiling {
    pub(super) bytes: usize,
    /// Why the latest request of the call in progress for memory was refused.
    pub(super) refusal: Option<Refusal>,
}

/// Why a request for linear memory was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It would exceed the limit.
    Limit,
    /// The system has no more memory; the system's message.
    System(String),
}

impl Refusal {
    /// The error of a call that ends because memory was refused.
    pub(crate) fn error(&self, limits: &Limits) -> Error {
        match self {
            Refusal::Limit => LimitKind::Memory.error(limits),
            Refusal::System(why) => Error::host(format!(
                "the system gave an instance no more memory: {why}; free some, raise the memory limit of the process or container, or \
                 `vm.max_map_count`"
            )),
        }
    }
}

impl ResourceLimiter for Ceiling {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.bytes && maximum.is_none_or(|maximum| desired <= maximum);
        if !fits {
            self.refusal = Some(Refusal::Limit);
        }
        Ok(fits)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Any other error means that the guest requested more than the maximum that its image declares.
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            self.refusal = Some(Refusal::System(error.to_string()));
        }
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The table is allocated once, with the size that the image declares, and never grows.
        Ok(current == 0 || desired <= current)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}
