//! One call as a state machine: what the guest may still do, what it has asked for, and why it must stop.
//!
//! It owns every decision about limits; `mail` keeps every message in flight. It must never know wasmtime, a handler
//! or a clock: time comes in as nanoseconds, so that a test can drive it.

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

/// Fuel between two looks at the clock: 0.04 to 0.1 milliseconds of most code, half a one where it waits for memory
/// at every step.
const SLICE: u64 = 1_000_000;
/// Fuel that stands for a nanosecond where a time must not depend on the machine. A loop burns 25 units in one, and
/// what waits for memory at every step has been seen to burn 2.1; the least counts, because a limit that errs must
/// err by stopping.
const FUEL_PER_NANO: u64 = 2;
/// Slices in which a guest can unwind. QuickJS asks once in ten thousand jumps and calls, which take up to two of
/// them.
const SLICES_TO_UNWIND: u32 = 3;
/// How long a busy script may keep an executor's thread before it yields. Executors look at their timers and sockets
/// every so many polls (tokio every 61), also when a task that wakes itself is always ready, so this times that is
/// how late a neighbour wakes.
const YIELD_AFTER: Nanos = 200_000;
/// Why a call ends before its time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stop {
    Limit(LimitKind),
    Cancelled,
    Rejected(JsError),
    Protocol(&'static str),
    Diverged(String),
    /// The machine refused what the call needs.
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

/// What the guest is told when it polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    GoOn,
    /// Leave, and nothing may catch it on the way.
    Unwind,
    /// Let others run first.
    Yield,
    /// It had its chance to unwind.
    Kill,
}

/// What a call had used when it was paused. It goes on counting from here, so a pause is no way to a fresh budget.
/// The numbers come out of a snapshot and may be any; sums with them end at the largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) cpu: Nanos,
    pub(crate) wall: Nanos,
    pub(crate) fuel: u64,
    #[serde(default)]
    pub(crate) polls: u64,
    pub(crate) rpc_calls: u64,
    pub(crate) console_bytes: u64,
}

impl Spent {
    /// The same, with times that follow from the work and from no machine's clock: two runs of one script have spent
    /// as much. A pause is still no way to a fresh budget: most scripts have taken a tenth of the time that they are
    /// charged for. Only what was waited for until then is forgotten.
    pub(crate) fn in_nominal_time(self) -> Spent {
        let nominal = self.fuel / FUEL_PER_NANO;
        Spent { cpu: nominal, wall: nominal, ..self }
    }
}

/// The state of one instance's call in progress, and what its calls have used in total.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    limits: Limits,
    /// What the call used before it was paused; zero in a call that never was.
    before: Spent,
    watch: Watch,
    yielded_at_cpu: Nanos,
    may_yield: bool,
    gives_way: bool,
    /// Slices that are left for work of our own, while there is any.
    chore: Option<u32>,
    stop: Option<Stop>,
    /// Slices that have ended since a reason to stop came up.
    overdue: u32,
    mail: Mail,
    console_bytes: u64,
    call: Stats,
    total: Stats,
    /// The methods of calls that had no answer when the call of the instance ended, as messages show them.
    dropped: Vec<String>,
}

impl Driver {
    pub(crate) fn new(limits: Limits) -> Driver {
        Driver { limits, ..Driver::default() }
    }

    /// Lets a busy guest give way to others.
    pub(crate) fn allow_yield(&mut self) {
        self.may_yield = true;
    }

    /// Starts a call. Nothing of an earlier one is left.
    pub(crate) fn begin(&mut self, now: Nanos) {
        let (limits, total) = (std::mem::take(&mut self.limits), self.total);
        let call = Stats { calls: 1, ..Stats::default() };
        *self = Driver { limits, total, watch: Watch::begin(now), call, ..Driver::default() };
    }

    /// Goes on with a call that was paused, and the calls of handlers that it waits for.
    pub(crate) fn begin_again(&mut self, now: Nanos, before: Spent, (calls, weight): (u32, u64)) {
        self.begin(now);
        self.call.calls = 0;
        self.before = before;
        self.carry(calls, weight);
    }

