//! The course of one call: it is prepared, driven turn by turn until there is a result or a reason to stop, and
//! cleaned up.
//!
//! It connects the driver, the virtual machine and the handlers. It must never know what the result means.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use belljar_abi::{Op, Status as Wire, configure, flag, vitals};

use super::{Instance, Phase};
use crate::calls::{Calls, Mode, Reach};
use crate::driver::{Driver, Nanos, Outcome, Spent};
use crate::error::{Error, Result};
use crate::excerpt;
use crate::limits::LimitKind;
use crate::nesting;
use crate::pending::{Answer, CallId};
use crate::tally::Count;
use crate::timer::Timer;
use crate::trace;
use crate::turn::{Message, Waited, turn, wait};

/// Slices of fuel for an operation that the host starts itself: a few tens of milliseconds.
const CHORE_SLICES: u32 = 100;
/// Slices of fuel to clear a megabyte of free memory: the guest reads every word, which takes a little more than one.
const SLICES_PER_MEGABYTE: u32 = 4;

/// What a call leaves behind in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leftovers {
    None,
    /// Jobs or promises that must be dropped.
    Some,
    /// A paused call, which will be resumed.
    Call,
    /// A guest that was stopped in the middle of an operation.
    Poison,
}

/// How a call ended, when it was not stopped.
pub(super) enum Ended {
    Outcome(Outcome),
    NoSuchEvent,
    Paused,
}

/// The words of `Op::Configure`.
pub(super) type Configured = [u32; configure::WORDS];
/// A host-side mark in [`Instance::configured`]. The guest is never sent this bit, so the comparison fails and the
/// guest is told to reseed.
pub(super) const STALE_RANDOM: u32 = 1 << 31;
pub(super) const IMAGE_CONFIGURED: Configured = [configure::IMAGE_HEAP_BYTES, configure::IMAGE_STACK_BYTES, 0];

/// The error for an operation that the guest does not know.
fn too_old() -> Error {
    Error::host("the guest image is too old for this operation; build it from the sources of this version")
}

impl Instance {
    /// Prepares the instance for a call: cleans up after an earlier one, and tells the guest its limits.
    pub(super) fn admit(&mut self) -> Result<()> {
        match self.phase {
            // The future of the last call was dropped while guest code was suspended, so the guest's state is
            // inconsistent.
            Phase::Running => {
                self.close(Leftovers::None);
                self.poison();
            }
            Phase::Waiting => self.close(Leftovers::Some),
            // A new call abandons the paused one, whose use is already counted.
            Phase::Paused => {
                self.phase = Phase::Idle;
                self.paused.clear();
                if !self.housekeep(Op::Abandon, &[]) {
                    self.poison();
                }
            }
            Phase::Idle => {}
        }
        if self.vm.is_none() {
            return Err(Error::Poisoned);
        }
        self.configure()
    }

    pub(super) fn configure(&mut self) -> Result<()> {
        let mut words: Configured = [0; configure::WORDS];
        words[configure::HEAP_BYTES] = u32::try_from(self.limits.js_heap_bytes).unwrap_or(u32::MAX);
        words[configure::STACK_BYTES] = u32::try_from(self.limits.stack_bytes).unwrap_or(u32::MAX);
        if !self.code_generation {
            words[configure::SWITCHES] |= configure::NO_CODE_GENERATION;
        }
        if !self.web_apis {
            words[configure::SWITCHES] |= configure::NO_WEB_APIS;
        }
        if self.is_session {
            words[configure::SWITCHES] |= configure::SESSION;
        }
        if words == self.configured {
            return Ok(());
        }
        let mut orders = words;
        if self.configured[configure::SWITCHES] & STALE_RANDOM != 0 {
            orders[configure::SWITCHES] |= configure::RESEED;
        }
        if self.housekeep(Op::Configure, &orders.map(u32::to_le_bytes).concat()) {
            self.configured = words;
            return Ok(());
        }
        self.poison();
        Err(Error::input("the guest cannot begin under so low a limit of heap or stack"))
    }

    pub(super) fn poison(&mut self) {
        self.runtime.tally().add(Count::Poisoned);
        self.vm = None;
        self.phase = Phase::Idle;
        self.paused.clear();
    }

    /// Runs an operation of the host's own in the guest, which runs no script; false when it fails.
    pub(super) fn housekeep(&mut self, op: Op, payload: &[u8]) -> bool {
        matches!(self.chore(op, payload, CHORE_SLICES), Some((Wire::Done, _)))
    }

    /// Makes the guest clear its free memory before a snapshot. False when the guest has become unusable.
    pub(super) fn clear_free_memory(&mut self) -> bool {
        let Some(vm) = &self.vm else { return false };
        let slices = u32::try_from(vm.memory_bytes() >> 20).unwrap_or(u32::MAX).saturating_mul(SLICES_PER_MEGABYTE);
        let slices = slices.saturating_add(CHORE_SLICES);
        let changed = vm.changed_bits();
        // A guest older than this operation refuses it.
        let status = self.chore(Op::Clear, &changed, slices).map(|(status, _)| status);
        matches!(status, Some(Wire::Done | Wire::Refused | Wire::Unsupported))
    }

