//! One call as a state machine: what the guest may still do, what it has requested, and why it must stop.
//!
//! It owns every decision about limits; `mail` keeps the messages in flight. It must never know wasmtime, a handler
//! or a clock: times are passed in as nanoseconds, so that tests can choose them.

mod mail;
mod watch;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::mail::Mail;
pub(crate) use self::mail::{Event, Outcome, Request, call_weight};
use self::watch::Watch;
use crate::error::{Error, JsError};
use crate::limits::{LimitKind, Limits, OPCODES_PER_POLL};
use crate::stats::Stats;

/// Nanoseconds since some fixed moment.
pub(crate) type Nanos = u64;

/// Fuel between two clock readings: 0.04 to 0.1 milliseconds of most code, 0.5 milliseconds of code that waits for
/// memory at every step.
const SLICE: u64 = 1_000_000;
/// Converts fuel to nominal time, in units per nanosecond, where a time must not depend on the machine. A loop burns
/// 25 units per nanosecond, and code that waits for memory at every step 2.1. This is set near the slowest observed
/// rate, so that it overestimates the time and the limit still holds.
const FUEL_PER_NANO: u64 = 2;
/// Slices that a guest gets to unwind. QuickJS checks for an interrupt every ten thousand jumps and calls, which take
/// up to two slices.
const SLICES_TO_UNWIND: u32 = 3;
/// How long a busy script may occupy an executor's thread before it yields. An executor looks at its timers and
/// sockets only every so many polls (tokio: every 61), even if a task wakes itself at once, so other tasks wake late
/// by up to this time multiplied by that number.
const YIELD_AFTER: Nanos = 200_000;
/// Why a call must stop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stop {
    Limit(LimitKind),
    Cancelled,
    Rejected(JsError),
    Protocol(&'static str),
    Diverged(String),
    /// The system refused a resource that the call needs.
    Failed(Error),
}

impl Stop {
    pub(crate) fn into_error(self, limits: &Limits) -> Error {
        match self {
            Stop::Limit(kind) => kind.error(limits),
            Stop::Cancelled => Error::Cancelled,
            Stop::Rejected(error) => Error::Js(error),
            Stop::Protocol(what) => Error::guest(what),
            Stop::Diverged(message) => Error::Diverged { message },
            Stop::Failed(error) => error,
        }
    }
}

/// The answer to a poll of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    GoOn,
    /// Unwind; no script code may catch it.
    Unwind,
    /// Yield to other tasks first.
    Yield,
    /// Trap: the guest had time to unwind and did not.
    Kill,
}

/// What a call had used when it was paused. A resumed call continues to count from here, so a pause does not refill
/// its budget. The numbers come from a snapshot and may be forged, so sums with them saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) cpu: Nanos,
    pub(crate) wall: Nanos,
    pub(crate) fuel: u64,
    #[serde(default)]
    pub(crate) polls: u64,
    pub(crate) rpc_calls: u64,
    pub(crate) console_bytes: u64,
    #[serde(default)]
    pub(crate) loaded_bytes: u64,
}

impl Spent {
    /// The same with nominal times, which are computed from the fuel and do not depend on the machine. Most scripts
    /// have taken a tenth of the time that they are charged, so a pause still does not refill their budget. Time
    /// spent waiting is forgotten.
    pub(crate) fn in_nominal_time(self) -> Spent {
        let nominal = self.fuel / FUEL_PER_NANO;
        Spent { cpu: nominal, wall: nominal, ..self }
    }
}

/// The state of an instance's call in progress, and the totals of all its calls.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    limits: Limits,
    /// What the call used before it was paused; zero in a call that was not.
    before: Spent,
    watch: Watch,
    yielded_at_cpu: Nanos,
    may_yield: bool,
    gives_way: bool,
    /// Slices that are left for an operation of the host's own; None outside of one.
    chore: Option<u32>,
    stop: Option<Stop>,
    /// Slices that have ended since there was a reason to stop.
    overdue: u32,
    mail: Mail,
    console_bytes: u64,
    /// The texts of modules that the call has loaded.
    loaded_bytes: u64,
    call: Stats,
    total: Stats,
    /// The methods of the handler calls that had no answer when the call of the instance ended, shortened for
    /// messages.
    dropped: Vec<String>,
}

impl Driver {
    pub(crate) fn new(limits: Limits) -> Driver {
        Driver { limits, ..Driver::default() }
    }

