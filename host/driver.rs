//! One call as a state machine: what the guest may still do, what it has asked for, and why it must stop.
//!
//! It owns every decision about limits and keeps every message in flight. It must never know wasmtime, a handler or a
//! clock: time comes in as nanoseconds, so that a test can drive it.

use std::collections::VecDeque;
use std::time::Duration;

use belljar_abi::{Level, Send, Shape};
use serde::{Deserialize, Serialize};

use crate::error::{Error, JsError};
use crate::limits::{LimitKind, Limits, OPCODES_PER_POLL};
use crate::router::RpcError;
use crate::stats::Stats;

/// Nanoseconds since some fixed moment.
pub(crate) type Nanos = u64;

/// Fuel between two looks at the clock: 0.04 to 0.1 milliseconds of most code, half a one where it waits for memory at every step.
const SLICE: u64 = 1_000_000;
/// The most time that a guest can have taken for a unit of fuel: twice what any has been seen to take.
const MOST_PER_FUEL: Nanos = 1;
/// Fuel that stands for a nanosecond where a time must not depend on the machine. A loop burns 25 units in one, and what waits for memory at
/// every step has been seen to burn 2.1; the least counts, because a limit that errs must err by stopping.
const FUEL_PER_NANO: u64 = 2;
/// Time between two readings of the cheap clock beyond which the thread may have been without a processor.
const TICK_AFTER: Nanos = 1_000_000;
/// Slices in which a guest can unwind. QuickJS asks once in ten thousand jumps and calls, which take up to two of them.
const SLICES_TO_UNWIND: u32 = 3;
/// How long a busy script may keep an executor's thread before it yields.
const YIELD_AFTER: Nanos = 2_000_000;
/// Rejections that one call reports; a script that rejects more says nothing new. Together they weigh no more than one message,
/// because the host reads them, and neither its memory nor its time is the guest's.
const REJECTIONS_PER_CALL: usize = 256;

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

/// Something that the guest asked for and that happens outside of it, in order.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Console(Level, Vec<u8>),
    Rejection(Vec<u8>),
    Rpc(Request),
}

/// A call of a handler.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) id: u32,
    pub(crate) method: Vec<u8>,
    pub(crate) params: Vec<u8>,
}

impl Request {
    pub(crate) fn bytes(&self) -> u64 {
        (self.method.len() + self.params.len()) as u64
    }
}

/// What the guest said its call has come to.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Value(Vec<u8>),
    /// A string as itself.
    Text(Vec<u8>),
    /// What the console shows for anything else.
    Shown(Vec<u8>),
    Undefined,
    Failure(Vec<u8>),
    NotSerializable(Vec<u8>),
    Bytecode(Vec<u8>),
}

/// A synchronous call of a handler, from the guest's request to the guest's pull of the reply.
#[derive(Debug, Default)]
enum SyncCall {
    #[default]
    None,
    Asked(Request),
    Working,
    Answered(Result<Vec<u8>, Vec<u8>>),
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

/// What a call had used when it was paused. It goes on counting from here, so a pause is no way to a fresh budget. The numbers come out
/// of a snapshot and may be any; sums with them end at the largest.
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
    /// The same, with times that follow from the work and from no machine's clock: two runs of one script have spent as much. A pause
    /// is still no way to a fresh budget: most scripts have taken a tenth of the time that they are charged for. Only what was waited for
    /// until then is forgotten.
    pub(crate) fn in_nominal_time(self) -> Spent {
        let nominal = self.fuel / FUEL_PER_NANO;
        Spent { cpu: nominal, wall: nominal, ..self }
    }
}