    /// What the call has used so far, its time before a pause included.
    pub(crate) fn spent(&self, now: Nanos) -> Spent {
        Spent {
            cpu: self.cpu_at(now),
            wall: self.wall_at(now),
            fuel: self.before.fuel.saturating_add(self.call.fuel),
            polls: self.before.polls.saturating_add(self.call.polls),
            rpc_calls: self.before.rpc_calls.saturating_add(self.call.rpc_calls),
            console_bytes: self.before.console_bytes.saturating_add(self.console_bytes),
        }
    }

    /// Ends a call and adds what it used to the total.
    pub(crate) fn end(&mut self, now: Nanos) {
        self.pause(now);
        self.call.cpu_time = Duration::from_nanos(self.watch.cpu_at(now));
        self.call.wall_time = Duration::from_nanos(self.watch.wall_at(now));
        self.call.handler_time = Duration::from_nanos(self.watch.handlers());
        self.total.add(&self.call);
        // Nobody asks for it any more, and the next call may be a long time off.
        self.mail = Mail::default();
        self.stop = None;
    }

    /// The call of the instance ends while so many calls of handlers have no answer.
    pub(crate) fn drop_calls(&mut self, calls: usize, methods: Vec<String>) {
        self.call.dropped_calls += calls as u64;
        self.dropped = methods;
    }

    /// The methods of calls that had no answer when the newest call of the instance ended.
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

    /// The guest starts to run at the newest moment that the driver was told.
    pub(crate) fn resume_at_once(&mut self) {
        self.watch.resume(self.watch.seen());
    }

    /// Adds the guest's time by the clock of its thread; see [`Watch::tick`].
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

    /// A handler has worked since the newest moment that the driver was told.
    pub(crate) fn handler_worked(&mut self, now: Nanos) {
        self.watch.handler_worked(now);
    }

    /// Code of the embedder's that is no handler has run until now.
    pub(crate) fn embedder_worked(&mut self, now: Nanos) {
        self.watch.see(now);
    }

    /// The newest moment that the driver was told.
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

    /// As [`Driver::check`], at the newest moment that the driver was told.
    pub(crate) fn is_stopping(&mut self, cancelled: bool) -> bool {
        self.check(self.watch.seen(), cancelled)
    }

    /// Whether the call is cancelled or has no wall time left, also where something else has stopped it before.
    fn is_over(&mut self, cancelled: bool) -> bool {
        self.check(self.watch.seen(), cancelled);
        cancelled || self.wall_at(self.watch.seen()) >= nanos(self.limits.wall_time)
    }

    /// What is left of the wall-clock limit.
    pub(crate) fn wall_left(&self, now: Nanos) -> Duration {
        Duration::from_nanos(nanos(self.limits.wall_time).saturating_sub(self.wall_at(now)))
    }

    /// The guest asks whether to go on: QuickJS does so every so often, and metered code when its slice of fuel is
    /// over. `fuel` is what the call has used since it began or went on.
    ///
    /// A built-in that never asks on QuickJS's behalf cannot be told to unwind. It has a few slices from the moment
    /// that a reason to stop has come up; then it is trapped.
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
        // What a busy guest has asked for happens now, and not when it is done.
        if is_slice_over && (self.gives_way || self.has_events()) { Order::Yield } else { Order::GoOn }
    }

    /// Whether the guest has yielded so that the executor can run others, and not only to have its requests seen to.
    pub(crate) fn take_gives_way(&mut self) -> bool {
        std::mem::take(&mut self.gives_way)
    }

    /// Fuel for the guest's next slice, so that a fuel limit is met and not overshot.
    pub(crate) fn next_slice(&self, fuel: u64) -> u64 {
        match self.limits.fuel {
            Some(limit) if self.stop.is_none() && self.chore.is_none() => {
                let left = limit.saturating_sub(self.before.fuel.saturating_add(fuel));
                left.saturating_add(1).min(SLICE)
            }
            _ => SLICE,
        }
    }

    /// Starts work of our own in the guest, which has so many slices for it.
    pub(crate) fn begin_chore(&mut self, slices: u32) {
        self.chore = Some(slices);
    }

    /// Ends work of our own.
    pub(crate) fn end_chore(&mut self) {
        self.chore = None;
        // Whatever a guest that was taken over has said meanwhile.
        self.mail = Mail::default();
    }

    /// Looks at the fuel that the call has used. A script that ends before QuickJS polls next is looked at when it
    /// ends.
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
