//! The messages between the guest and the host, the handler calls in flight, and the weight of all of it.
//!
//! It owns the queues and their weights: every byte that the host keeps for the call in progress counts against
//! `memory_bytes` until it is freed. It must never know a handler or a clock.

use std::collections::VecDeque;

use belljar_abi::{Level, Send, Shape, load};

use super::{Driver, Stop};
use crate::limits::LimitKind;
use crate::reply::{Answered, RpcError};

/// The most rejections that one call reports; more of them add no information. Their total size is bounded by that of
/// one message, because parsing them costs the host memory and time that the guest does not pay for.
pub(super) const REJECTIONS_PER_CALL: usize = 256;
/// The weight of a message or call besides its text, so that many empty ones have weight too.
pub(super) const MESSAGE_BYTES: u64 = 256;

/// A request of the guest that the host handles; requests are handled in order.
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

/// The weight of a call until it has an answer.
pub(crate) fn call_weight(method: usize, params: usize) -> u64 {
    MESSAGE_BYTES.saturating_add(method as u64).saturating_add(params as u64)
}

impl Request {
    pub(crate) fn weight(&self) -> u64 {
        call_weight(self.method.len(), self.params.len())
    }
}

/// The outcome of a call, as the guest sent it.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Value(Vec<u8>),
    /// A string, for `inspect`.
    Text(Vec<u8>),
    /// Any other value as the console shows it, for `inspect`.
    Shown(Vec<u8>),
    Undefined,
    Failure(Vec<u8>),
    NotSerializable(Vec<u8>),
    Bytecode(Vec<u8>),
}

/// The state of a synchronous handler call, from the guest's request until the guest takes the reply.
#[derive(Debug, Default)]
enum SyncCall {
    #[default]
    None,
    Asked(Request),
    Working {
        /// The weight of the request.
        weight: u64,
        /// Whether the reply is the text of a module.
        is_load: bool,
    },
    Answered(Result<Vec<u8>, Vec<u8>>),
}

/// All messages of the call in progress.
#[derive(Debug, Default)]
pub(super) struct Mail {
    inbox: Vec<u8>,
    outcome: Option<Outcome>,
    events: VecDeque<Event>,
    rejections: usize,
    rejection_bytes: u64,
    sync_call: SyncCall,
    /// Number of calls whose answers the guest has not taken, including paused ones.
    in_flight: u32,
    /// Bytes that the host keeps for the guest.
    held: u64,
}

impl Driver {
    /// Counts bytes that the host starts to keep for the guest. The limit is the same number as for the guest's own
    /// memory. If it would be exceeded, nothing is counted, and the call in progress ends.
    pub(crate) fn hold(&mut self, bytes: u64) -> bool {
        let held = self.mail.held.saturating_add(bytes);
        if held > self.limits.memory_bytes {
            self.stop(Stop::Limit(LimitKind::Memory));
            return false;
        }
        self.mail.held = held;
        true
    }

    /// Stops counting bytes that the host no longer keeps.
    pub(crate) fn let_go(&mut self, bytes: u64) {
        self.mail.held = self.mail.held.saturating_sub(bytes);
    }

    /// Takes over paused calls: they are in flight, with their weight.
    pub(super) fn carry(&mut self, calls: u32, weight: u64) {
        (self.mail.in_flight, self.mail.held) = (calls, weight);
    }

    /// Announces a message that the guest will take.
    pub(crate) fn announce(&mut self, message: Vec<u8>) {
        self.call.bytes_in += message.len() as u64;
        // It replaces data of the same weight, so the limit needs no check.
        self.mail.held = self.mail.held.saturating_add(message.len() as u64);
        self.mail.inbox = message;
    }

