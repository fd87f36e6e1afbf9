//! The guest's turn: one operation from its start to its status, and the wait for answers before the next.
//!
//! It joins the virtual machine with the handlers at work. It must never know what the operation is for.

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
use crate::vm::fibre::{Crash, Vm};
use crate::vm::state::Desk;

/// Room for the JSON of a small value.
const FIRST_BYTES: usize = 128;

/// An operation of the guest, and what it is given for it.
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

    /// Answers, or none.
    pub(crate) fn answers(bytes: Vec<u8>) -> Message {
        Message { op: Op::Answer, bytes, split: 0, flags: 0 }
    }

    /// An event's name and, behind it, its parameters as JSON.
    pub(crate) fn event(start: &[u8], value: &(impl Serialize + ?Sized)) -> Result<Message> {
        let mut bytes = Vec::with_capacity(start.len() + FIRST_BYTES);
        bytes.extend_from_slice(start);
        match serde_json::to_writer(&mut bytes, value) {
            Ok(()) => Ok(Message { op: Op::Dispatch, bytes, split: start.len(), flags: 0 }),
            Err(error) => Err(Error::no_json(&error)),
        }
    }

    /// The same message with a wish about the result: bits of `belljar_abi::flag`.
    pub(crate) fn flagged(mut self, flags: u32) -> Message {
        self.flags |= flags;
        self
    }

    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }
}

/// Runs one operation of the guest to its end, slice by slice, with the synchronous calls that it makes. It goes by
/// the newest moment that the driver was told wherever nothing has taken time since, because reading the clock is a
/// good part of what a small call costs.
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
            // What follows is shorter than a process may be without a processor, so the thread's own clock has to be
            // read at both ends.
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
                // A handler that took too long ends the call here, and not when the guest happens to poll.
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

/// What a guest that waits for answers gets.
pub(crate) enum Waited {
    /// At least one answer.
    Answered,
    /// A reason to stop.
    Stopped(Stop),
    /// Nothing: every call that is still open was paused by its handler.
    Paused,
    /// Nothing: there is no call that could be answered.
    Stuck,
}

/// Waits until there is an answer for the guest, or until it is certain that there will be none.
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
            // A handler that was polled may have taken what was left.
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

/// Sees to it that the task is woken when the wall-clock limit is reached; true when it has been, or when the call
/// must stop because nothing could wake it.
fn wall_is_over(desk: &Desk, timer: &mut Timer, context: &mut Context<'_>) -> bool {
    let now = desk.now();
    let left = desk.driver().wall_left(now);
    if left == Duration::ZERO {
        return true;
    }
    // A moment that no clock can show is never reached.
    let Some(moment) = desk.moment(now, left) else { return false };
    match timer.wake_at(moment, context.waker()) {
        Ok(()) => false,
        Err(error) => {
            desk.driver().stop(Stop::Failed(error));
            true
        }
    }
}

/// The output of a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => Err(Error::host("a synchronous call tried to wait")),
    }
}
