//! One turn of the guest: an operation from its start to its status, and the wait for answers before the next.
//!
//! It connects the virtual machine with the running handlers. It must never know what the operation is for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use belljar_abi::{Op, Status as Wire};
use serde::Serialize;

use crate::calls::{BATCH_BYTES, Calls};
use crate::driver::Stop;
use crate::error::{Error, Result};
use crate::timer::Timer;
use crate::value::Value;
use crate::vm::fibre::{Crash, Vm};
use crate::vm::state::Desk;

/// Initial capacity: room for the JSON of a small value.
const FIRST_BYTES: usize = 128;

/// An operation of the guest, and its input.
pub(crate) struct Message {
    pub(crate) op: Op,
    bytes: Vec<u8>,
    split: usize,
    flags: u32,
}

impl Message {
    pub(crate) fn of(op: Op, parts: &[&[u8]], split: usize) -> Message {
        Message { op, bytes: parts.concat(), split, flags: 0 }
    }

    /// Answers to calls; may be empty.
    pub(crate) fn answers(bytes: Vec<u8>) -> Message {
        Message { op: Op::Answer, bytes, split: 0, flags: 0 }
    }

    /// An event's name, followed by its parameters.
    pub(crate) fn event(start: &[u8], value: &(impl Serialize + ?Sized)) -> Result<Message> {
        let mut bytes = Vec::with_capacity(start.len() + FIRST_BYTES);
        bytes.extend_from_slice(start);
        match Value::write_onto(&mut bytes, value) {
            Ok(()) => Ok(Message { op: Op::Dispatch, bytes, split: start.len(), flags: 0 }),
            Err(why) => Err(Error::no_form(&why)),
        }
    }

    /// The same message with additional flags: bits of `belljar_abi::flag`.
    pub(crate) fn flagged(mut self, flags: u32) -> Message {
        self.flags |= flags;
        self
    }

    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }
}

/// Runs one operation of the guest to its end, slice by slice, and the synchronous calls that it makes. Where no time
/// has passed it uses the latest moment that the driver knows, because reading the clock is a large part of the cost
/// of a small call.
pub(crate) async fn turn(
    vm: &mut Vm,
    desk: &Desk,
    calls: &mut Calls<'_>,
    flags: u32,
    message: Message,
    timer: &mut Timer,
) -> Result<u32, Crash> {
    let (Ok(split), Ok(length)) = (u32::try_from(message.split), u32::try_from(message.bytes.len())) else {
        return Ok(Wire::Refused as u32);
    };
    {
        let mut driver = desk.driver();
        driver.announce(message.bytes);
        driver.resume_at_once();
    }
    let mut operation = pin!(vm.start(message.op, flags | message.flags, split, length));
    let mut in_sync_call = false;
    let mut is_away = false;
    poll_fn(|context| {
        if std::mem::take(&mut is_away) {
            let mut driver = desk.driver();
            let now = desk.now();
            driver.resume(now);
            // The segment that follows is shorter than the time for which a thread may be descheduled, so the
            // thread's CPU clock is read at both of its ends.
            driver.tick(now, desk.thread_cpu(), 0);
        }
        if in_sync_call {
            desk.driver().check(desk.now(), desk.is_cancelled());
        }
        loop {
            if in_sync_call {
                desk.waker.register(context.waker());
                if desk.driver().is_stopping(desk.is_cancelled()) {
                    calls.give_up_sync();
                } else if !calls.work_on_sync(context) {
                    if wall_is_over(desk, timer, context) {
                        desk.driver().check(desk.now(), desk.is_cancelled());
                        continue;
                    }
                    return Poll::Pending;
                }
                let mut driver = desk.driver();
                // A handler that took too long ends the call now, not at the guest's next poll.
                driver.is_stopping(desk.is_cancelled());
                driver.resume_at_once();
                in_sync_call = false;
            }
            let polled = operation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let now = desk.now();
            let (has_events, gives_way) = {
                let mut driver = desk.driver();
                if driver.is_tick_due(now) {
                    driver.tick(now, desk.thread_cpu(), 0);
                }
                driver.pause(now);
                in_sync_call = driver.is_in_sync_call();
                (driver.has_events(), polled.is_pending() && !in_sync_call && driver.take_gives_way())
            };
            if let Poll::Ready(ended) = polled {
                return Poll::Ready(ended);
            }
            if has_events {
                calls.deliver();
            }
            if gives_way {
                is_away = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !in_sync_call {
                desk.driver().resume_at_once();
            }
        }
    })
    .await
}

/// How the wait of a guest for answers ended.
pub(crate) enum Waited {
    /// There is at least one answer.
    Answered,
    /// The call must stop.
    Stopped(Stop),
    /// Every open call has been paused by its handler.
    Paused,
    /// No open call can be answered any more.
    Stuck,
}

/// Waits until there is an answer for the guest, or there can be none.
pub(crate) async fn wait(desk: &Desk, calls: &mut Calls<'_>, timer: &mut Timer) -> Waited {
    poll_fn(|context| {
        loop {
            desk.waker.register(context.waker());
            calls.rewind();
            {
                let mut driver = desk.driver();
                driver.check(desk.now(), desk.is_cancelled());
                if let Some(stop) = driver.stopped() {
                    return Poll::Ready(Waited::Stopped(stop.clone()));
                }
            }
            let is_answered = calls.poll(context, BATCH_BYTES as u64);
            // A handler that was polled may have used up the remaining time.
            if desk.driver().is_stopping(desk.is_cancelled()) {
                continue;
            }
            if is_answered {
                return Poll::Ready(Waited::Answered);
            }
            if !calls.is_working() {
                return Poll::Ready(if calls.has_paused() { Waited::Paused } else { Waited::Stuck });
            }
            if calls.drop_droppable() {
                return Poll::Ready(Waited::Paused);
            }
            if !wall_is_over(desk, timer, context) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Ensures that the task is woken when the wall-clock limit is reached. True when it has been reached, or when the
/// call must stop because no timer could be set.
fn wall_is_over(desk: &Desk, timer: &mut Timer, context: &mut Context<'_>) -> bool {
    let now = desk.now();
    let left = desk.driver().wall_left(now);
    if left == Duration::ZERO {
        return true;
    }
    // A moment beyond the range of the clock is never reached.
    let Some(moment) = desk.moment(now, left) else { return false };
    match timer.wake_at(moment, context.waker()) {
        Ok(()) => false,
        Err(error) => {
            desk.driver().stop(Stop::Failed(error));
            true
        }
    }
}

/// The output of a future that never waits. Synchronous calls use it.
pub(crate) fn now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => Err(Error::host("a synchronous call tried to wait")),
    }
}