    /// The guest takes the announced message; None when this is not its length.
    pub(crate) fn take(&mut self, length: u64) -> Option<Vec<u8>> {
        if self.mail.inbox.len() as u64 == length {
            self.let_go(length);
            Some(std::mem::take(&mut self.mail.inbox))
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

    /// The guest sends bytes; true means that it must unwind.
    pub(crate) fn send(&mut self, kind: u32, detail: u32, bytes: &[u8]) -> bool {
        if self.stop.is_some() {
            return true;
        }
        if !self.fits(bytes.len() as u64) {
            return true;
        }
        match Send::from_wire(kind) {
            Some(Send::Result) => match Shape::from_wire(detail) {
                Some(Shape::Json) => self.settle(Outcome::Value, bytes),
                Some(Shape::Text) => self.settle(Outcome::Text, bytes),
                Some(Shape::Console) => self.settle(Outcome::Shown, bytes),
                None => self.stop(Stop::Protocol("it sent a result of an unknown shape")),
            },
            Some(Send::Undefined) => self.settle(|_| Outcome::Undefined, bytes),
            Some(Send::Failure) => self.settle(Outcome::Failure, bytes),
            Some(Send::NotSerializable) => self.settle(Outcome::NotSerializable, bytes),
            Some(Send::Bytecode) => self.settle(Outcome::Bytecode, bytes),
            Some(Send::Console) => match Level::from_wire(detail) {
                Some(level) => self.console(level, bytes),
                None => self.stop(Stop::Protocol("it printed at an unknown level")),
            },
            Some(Send::Rejection) => self.rejection(bytes),
            None => self.stop(Stop::Protocol("it sent bytes of an unknown kind")),
        }
        self.stop.is_some()
    }

    fn settle(&mut self, outcome: impl FnOnce(Vec<u8>) -> Outcome, bytes: &[u8]) {
        if self.mail.outcome.is_some() {
            self.stop(Stop::Protocol("it sent two results"));
        } else if self.hold(bytes.len() as u64) {
            self.mail.outcome = Some(outcome(bytes.to_vec()));
        }
    }

    fn console(&mut self, level: Level, line: &[u8]) {
        self.console_bytes = self.console_bytes.saturating_add(line.len() as u64 + 1);
        if self.before.console_bytes.saturating_add(self.console_bytes) > self.limits.console_bytes {
            self.stop(Stop::Limit(LimitKind::Console));
        } else if self.hold(MESSAGE_BYTES + line.len() as u64) {
            self.mail.events.push_back(Event::Console(level, line.to_vec()));
        }
    }

    fn rejection(&mut self, report: &[u8]) {
        let mail = &mut self.mail;
        mail.rejection_bytes = mail.rejection_bytes.saturating_add(report.len() as u64);
        if mail.rejections < REJECTIONS_PER_CALL && mail.rejection_bytes <= self.limits.message_bytes {
            mail.rejections += 1;
            if self.hold(MESSAGE_BYTES + report.len() as u64) {
                self.mail.events.push_back(Event::Rejection(report.to_vec()));
            }
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
        if self.mail.in_flight >= self.limits.pending_rpcs {
            self.stop(Stop::Limit(LimitKind::PendingRpcs));
            return true;
        }
        if !self.hold(call_weight(method.len(), params.len())) {
            return true;
        }
        self.mail.in_flight += 1;
        self.mail.events.push_back(Event::Rpc(Request { id, method: method.to_vec(), params: params.to_vec() }));
        false
    }

    /// Replaces a call of this weight with its reply. The reply counts until the guest takes it, because a busy guest
    /// may take none for long. Returns the reply and its weight; None if the memory limit has no room for it, and
    /// then the call in progress ends.
    pub(crate) fn replied(&mut self, call_weight: u64, reply: Answered) -> Option<(u64, Answered)> {
        self.let_go(call_weight);
        let reply = self.sized(reply);
        let weight = MESSAGE_BYTES.saturating_add(length(&reply));
        self.hold(weight).then_some((weight, reply))
    }

    /// The guest gets an answer of this weight. Until now its call was in flight, even while it was paused.
    pub(crate) fn answered(&mut self, weight: u64) {
        self.let_go(weight);
        self.mail.in_flight = self.mail.in_flight.saturating_sub(1);
    }

    /// The guest makes a synchronous call; true means that it must unwind.
    pub(crate) fn rpc_sync(&mut self, method: &[u8], params: &[u8]) -> bool {
        if !self.admit(method, params) || !self.hold(call_weight(method.len(), params.len())) {
            return true;
        }
        self.mail.sync_call = SyncCall::Asked(Request { id: 0, method: method.to_vec(), params: params.to_vec() });
        false
    }

    /// Whether the guest is suspended in a synchronous call, rather than at the end of a slice.
    pub(crate) fn is_in_sync_call(&self) -> bool {
        matches!(self.mail.sync_call, SyncCall::Asked(_) | SyncCall::Working { .. })
    }

    /// The synchronous call that has not been started yet.
    pub(crate) fn take_sync_request(&mut self) -> Option<Request> {
        match std::mem::take(&mut self.mail.sync_call) {
            SyncCall::Asked(request) => {
                let is_load = request.method == load::LOAD.as_bytes();
                self.mail.sync_call = SyncCall::Working { weight: request.weight(), is_load };
                Some(request)
            }
            other => {
                self.mail.sync_call = other;
                None
            }
        }
    }

    /// Counts bytes until the synchronous call in progress has its answer. False as [`Driver::hold`].
    pub(crate) fn hold_for_sync(&mut self, bytes: u64) -> bool {
        let fits = self.hold(bytes);
        if let (true, SyncCall::Working { weight, .. }) = (fits, &mut self.mail.sync_call) {
            *weight = weight.saturating_add(bytes);
        }
        fits
    }

    /// Answers the synchronous call.
    pub(crate) fn answer_sync(&mut self, reply: Answered) {
        let (call_weight, is_load) = match self.mail.sync_call {
            SyncCall::Working { weight, is_load } => (weight, is_load),
            _ => (0, false),
        };
        if is_load && let Ok(text) = &reply {
            self.loaded_bytes = self.loaded_bytes.saturating_add(unquoted(text.wire()));
            if self.before.loaded_bytes.saturating_add(self.loaded_bytes) > self.limits.source_bytes {
                self.stop(Stop::Limit(LimitKind::Source));
            }
        }
        let Some((weight, reply)) = self.replied(call_weight, reply) else { return };
        let reply = match reply {
            Ok(value) => Ok(value.into_wire()),
            Err(error) => Err(error.to_wire().into_bytes()),
        };
        // `announce` counts it again when the guest fetches it.
        self.let_go(weight);
        self.mail.sync_call = SyncCall::Answered(reply);
    }

    /// Checks the size of a reply. A reply that is too large is the handler's fault, so the script gets an error that
    /// it can catch.
    pub(crate) fn sized(&self, reply: Answered) -> Answered {
        let limit = self.limits.message_bytes;
        let length = length(&reply);
        if length <= limit {
            return reply;
        }
        let message = match reply {
            Ok(_) => format!("the reply of {length} bytes is over the limit of {limit}"),
            Err(_) => format!("the error of the handler is over the limit of {limit} bytes"),
        };
        Err(RpcError::new(LimitKind::Message.code(), message))
    }

    /// The guest asks for the reply of its synchronous call. None while there is none. Otherwise whether the reply is
    /// a value, and its length; the reply is then announced. An error means stop.
    pub(crate) fn poll_sync(&mut self) -> Option<Result<(bool, u32), ()>> {
        if self.stop.is_some() {
            self.mail.sync_call = SyncCall::None;
            return Some(Err(()));
        }
        match std::mem::take(&mut self.mail.sync_call) {
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
                self.mail.sync_call = other;
                None
            }
        }
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.mail.events.is_empty()
    }

    /// The next event to handle. After the call is stopped, no handler is started; after it is cancelled or out of
    /// wall time, all events are dropped.
    pub(crate) fn take_event(&mut self, cancelled: bool) -> Option<Event> {
        let is_over = self.is_over(cancelled);
        while let Some(event) = self.mail.events.pop_front() {
            match &event {
                Event::Rpc(_) if self.stop.is_some() => continue,
                Event::Rpc(_) => {}
                Event::Console(..) | Event::Rejection(_) if is_over => continue,
                Event::Console(_, text) | Event::Rejection(text) => self.let_go(MESSAGE_BYTES + text.len() as u64),
            }
            return Some(event);
        }
        None
    }

    pub(crate) fn take_outcome(&mut self) -> Option<Outcome> {
        self.mail.outcome.take()
    }
}

/// The length of the text in a JSON string.
fn unquoted(json: &[u8]) -> u64 {
    let (mut rest, mut length) = (json, 0);
    while let [first, after @ ..] = rest {
        // A control character is written with six bytes, and others that need it with two.
        rest = match (first, after) {
            (b'\\', [b'u', ..]) => after.get(5..).unwrap_or_default(),
            (b'\\', [_, after @ ..]) => after,
            _ => after,
        };
        length += 1;
    }
    length - 2.min(length)
}

/// The length of a reply in the guest's format.
fn length(reply: &Answered) -> u64 {
    match reply {
        Ok(value) => value.wire().len() as u64,
        Err(error) => error.wire_bytes(),
    }
}
