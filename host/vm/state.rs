//! What a store carries, and what it shares with the code that drives it.

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

/// Where the guest and the driving code meet. The guest's imports run on a fibre inside a future that holds the
/// store, so what both sides need is here, outside of the store.
pub(crate) struct Desk {
    driver: AtomicRefCell<Driver>,
    epoch: Instant,
    /// How old the instance already was when it was thawed.
    age: Nanos,
    clock: Mutex<Clock>,
    seed: Option<u64>,
    /// Handlers look at it too, while they hold up everything else.
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
            clock: Mutex::new(clock),
            seed,
            signal: Arc::default(),
            waker: AtomicWaker::new(),
        }
    }

    /// The driver. Only the thread that has the instance asks for it, for an instance is not `Sync`, and nobody holds
    /// it while code runs that is not ours; so there is nothing to wait for, and a cell is enough where a lock would
    /// cost a small call a twentieth of its time.
    #[inline]
    pub(crate) fn driver(&self) -> AtomicRefMut<'_, Driver> {
        self.driver.borrow_mut()
    }

    /// Nanoseconds since the instance was made here. Limits look at this one, which no snapshot has a say in.
    pub(crate) fn now(&self) -> Nanos {
        Nanos::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    /// Nanoseconds that the instance has been at work, its time before it was thawed included.
    pub(crate) fn age(&self) -> Nanos {
        self.now().saturating_add(self.age)
    }

    /// What this thread has had of the processor, where the system keeps count; elsewhere the time that went by.
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

    /// A call that is opened is not the one that an earlier cancellation meant.
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

    /// The clock as scripts would read it next.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The seed that the embedder chose.
    pub(crate) fn seed_of_embedder(&self) -> Option<u64> {
        self.seed
    }

    /// What scripts draw their numbers from: the seed that the embedder chose, or one that nobody can guess, another
    /// one each time.
    pub(super) fn seed(&self) -> Result<u64> {
        match self.seed {
            Some(seed) => Ok(seed),
            None => Ok(random::derive("belljar seed of a guest", &random::draw::<32>()?)),
        }
    }

    /// What the instance's clock said so many nanoseconds after it was made here, in whole milliseconds. A script
    /// does not notice that it is read.
    pub(crate) fn wall_at(&self, moment: Nanos) -> SystemTime {
        let since = self.clock().peek().unwrap_or_else(|| {
            let ago = Duration::from_nanos(self.now().saturating_sub(moment));
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(ago)
        });
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
    }

    /// The moment after so many nanoseconds of this desk's, and a while; None if no clock can show it.
    pub(crate) fn moment(&self, now: Nanos, later: Duration) -> Option<Instant> {
        self.epoch.checked_add(Duration::from_nanos(now))?.checked_add(later)
    }
}

/// What wasmtime keeps for us beside the instance.
pub(crate) struct Host {
    pub(super) desk: Arc<Desk>,
    pub(super) memory: Option<Memory>,
    /// The meter's counter.
    pub(super) fuel: Option<Global>,
    /// Fuel that the call in progress was given so far.
    pub(super) granted: u64,
    pub(super) ceiling: Ceiling,
}

/// The hard ceiling of linear memory.
pub(crate) struct Ceiling {
    pub(super) bytes: usize,
    /// Why the call in progress did not get the memory that it asked for last.
    pub(super) refusal: Option<Refusal>,
}

/// Why linear memory does not grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The limit.
    Limit,
    /// The system has no more, in its words.
    System(String),
}

impl Refusal {
    /// What a call that ends for lack of memory ends with.
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
        // Anything else is an image that asks for more than its own memory can be.
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            self.refusal = Some(Refusal::System(error.to_string()));
        }
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The table is made once, with the size that the image declares, and never grows.
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