    /// Asks the guest about itself: runs an operation that takes no input and runs no script, and returns the JSON
    /// that it answers.
    pub(super) fn enquire(&mut self, op: Op) -> Result<Vec<u8>> {
        match self.chore(op, &[], CHORE_SLICES) {
            Some((Wire::Done, Some(Outcome::Value(json)))) => Ok(json),
            // The guest is older than this operation.
            Some((Wire::Unsupported | Wire::Refused, None)) => Err(too_old()),
            _ => {
                self.poison();
                Err(Error::guest("it did not say what it was asked"))
            }
        }
    }

    /// Runs an operation of the host's own: the guest's status, and what it sent. None when the operation ends
    /// without a status.
    fn chore(&mut self, op: Op, payload: &[u8], slices: u32) -> Option<(Wire, Option<Outcome>)> {
        let vm = self.vm.as_mut()?;
        let slice = {
            let mut driver = self.desk.driver();
            driver.begin_chore(slices);
            driver.announce(payload.to_vec());
            driver.next_slice(0)
        };
        vm.refuel(slice);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        // A chore makes no synchronous call and does not yield, so the first poll completes it.
        let status = match pin!(vm.start(op, 0, 0, length)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => ended,
            Poll::Pending => return None,
        };
        let outcome = {
            let mut driver = self.desk.driver();
            let outcome = driver.take_outcome();
            driver.end_chore();
            outcome
        };
        Some((Wire::from_wire(status.ok()?)?, outcome))
    }

    /// Ends the call in progress, and ensures that nothing of it can run later.
    pub(super) fn close(&mut self, leftovers: Leftovers) {
        self.close_at(self.desk.now(), leftovers);
    }

    fn close_at(&mut self, now: Nanos, leftovers: Leftovers) {
        self.account(now, Driver::end);
        self.phase = Phase::Idle;
        self.paused.clear();
        if leftovers == Leftovers::Some && !self.housekeep(Op::Abandon, &[]) {
            self.poison();
        }
    }

    /// Records what the guest has used, then runs `rest`.
    fn account(&mut self, now: Nanos, rest: impl FnOnce(&mut Driver, Nanos)) {
        let mut driver = self.desk.driver();
        if let Some(vm) = &mut self.vm {
            self.refusal = vm.refusal();
            let stats = driver.call_stats();
            stats.fuel = vm.fuel_used();
            stats.heap_bytes = vm.vital(vitals::HEAP_BYTES);
            stats.heap_peak_bytes = vm.vital(vitals::HEAP_PEAK_BYTES);
            stats.memory_bytes = vm.memory_bytes();
        }
        rest(&mut driver, now);
    }

    /// Runs a fresh call to its end. A pause by a handler is an error here.
    pub(super) async fn execute(&mut self, mode: Mode, message: Message) -> Result<Ended> {
        self.begin()?;
        match self.drive(mode, Some(message), Vec::new()).await {
            Ok(Ended::Paused) => {
                let pending = excerpt::names(self.paused.iter().map(|call| call.method.as_str()));
                if !self.housekeep(Op::Abandon, &[]) {
                    self.poison();
                }
                self.paused.clear();
                self.phase = Phase::Idle;
                Err(Error::Paused { pending })
            }
            ended => ended,
        }
    }

    /// Starts a fresh call with its whole budget.
    pub(super) fn begin(&mut self) -> Result<()> {
        nesting::check()?;
        self.admit()?;
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let slice = {
            let mut driver = self.desk.driver();
            driver.begin(self.desk.now());
            driver.next_slice(0)
        };
        vm.refuel(slice);
        Ok(())
    }

    /// Drives the guest from one operation to the next until its call has ended or is paused. `next` is None when the
    /// guest already waits for answers.
    pub(super) async fn drive(
        &mut self,
        mode: Mode,
        next: Option<Message>,
        answers: Vec<(CallId, Answer)>,
    ) -> Result<Ended> {
        let op = next.as_ref().map_or(Op::Answer, |message| message.op);
        let mut call = pin!(trace::call(op, async move {
            let ended = self.take_turns(mode, next, answers).await;
            let (stats, _) = self.desk.driver().totals();
            trace::ended(|| self.code(&ended), &stats);
            ended
        }));
        poll_fn(|context| {
            nesting::inside(|| call.as_mut().poll(context)).unwrap_or_else(|error| Poll::Ready(Err(error)))
        })
        .await
    }