    /// Lets a busy guest yield to other tasks.
    pub(crate) fn allow_yield(&mut self) {
        self.may_yield = true;
    }

    /// Starts a call, and discards the state of an earlier one.
    pub(crate) fn begin(&mut self, now: Nanos) {
        let (limits, total) = (std::mem::take(&mut self.limits), self.total);
        let call = Stats { calls: 1, ..Stats::default() };
        *self = Driver { limits, total, watch: Watch::begin(now), call, ..Driver::default() };
    }

    /// Resumes a paused call, which waits for `calls` handler calls of this total weight.
    pub(crate) fn begin_again(&mut self, now: Nanos, before: Spent, (calls, weight): (u32, u64)) {
        self.begin(now);
        self.call.calls = 0;
        self.before = before;
        self.carry(calls, weight);
    }

    /// What the call has used so far, including before a pause.
    pub(crate) fn spent(&self, now: Nanos) -> Spent {
        Spent {
            cpu: self.cpu_at(now),
            wall: self.wall_at(now),
            fuel: self.before.fuel.saturating_add(self.call.fuel),
            polls: self.before.polls.saturating_add(self.call.polls),
            rpc_calls: self.before.rpc_calls.saturating_add(self.call.rpc_calls),
            console_bytes: self.before.console_bytes.saturating_add(self.console_bytes),
            loaded_bytes: self.before.loaded_bytes.saturating_add(self.loaded_bytes),
        }
    }

    /// Ends a call and adds what it used to the total.
    pub(crate) fn end(&mut self, now: Nanos) {
        self.pause(now);
        self.call.cpu_time = Duration::from_nanos(self.watch.cpu_at(now));
        self.call.wall_time = Duration::from_nanos(self.watch.wall_at(now));
        self.call.handler_time = Duration::from_nanos(self.watch.handlers());
        self.total.add(&self.call);
        // Frees the messages now, because the next call may come much later.
        self.mail = Mail::default();
        self.stop = None;
    }

    /// Counts handler calls that had no answer when the call of the instance ended.
    pub(crate) fn drop_calls(&mut self, calls: usize, methods: Vec<String>) {
        self.call.dropped_calls += calls as u64;
        self.dropped = methods;
    }

    /// The methods of the handler calls that had no answer when the latest call of the instance ended.
    pub(crate) fn dropped(&self) -> &[String] {
        &self.dropped
    }

    pub(crate) fn call_stats(&mut self) -> &mut Stats {
        &mut self.call
    }

    pub(crate) fn totals(&self) -> (Stats, Stats) {
        (self.call, self.total)
    }

    /// The guest starts to run.
    pub(crate) fn resume(&mut self, now: Nanos) {
        self.watch.resume(now);
    }

    /// The guest starts to run at the latest moment that the driver knows.
    pub(crate) fn resume_at_once(&mut self) {
        self.watch.resume(self.watch.seen());
    }

    /// Adds the guest's processor time by the thread's clock; see [`Watch::tick`].
    pub(crate) fn tick(&mut self, now: Nanos, thread_cpu: Nanos, fuel: u64) {
        self.watch.tick(now, thread_cpu, fuel);
    }

    /// Whether the thread's clock must be read now.
    pub(crate) fn is_tick_due(&self, now: Nanos) -> bool {
        self.watch.is_tick_due(now) || self.cpu_at(now) >= nanos(self.limits.cpu_time)
    }

    /// The guest has stopped running.
    pub(crate) fn pause(&mut self, now: Nanos) {
        self.watch.pause(now);
    }

    /// A handler has run from the latest moment that the driver knows until now.
    pub(crate) fn handler_worked(&mut self, now: Nanos) {
        self.watch.handler_worked(now);
    }

    /// Embedder code that is not a handler has run until now.
    pub(crate) fn embedder_worked(&mut self, now: Nanos) {
        self.watch.see(now);
    }

    /// The latest moment that the driver knows.
    pub(crate) fn seen(&self) -> Nanos {
        self.watch.seen()
    }

    fn cpu_at(&self, now: Nanos) -> Nanos {
        self.before.cpu.saturating_add(self.watch.cpu_at(now))
    }

    fn wall_at(&self, now: Nanos) -> Nanos {
        self.before.wall.saturating_add(self.watch.wall_at(now))
    }

    /// Records why the call must stop, unless there is a reason already.
    pub(crate) fn stop(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
    }

