//! What a call has taken of time: of the processor inside the guest, in handlers, and by the clock on the wall.
//!
//! It must never know a clock or a limit: time comes in as nanoseconds.

use super::{Nanos, SLICE};

/// The most time that a guest can have taken for a unit of fuel: twice what any has been seen to take.
const MOST_PER_FUEL: Nanos = 1;
/// Time between two readings of the cheap clock beyond which the thread may have been without a processor.
const TICK_AFTER: Nanos = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Watch {
    begun: Nanos,
    /// The newest moment that it was told. What is decided while the embedder's code runs is decided by this one.
    seen: Nanos,
    cpu: Nanos,
    resumed: Option<Nanos>,
    /// What the thread's own clock said at the newest [`Watch::tick`] of this segment.
    thread_cpu: Option<Nanos>,
    /// The fuel that the call had used when the guest last asked.
    fuel_seen: u64,
    handlers: Nanos,
}

impl Watch {
    /// A call begins.
    pub(super) fn begin(now: Nanos) -> Watch {
        Watch { begun: now, seen: now, ..Watch::default() }
    }

    /// The guest starts to run.
    pub(super) fn resume(&mut self, now: Nanos) {
        self.resumed = Some(now);
    }

    /// Adds the guest's time by the clock of its thread, which stands still while other threads have the processor.
    /// That clock costs a system call, so it is read at the end of slices and when the other clock says that it
    /// matters.
    pub(super) fn tick(&mut self, now: Nanos, thread_cpu: Nanos, fuel: u64) {
        let Some(resumed) = self.resumed.replace(now) else { return };
        self.cpu += match self.thread_cpu.replace(thread_cpu) {
            Some(before) => thread_cpu.saturating_sub(before),
            None => now.saturating_sub(resumed).min(unwatched(fuel.saturating_sub(self.fuel_seen))),
        };
    }

    /// Whether so much time has passed since the last tick that it matters which thread had it.
    pub(super) fn is_tick_due(&self, now: Nanos) -> bool {
        self.thread_cpu.is_some() && self.running(now) > TICK_AFTER
    }

    /// The guest has asked whether to go on, and has used this much fuel.
    pub(super) fn asked(&mut self, fuel: u64) {
        self.fuel_seen = fuel;
    }

    /// The guest has stopped running.
    pub(super) fn pause(&mut self, now: Nanos) {
        self.seen = now;
        let is_watched = self.thread_cpu.take().is_some();
        if let Some(resumed) = self.resumed.take() {
            let elapsed = now.saturating_sub(resumed);
            self.cpu += if is_watched { elapsed } else { elapsed.min(unwatched(0)) };
        }
    }

    /// A handler has worked since the newest moment.
    pub(super) fn handler_worked(&mut self, now: Nanos) {
        self.handlers += now.saturating_sub(self.seen);
        self.seen = now;
    }

    /// It is this late now.
    pub(super) fn see(&mut self, now: Nanos) {
        self.seen = now;
    }

    /// The newest moment.
    pub(super) fn seen(&self) -> Nanos {
        self.seen
    }

    fn running(&self, now: Nanos) -> Nanos {
        self.resumed.map_or(0, |resumed| now.saturating_sub(resumed))
    }

    /// The guest's time until now.
    pub(super) fn cpu_at(&self, now: Nanos) -> Nanos {
        self.cpu.saturating_add(self.running(now))
    }

    /// All time until now.
    pub(super) fn wall_at(&self, now: Nanos) -> Nanos {
        now.saturating_sub(self.begun)
    }

    /// The time of handlers.
    pub(super) fn handlers(&self) -> Nanos {
        self.handlers
    }
}

/// The most that a guest can have used of the processor while its thread's clock was not read: what its fuel allows,
/// and no less than a slice, at whose end the clock is always read. Other threads had the processor for the rest of
/// the time.
fn unwatched(fuel: u64) -> Nanos {
    fuel.max(SLICE).saturating_mul(MOST_PER_FUEL)
}