    async fn take_turns(
        &mut self,
        mode: Mode,
        mut next: Option<Message>,
        answers: Vec<(CallId, Answer)>,
    ) -> Result<Ended> {
        let Some(vm) = &mut self.vm else { return Err(Error::Poisoned) };
        let desk = &*self.desk;
        let mut flags = if self.drains { flag::DRAIN } else { 0 };
        if mode == Mode::Async {
            flags |= flag::ASYNC;
            desk.driver().allow_yield();
        }
        if self.routes.has_console() {
            flags |= flag::CONSOLE;
        }
        self.phase = Phase::Waiting;
        let reach = Reach { routes: &self.routes, modules: &self.modules, data: &self.data };
        let mut calls = Calls::new(desk, reach, &self.ids, mode);
        calls.is_draining = self.drains;
        calls.adopt(std::mem::take(&mut self.paused), answers);
        let mut timer = Timer::default();
        let (mut ended, mut leftovers) = loop {
            // A call that has been stopped starts no further turn; `wait` below finds the reason.
            if let Some(message) = next.take_if(|_| !desk.driver().is_stopping(desk.is_cancelled())) {
                self.phase = Phase::Running;
                let turn = turn(vm, desk, &mut calls, flags, message, &mut timer).await;
                self.phase = Phase::Waiting;
                let mut driver = desk.driver();
                driver.burn(vm.fuel_used());
                if driver.has_events() {
                    drop(driver);
                    calls.deliver();
                    driver = desk.driver();
                }
                let (stop, outcome) = (driver.stopped().cloned(), driver.take_outcome());
                drop(driver);
                let status = match turn {
                    Ok(status) => Wire::from_wire(status),
                    Err(end) => {
                        let error = match stop {
                            Some(stop) => stop.into_error(&self.limits),
                            None => end.into_error(&self.limits),
                        };
                        break (Err(error), Leftovers::Poison);
                    }
                };
                if let Some(stop) = stop {
                    break (Err(stop.into_error(&self.limits)), Leftovers::Some);
                }
                match (status, outcome) {
                    (Some(Wire::Pending), None) => {}
                    (Some(Wire::Done | Wire::Threw | Wire::NotSerializable), Some(outcome)) => {
                        // Calls that the script does not await have been started; each is polled once more and may
                        // finish.
                        if calls.is_working() {
                            calls.poll(&mut Context::from_waker(Waker::noop()), u64::MAX);
                        }
                        let leftovers = if calls.has_unanswered() { Leftovers::Some } else { Leftovers::None };
                        break (Ok(Ended::Outcome(outcome)), leftovers);
                    }
                    (Some(Wire::Unsupported), None) => break (Err(too_old()), Leftovers::None),
                    (Some(Wire::NoSuchEvent), None) => break (Ok(Ended::NoSuchEvent), Leftovers::None),
                    (Some(Wire::Refused), None) => break (Err(LimitKind::Memory.error(&self.limits)), Leftovers::Some),
                    _ => {
                        let error = Error::guest("it returned a status that its messages contradict");
                        break (Err(error), Leftovers::Poison);
                    }
                }
            }
            match wait(desk, &mut calls, &mut timer).await {
                Waited::Answered => next = Some(Message::answers(calls.take_answers())),
                Waited::Stopped(stop) => break (Err(stop.into_error(&self.limits)), Leftovers::Some),
                // Draining waits for a call that can never be answered, although the result is known. Stop draining,
                // and let the guest return it.
                Waited::Stuck if flags & flag::DRAIN != 0 && calls.is_any_unanswered() => {
                    flags &= !flag::DRAIN;
                    calls.is_draining = false;
                    next = Some(Message::answers(Vec::new()));
                }
                Waited::Stuck => break (Err(Error::NeverSettled { pending: calls.unanswered() }), Leftovers::Some),
                Waited::Paused => match calls.take_paused() {
                    Ok(paused) => {
                        self.paused = paused;
                        break (Ok(Ended::Paused), Leftovers::Call);
                    }
                    Err(error) => break (Err(error), Leftovers::Some),
                },
            }
        };
        calls.give_up();
        drop(calls);
        let now = {
            let mut driver = desk.driver();
            // Even with a result, a call that has exceeded a limit or was cancelled must end with that error.
            if ended.is_ok()
                && driver.is_stopping(desk.is_cancelled())
                && let Some(stop) = driver.stopped()
            {
                (ended, leftovers) = (Err(stop.clone().into_error(&self.limits)), Leftovers::Some);
            }
            driver.seen()
        };
        match leftovers {
            Leftovers::Call => {
                let mut spent = Spent::default();
                self.account(now, |driver, now| {
                    spent = driver.spent(now);
                    driver.end(now);
                });
                self.spent = spent;
                self.phase = Phase::Paused;
            }
            Leftovers::Poison => {
                self.close_at(now, Leftovers::None);
                self.poison();
            }
            leftovers => self.close_at(now, leftovers),
        }
        ended
    }
}
