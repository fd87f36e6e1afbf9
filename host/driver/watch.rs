//! The times of a call: processor time inside the guest, time in handlers, and wall-clock time.
//!
//! It must never know a clock or a limit: times are passed in as nanoseconds.

use super::{Nanos, SLICE};

/// The most nanoseconds that a unit of fuel can take: twice the slowest observed rate.
const MOST_PER_FUEL: Nanos = 1;
/// If more time passes between two readings of the monotonic clock, the thread may have been descheduled.
const TICK_AFTER: Nanos = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Watch {
    begun: Nanos,
    /// The latest moment that was passed in. Decisions while the embedder's code runs use this one.
    seen: Nanos,
    cpu: Nanos,
    resumed: Option<Nanos>,
    /// The thread's CPU clock at the latest [`Watch::tick`] of this segment.
    thread_cpu: Option<Nanos>,
    /// The fuel that the call had used at the guest's last poll.
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

    /// Adds the guest's processor time by the thread's CPU clock, which does not count time while other threads run.
    /// Reading that clock costs a system call, so it is read only at the end of slices and when the monotonic clock
    /// shows that it matters.
    pub(super) fn tick(&mut self, now: Nanos, thread_cpu: Nanos, fuel: u64) {
        let Some(resumed) = self.resumed.replace(now) else { return };
        self.cpu += match self.thread_cpu.replace(thread_cpu) {
            Some(before) => thread_cpu.saturating_sub(before),
            None => now.saturating_sub(resumed).min(unwatched(fuel.saturating_sub(self.fuel_seen))),
        };
    }

    /// Whether so much time has passed since the last tick that the thread may have been descheduled in between.
    pub(super) fn is_tick_due(&self, now: Nanos) -> bool {
        self.thread_cpu.is_some() && self.running(now) > TICK_AFTER
    }

    /// The guest polls, and has used this much fuel.
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

    /// A handler has run from the latest moment until now.
    pub(super) fn handler_worked(&mut self, now: Nanos) {
        self.handlers += now.saturating_sub(self.seen);
        self.seen = now;
    }

    /// Sets the latest moment.
    pub(super) fn see(&mut self, now: Nanos) {
        self.seen = now;
    }

    /// The latest moment.
    pub(super) fn seen(&self) -> Nanos {
        self.seen
    }

    fn running(&self, now: Nanos) -> Nanos {
        self.resumed.map_or(0, |resumed| now.saturating_sub(resumed))
    }

    /// The guest's processor time until now.
    pub(super) fn cpu_at(&self, now: Nanos) -> Nanos {
        self.cpu.saturating_add(self.running(now))
    }

    /// The wall-clock time until now.
    pub(super) fn wall_at(&self, now: Nanos) -> Nanos {
        now.saturating_sub(self.begun)
    }

    /// The time of handlers.
    pub(super) fn handlers(&self) -> Nanos {
        self.handlers
    }
}

/// Caps the CPU time charged between readings of the thread's CPU clock, because the elapsed time may include other
/// threads. The cap is what the fuel allows, and at least that of a slice, because the CPU clock is always read at
/// the end of a slice.
fn unwatched(fuel: u64) -> Nanos {
    fuel.max(SLICE).saturating_mul(MOST_PER_FUEL)
}