/// The state of one instance's call in progress, and what its calls have used in total.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    limits: Limits,
    begun: Nanos,
    /// What the call used before it was paused; zero in a call that never was.
    before: Spent,
    cpu: Nanos,
    resumed: Option<Nanos>,
    /// What the thread's own clock said at the newest [`Driver::tick`] of this segment.
    thread_cpu: Option<Nanos>,
    /// The fuel that the call had used when the guest last asked.
    fuel_seen: u64,
    yielded_at_cpu: Nanos,
    may_yield: bool,
    gives_way: bool,
    /// Slices that are left for work of our own, while there is any.
    chore: Option<u32>,
    handlers: Nanos,
    stop: Option<Stop>,
    /// Slices that have ended since a reason to stop came up.
    overdue: u32,
    inbox: Vec<u8>,
    outcome: Option<Outcome>,
    events: VecDeque<Event>,
    rejections: usize,
    rejection_bytes: u64,
    sync_call: SyncCall,
    in_flight: u32,
    held_bytes: u64,
    console_bytes: u64,
    call: Stats,
    total: Stats,
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
        *self = Driver { limits, total, begun: now, call: Stats { calls: 1, ..Stats::default() }, ..Driver::default() };
    }

    /// Goes on with a call that was paused.
    pub(crate) fn begin_again(&mut self, now: Nanos, before: Spent) {
        self.begin(now);
        self.call.calls = 0;
        self.before = before;
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
        self.call.cpu_time = Duration::from_nanos(self.cpu);
        self.call.wall_time = Duration::from_nanos(now.saturating_sub(self.begun));
        self.call.handler_time = Duration::from_nanos(self.handlers);
        self.total.add(&self.call);
    }

    pub(crate) fn call_stats(&mut self) -> &mut Stats {
        &mut self.call
    }

    pub(crate) fn totals(&self) -> (Stats, Stats) {
        (self.call, self.total)
    }

    /// The guest starts to run.
    pub(crate) fn resume(&mut self, now: Nanos) {
        self.resumed = Some(now);
    }

    /// Takes down the guest's time by the clock of its thread, which stands still while others have the processor. That clock
    /// costs a system call, so it is read at the end of slices and when the other one says that it matters.
    pub(crate) fn tick(&mut self, now: Nanos, thread_cpu: Nanos, fuel: u64) {
        let Some(resumed) = self.resumed.replace(now) else { return };
        self.cpu += match self.thread_cpu.replace(thread_cpu) {
            Some(before) => thread_cpu.saturating_sub(before),
            None => now.saturating_sub(resumed).min(unwatched(fuel.saturating_sub(self.fuel_seen))),
        };
    }

    /// Whether so much time has gone by since it was last taken down that it matters whose it was.
    pub(crate) fn is_tick_due(&self, now: Nanos) -> bool {
        let since = self.resumed.map_or(0, |resumed| now.saturating_sub(resumed));
        self.thread_cpu.is_some() && since > TICK_AFTER || self.cpu_at(now) >= nanos(self.limits.cpu_time)
    }

    /// The guest has stopped running.
    pub(crate) fn pause(&mut self, now: Nanos) {
        let is_watched = self.thread_cpu.take().is_some();
        if let Some(resumed) = self.resumed.take() {
            let elapsed = now.saturating_sub(resumed);
            self.cpu += if is_watched { elapsed } else { elapsed.min(unwatched(0)) };
        }
    }

    /// A handler has worked for so long.
    pub(crate) fn handler_worked(&mut self, time: Nanos) {
        self.handlers += time;
    }

    fn cpu_at(&self, now: Nanos) -> Nanos {
        let running = self.resumed.map_or(0, |resumed| now.saturating_sub(resumed));
        self.before.cpu.saturating_add(self.cpu).saturating_add(running)
    }

    fn wall_at(&self, now: Nanos) -> Nanos {
        self.before.wall.saturating_add(now.saturating_sub(self.begun))
    }

    /// Records why the call must stop, unless there is a reason already.
    pub(crate) fn stop(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
    }

    pub(crate) fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Looks at the clock and the cancel flag.
    pub(crate) fn check(&mut self, now: Nanos, cancelled: bool) -> bool {
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

    /// What is left of the wall-clock limit.
    pub(crate) fn wall_left(&self, now: Nanos) -> Duration {
        Duration::from_nanos(nanos(self.limits.wall_time).saturating_sub(self.wall_at(now)))
    }

    /// The guest asks whether to go on: QuickJS does so every so often, and metered code when its slice of fuel is over. `fuel` is
    /// what the call has used since it began or went on.
    ///
    /// A built-in that never asks on QuickJS's behalf cannot be told to unwind. It has a few slices from the moment that a
    /// reason to stop has come up; then it is trapped.
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
        self.fuel_seen = fuel;
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
        if is_slice_over && (self.gives_way || !self.events.is_empty()) { Order::Yield } else { Order::GoOn }
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
    }

    /// Looks at the fuel that the call has used. A script that ends before QuickJS polls next is looked at when it ends.
    pub(crate) fn burn(&mut self, fuel: u64) {
        if self.limits.fuel.is_some_and(|limit| self.before.fuel.saturating_add(fuel) > limit) {
            self.stop(Stop::Limit(LimitKind::Fuel));
        }
    }

    /// Announces a message that the guest will pull.
    pub(crate) fn announce(&mut self, message: Vec<u8>) {
        self.call.bytes_in += message.len() as u64;
        self.inbox = message;
    }

    /// The guest pulls the announced message; None when this is not its length.
    pub(crate) fn take(&mut self, length: u64) -> Option<Vec<u8>> {
        if self.inbox.len() as u64 == length {
            Some(std::mem::take(&mut self.inbox))
        } else {
            self.stop(Stop::Protocol("it took a message that was not announced"));
            None
        }
    }

    fn fits(&mut self, length: u64) -> bool {
        let fits = length <= self.limits.message_bytes;
        if !fits {
            self.stop(Stop::Limit(LimitKind::Message));
        }
        self.call.bytes_out = self.call.bytes_out.saturating_add(length);
        fits
    }

    /// The guest hands out bytes; true means that it must unwind.
    pub(crate) fn send(&mut self, kind: u32, detail: u32, bytes: &[u8]) -> bool {
        if self.stop.is_some() {
            return true;
        }
        if !self.fits(bytes.len() as u64) {
            return true;
        }
        match Send::from_wire(kind) {
            Some(Send::Result) => match Shape::from_wire(detail) {
                Some(Shape::Json) => self.settle(Outcome::Value(bytes.to_vec())),
                Some(Shape::Text) => self.settle(Outcome::Text(bytes.to_vec())),
                Some(Shape::Console) => self.settle(Outcome::Shown(bytes.to_vec())),
                None => self.stop(Stop::Protocol("it sent a result of an unknown shape")),
            },
            Some(Send::Undefined) => self.settle(Outcome::Undefined),
            Some(Send::Failure) => self.settle(Outcome::Failure(bytes.to_vec())),
            Some(Send::NotSerializable) => self.settle(Outcome::NotSerializable(bytes.to_vec())),
            Some(Send::Bytecode) => self.settle(Outcome::Bytecode(bytes.to_vec())),
            Some(Send::Console) => match Level::from_wire(detail) {
                Some(level) => self.console(level, bytes),
                None => self.stop(Stop::Protocol("it printed at an unknown level")),
            },
            Some(Send::Rejection) => {
                self.rejection_bytes = self.rejection_bytes.saturating_add(bytes.len() as u64);
                if self.rejections < REJECTIONS_PER_CALL && self.rejection_bytes <= self.limits.message_bytes {
                    self.rejections += 1;
                    self.events.push_back(Event::Rejection(bytes.to_vec()));
                }
            }
            None => self.stop(Stop::Protocol("it sent bytes of an unknown kind")),
        }
        self.stop.is_some()
    }

    fn settle(&mut self, outcome: Outcome) {
        if self.outcome.replace(outcome).is_some() {
            self.stop(Stop::Protocol("it sent two results"));
        }
    }

    fn console(&mut self, level: Level, line: &[u8]) {
        self.console_bytes = self.console_bytes.saturating_add(line.len() as u64 + 1);
        if self.before.console_bytes.saturating_add(self.console_bytes) > self.limits.console_bytes {
            self.stop(Stop::Limit(LimitKind::Console));
        } else {
            self.events.push_back(Event::Console(level, line.to_vec()));
        }
    }

    fn admit(&mut self, method: &[u8], params: &[u8]) -> bool {
        if self.stop.is_some() || !self.fits((method.len() + params.len()) as u64) {
            return false;
        }
        self.call.rpc_calls += 1;
        if self.before.rpc_calls.saturating_add(self.call.rpc_calls) > self.limits.rpc_calls.into() {
            self.stop(Stop::Limit(LimitKind::RpcCalls));
            return false;
        }
        true
    }

    /// The guest starts a call; true means that it must unwind.
    pub(crate) fn rpc(&mut self, id: u32, method: &[u8], params: &[u8]) -> bool {
        if !self.admit(method, params) {
            return true;
        }
        if self.in_flight >= self.limits.pending_rpcs {
            self.stop(Stop::Limit(LimitKind::PendingRpcs));
            return true;
        }
        let request = Request { id, method: method.to_vec(), params: params.to_vec() };
        // What waits on the host for a guest is bounded by the same number as the guest's own memory.
        if self.held_bytes + request.bytes() > self.limits.memory_bytes {
            self.stop(Stop::Limit(LimitKind::Memory));
            return true;
        }
        self.held_bytes += request.bytes();
        self.in_flight += 1;
        self.events.push_back(Event::Rpc(request));
        false
    }

    /// A call has its answer or waits for one elsewhere; `bytes` is what its method and parameters weighed. Until then they count,
    /// whatever has become of them: a reply takes their place, and a guest that is busy takes no replies.
    pub(crate) fn answered(&mut self, bytes: u64) {
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The guest makes a call and waits; true means that it must unwind.
    pub(crate) fn rpc_sync(&mut self, method: &[u8], params: &[u8]) -> bool {
        if !self.admit(method, params) {
            return true;
        }
        self.sync_call = SyncCall::Asked(Request { id: 0, method: method.to_vec(), params: params.to_vec() });
        false
    }

    /// Whether the guest is suspended in a synchronous call, and not at the end of a slice.
    pub(crate) fn is_in_sync_call(&self) -> bool {
        matches!(self.sync_call, SyncCall::Asked(_) | SyncCall::Working)
    }

    /// The synchronous call that waits to be started.
    pub(crate) fn take_sync_request(&mut self) -> Option<Request> {
        match std::mem::replace(&mut self.sync_call, SyncCall::Working) {
            SyncCall::Asked(request) => Some(request),
            other => {
                self.sync_call = other;
                None
            }
        }
    }

    /// Answers the synchronous call.
    pub(crate) fn answer_sync(&mut self, reply: Result<Option<String>, RpcError>) {
        let reply = self.sized(reply);
        self.sync_call = SyncCall::Answered(match reply {
            Ok(text) => Ok(text.unwrap_or_default().into_bytes()),
            Err(error) => Err(error.to_wire().into_bytes()),
        });
    }

    /// A reply that is too large is the handler's fault, so script gets an error that it can catch.
    pub(crate) fn sized(&self, reply: Result<Option<String>, RpcError>) -> Result<Option<String>, RpcError> {
        let limit = self.limits.message_bytes;
        let error = match &reply {
            Ok(Some(text)) if text.len() as u64 > limit => {
                format!("the reply of {} bytes is over the limit of {limit}", text.len())
            }
            Err(error) if (error.code().len() + error.message().len()) as u64 > limit => {
                format!("the error of the handler is over the limit of {limit} bytes")
            }
            _ => return reply,
        };
        Err(RpcError::new(LimitKind::Message.code(), error))
    }

    /// The guest comes back for its reply. None while there is none; otherwise whether it is a value, and its
    /// length, which is then announced. An error stands for stop.
    pub(crate) fn poll_sync(&mut self) -> Option<Result<(bool, u32), ()>> {
        if self.stop.is_some() {
            self.sync_call = SyncCall::None;
            return Some(Err(()));
        }
        match std::mem::take(&mut self.sync_call) {
            SyncCall::Answered(reply) => {
                let (is_value, message) = match reply {
                    Ok(message) => (true, message),
                    Err(message) => (false, message),
                };
                let Ok(length) = u32::try_from(message.len()) else { return Some(Err(())) };
                self.announce(message);
                Some(Ok((is_value, length)))
            }
            other => {
                self.sync_call = other;
                None
            }
        }
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }
}