    pub(crate) fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Looks at the clock and the cancel flag; true when there is a reason to stop.
    pub(crate) fn check(&mut self, now: Nanos, cancelled: bool) -> bool {
        self.watch.see(now);
        if self.stop.is_none() {
            if cancelled {
                self.stop(Stop::Cancelled);
            } else if self.cpu_at(now) >= nanos(self.limits.cpu_time) {
                self.stop(Stop::Limit(LimitKind::CpuTime));
            } else if self.wall_at(now) >= nanos(self.limits.wall_time) {
                self.stop(Stop::Limit(LimitKind::WallTime));
            }
        }
        self.stop.is_some()
    }

    /// As [`Driver::check`], at the latest moment that the driver knows.
    pub(crate) fn is_stopping(&mut self, cancelled: bool) -> bool {
        self.check(self.watch.seen(), cancelled)
    }

    /// Whether the call is cancelled or out of wall time, even if it was already stopped for another reason.
    fn is_over(&mut self, cancelled: bool) -> bool {
        self.check(self.watch.seen(), cancelled);
        cancelled || self.wall_at(self.watch.seen()) >= nanos(self.limits.wall_time)
    }

    /// What is left of the wall-clock limit.
    pub(crate) fn wall_left(&self, now: Nanos) -> Duration {
        Duration::from_nanos(nanos(self.limits.wall_time).saturating_sub(self.wall_at(now)))
    }

    /// Answers a poll of the guest. QuickJS polls at its interrupt checks, and metered code polls when its slice of
    /// fuel is used up. `fuel` is what the call has used since it began or was resumed.
    ///
    /// A built-in that makes no interrupt check cannot be told to unwind. It gets a few slices after there is a
    /// reason to stop; then it is trapped.
    pub(crate) fn poll(&mut self, now: Nanos, cancelled: bool, fuel: u64, is_slice_over: bool) -> Order {
        if let Some(slices) = &mut self.chore {
            *slices = slices.saturating_sub(u32::from(is_slice_over));
            return if *slices == 0 { Order::Kill } else { Order::GoOn };
        }
        if !is_slice_over {
            self.call.polls += 1;
            let opcodes = self.before.polls.saturating_add(self.call.polls).saturating_mul(OPCODES_PER_POLL);
            if self.limits.opcodes.is_some_and(|limit| opcodes > limit) {
                self.stop(Stop::Limit(LimitKind::Opcodes));
            }
        }
        self.watch.asked(fuel);
        self.burn(fuel);
        if self.check(now, cancelled) {
            self.overdue += u32::from(is_slice_over);
            return if self.overdue > SLICES_TO_UNWIND { Order::Kill } else { Order::Unwind };
        }
        let cpu = self.cpu_at(now);
        if is_slice_over && self.may_yield && cpu.saturating_sub(self.yielded_at_cpu) >= YIELD_AFTER {
            self.yielded_at_cpu = cpu;
            self.gives_way = true;
        }
        // Requests of a busy guest are handled now, not only when its operation ends.
        if is_slice_over && (self.gives_way || self.has_events()) { Order::Yield } else { Order::GoOn }
    }

    /// Whether the guest yields to the executor, and not only to have its requests handled.
    pub(crate) fn take_gives_way(&mut self) -> bool {
        std::mem::take(&mut self.gives_way)
    }

    /// Fuel for the guest's next slice: shortened so that a fuel limit is not overshot.
    pub(crate) fn next_slice(&self, fuel: u64) -> u64 {
        match self.limits.fuel {
            Some(limit) if self.stop.is_none() && self.chore.is_none() => {
                let left = limit.saturating_sub(self.before.fuel.saturating_add(fuel));
                left.saturating_add(1).min(SLICE)
            }
            _ => SLICE,
        }
    }

    /// Starts an operation of the host's own in the guest, with at most this many slices.
    pub(crate) fn begin_chore(&mut self, slices: u32) {
        self.chore = Some(slices);
    }

    /// Ends an operation of the host's own.
    pub(crate) fn end_chore(&mut self) {
        self.chore = None;
        // A hostile guest may have sent messages meanwhile; they are dropped.
        self.mail = Mail::default();
    }

    /// Checks the fuel limit. This also catches a script that ends before QuickJS polls.
    pub(crate) fn burn(&mut self, fuel: u64) {
        if self.limits.fuel.is_some_and(|limit| self.before.fuel.saturating_add(fuel) > limit) {
            self.stop(Stop::Limit(LimitKind::Fuel));
        }
    }
}

fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests;