/// What a guest can have used of the processor at most while its thread's clock was not looked at: as much as its fuel allows, and no
/// less than a slice, whose end is always looked at. The rest of the time others had the processor.
fn unwatched(fuel: u64) -> Nanos {
    fuel.max(SLICE).saturating_mul(MOST_PER_FUEL)
}

fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn driver(limits: Limits) -> Driver {
        let mut driver = Driver::new(limits);
        driver.begin(0);
        driver
    }

    fn cpu_limit(ms: u64) -> Limits {
        Limits { cpu_time: Duration::from_millis(ms), ..Limits::default() }
    }

    #[test]
    fn the_cpu_budget_is_one_sum_over_all_segments() {
        let mut driver = driver(cpu_limit(10));
        for segment in 0..2 {
            driver.resume(segment * 100 * MS);
            assert!(!driver.check(segment * 100 * MS + 4 * MS, false));
            driver.tick(segment * 100 * MS + 4 * MS, 0, (segment + 1) * 4 * MS);
            driver.poll(segment * 100 * MS + 4 * MS, false, (segment + 1) * 4 * MS, true);
            driver.pause(segment * 100 * MS + 4 * MS);
        }
        driver.resume(300 * MS);
        assert!(!driver.check(301 * MS, false));
        assert!(driver.check(302 * MS, false));
        assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::CpuTime)));
    }

    #[test]
    fn time_in_which_others_had_the_processor_is_not_the_guests() {
        let mut driver = driver(cpu_limit(10));
        driver.resume(0);
        driver.tick(MS, 500 * MS, 0);
        assert!(!driver.is_tick_due(MS + MS / 2));
        assert!(driver.is_tick_due(60 * MS));
        driver.tick(60 * MS, 502 * MS, 0);
        assert!(!driver.check(60 * MS, false));
        driver.tick(61 * MS, 509 * MS, 0);
        assert!(driver.check(61 * MS, false));
    }

    #[test]
    fn time_that_no_slice_can_have_taken_is_not_the_guests() {
        let mut driver = driver(cpu_limit(10));
        for segment in 0..5 {
            driver.resume(segment * 100 * MS);
            driver.pause(segment * 100 * MS + 50 * MS);
        }
        driver.resume(500 * MS);
        driver.tick(550 * MS, 0, 0);
        assert!(!driver.check(550 * MS, false));
        driver.pause(550 * MS);
        // What it has paid for with fuel it can have taken.
        driver.resume(600 * MS);
        driver.tick(650 * MS, 0, 20 * MS);
        assert!(driver.check(650 * MS, false));
    }

    #[test]
    fn waiting_counts_for_the_wall_and_not_for_the_cpu() {
        let mut driver = driver(Limits { wall_time: Duration::from_millis(50), ..cpu_limit(10) });
        driver.resume(0);
        driver.pause(5 * MS);
        assert!(!driver.check(49 * MS, false));
        assert!(driver.check(50 * MS, false));
        assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::WallTime)));
    }

    #[test]
    fn a_clock_that_goes_backwards_breaks_nothing_and_gives_no_time_back() {
        let mut driver = driver(cpu_limit(10));
        driver.resume(100 * MS);
        driver.tick(108 * MS, 50 * MS, 8 * MS);
        driver.tick(3 * MS, 2 * MS, 0);
        driver.tick(4 * MS, MS, 0);
        assert!(!driver.check(2 * MS, false));
        driver.pause(0);
        driver.resume(200 * MS);
        assert!(driver.check(202 * MS, false));
        assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::CpuTime)));
        driver.end(0);
        assert!(driver.totals().1.cpu_time >= Duration::from_millis(8));
    }

    #[test]
    fn a_guest_that_does_not_unwind_has_a_few_slices_to_do_so() {
        let mut driver = driver(cpu_limit(1));
        driver.resume(0);
        assert_eq!(driver.poll(0, false, 0, true), Order::GoOn);
        for _ in 0..SLICES_TO_UNWIND {
            assert_eq!(driver.poll(2 * MS, false, 0, true), Order::Unwind);
            assert_eq!(driver.poll(2 * MS, false, 0, false), Order::Unwind);
        }
        assert_eq!(driver.poll(3 * MS, false, 0, true), Order::Kill);
    }

    #[test]
    fn a_busy_guest_yields_every_few_milliseconds_where_it_may() {
        for may_yield in [false, true] {
            let mut driver = driver(Limits::default());
            if may_yield {
                driver.allow_yield();
            }
            driver.resume(0);
            let yields = (0..100).filter(|at| {
                let order = driver.poll(at * MS, false, 0, true);
                assert_eq!(order == Order::Yield, driver.take_gives_way());
                order == Order::Yield
            });
            let yields = yields.count();
            assert_eq!(yields, if may_yield { 49 } else { 0 });
        }
    }

    #[test]
    fn a_busy_guest_stops_to_have_its_lines_printed() {
        let mut driver = driver(Limits::default());
        assert!(!driver.send(Send::Console as u32, Level::Log as u32, b"still here"));
        assert_eq!(driver.poll(0, false, 0, false), Order::GoOn);
        assert_eq!(driver.poll(0, false, 0, true), Order::Yield);
        assert!(!driver.take_gives_way());
        assert!(driver.take_event().is_some());
        assert_eq!(driver.poll(0, false, 0, true), Order::GoOn);
    }

    #[test]
    fn the_last_slice_ends_at_the_fuel_limit() {
        let mut driver = driver(Limits { fuel: Some(SLICE + 10), ..Limits::default() });
        assert_eq!(driver.next_slice(0), SLICE);
        assert_eq!(driver.next_slice(SLICE), 11);
        assert_eq!(driver.poll(0, false, SLICE + 10, true), Order::GoOn);
        assert_eq!(driver.poll(0, false, SLICE + 11, true), Order::Unwind);
        assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::Fuel)));
        assert_eq!(driver.next_slice(SLICE + 11), SLICE);
    }

    #[test]
    fn a_chore_has_its_slices_and_no_limits() {
        let mut driver = driver(cpu_limit(0));
        driver.begin_chore(2);
        assert_eq!(driver.poll(MS, true, 0, false), Order::GoOn);
        assert_eq!(driver.poll(MS, true, 0, true), Order::GoOn);
        assert_eq!(driver.poll(MS, true, 0, true), Order::Kill);
        driver.end_chore();
        assert_eq!(driver.poll(MS, true, 0, true), Order::Unwind);
    }

    #[test]
    fn the_first_reason_to_stop_is_the_one_that_is_told() {
        let mut driver = driver(cpu_limit(1));
        assert!(driver.check(0, true));
        driver.resume(0);
        assert!(driver.check(5 * MS, true));
        assert_eq!(driver.stopped(), Some(&Stop::Cancelled));
    }

    #[test]
    fn a_message_is_taken_once_and_whole() {
        let mut driver = driver(Limits::default());
        driver.announce(vec![1, 2, 3]);
        assert_eq!(driver.take(2), None);
        assert!(matches!(driver.stopped(), Some(Stop::Protocol(_))));
        driver.begin(0);
        driver.announce(vec![1, 2, 3]);
        assert_eq!(driver.take(3), Some(vec![1, 2, 3]));
        assert_eq!(driver.take(3), None);
    }

    #[test]
    fn two_results_are_a_breach() {
        let mut driver = driver(Limits::default());
        assert!(!driver.send(Send::Undefined as u32, 0, &[]));
        assert!(driver.send(Send::Undefined as u32, 0, &[]));
    }

    #[test]
    fn a_result_of_an_unknown_shape_is_a_breach() {
        let mut driver = driver(Limits::default());
        assert!(driver.send(Send::Result as u32, Shape::Console as u32 + 1, b"1"));
        assert!(matches!(driver.stopped(), Some(Stop::Protocol(_))));
    }

    #[test]
    fn calls_that_wait_hold_no_more_than_the_memory_limit() {
        let mut driver = driver(Limits { memory_bytes: 100, ..Limits::default() });
        assert!(!driver.rpc(0, b"m", &[0; 60]));
        assert!(driver.rpc(1, b"m", &[0; 60]));
        assert_eq!(driver.stopped(), Some(&Stop::Limit(LimitKind::Memory)));
    }

    #[test]
    fn rejections_of_one_call_are_bounded() {
        let mut driver = driver(Limits::default());
        for _ in 0..10_000 {
            assert!(!driver.send(Send::Rejection as u32, 0, b"{}"));
        }
        assert_eq!(std::iter::from_fn(|| driver.take_event()).count(), REJECTIONS_PER_CALL);
    }

    #[test]
    fn rejections_of_one_call_weigh_no_more_than_one_message() {
        let mut driver = driver(Limits { message_bytes: 100, ..Limits::default() });
        for _ in 0..10 {
            assert!(!driver.send(Send::Rejection as u32, 0, &[b' '; 40]));
        }
        assert_eq!(std::iter::from_fn(|| driver.take_event()).count(), 2);
    }
}
