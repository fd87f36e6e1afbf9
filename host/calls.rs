//! The running handlers of one call of an instance: they are started, polled, answered, and dropped with it.
//!
//! It connects the driver's requests with the router's handlers. It must never know wasm, and it makes no decision
//! about limits.

mod asked;
mod at_work;
mod in_flight;
mod reach;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use belljar_abi::{Reply as Wire, answer};
use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};

use self::asked::{Found, find};
use self::at_work::{Contained, work};
pub(crate) use self::in_flight::weigh;
use self::in_flight::{InFlight, Made, weight};
pub(crate) use self::reach::Reach;
use self::reach::needs_async;
use crate::call::{Call, Token};
use crate::driver::{Event, Request, Stop};
use crate::error::{JsError, Result};
use crate::excerpt;
use crate::handler::Working;
use crate::pending::{Answer, CallId, Ids, PendingCall};
use crate::reply::{Answered, Reply, RpcError};
use crate::router::Verdict;
use crate::trace;
use crate::value::Value;
use crate::vm::state::Desk;

/// Whether a call may wait for async handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Sync,
    Async,
}

/// The most bytes of answers that the guest gets in one turn; a single larger answer is sent alone.
pub(crate) const BATCH_BYTES: usize = 1 << 20;

/// All handler calls of a call of the instance.
pub(crate) struct Calls<'a> {
    desk: &'a Desk,
    reach: Reach<'a>,
    mode: Mode,
    /// Whether the call waits for handler calls that its script does not await.
    pub(crate) is_draining: bool,
    ids: &'a Arc<Ids>,
    token: Option<Arc<Token>>,
    /// Made when the first async handler starts, so that a call without one pays nothing.
    working: Option<FuturesUnordered<Contained<'a>>>,
    in_flight: Vec<InFlight>,
    /// Calls that were paused earlier, oldest first.
    paused: Vec<PendingCall>,
    /// Calls that were paused in this run; they get their ids when the script is paused.
    just_paused: Vec<InFlight>,
    /// Replies that the guest has not taken yet, each with its weight. Answers that the embedder passes to a resumed
    /// call have weight 0, because no script chose their size.
    answers: VecDeque<(u32, u64, Answered)>,
    /// The total weight of `answers`.
    queued: u64,
    sync_working: Option<Contained<'a>>,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(desk: &'a Desk, reach: Reach<'a>, ids: &'a Arc<Ids>, mode: Mode) -> Calls<'a> {
        Calls {
            desk,
            reach,
            mode,
            is_draining: false,
            ids,
            token: None,
            working: None,
            in_flight: Vec::new(),
            paused: Vec::new(),
            just_paused: Vec::new(),
            answers: VecDeque::new(),
            queued: 0,
            sync_working: None,
        }
    }

    /// Handles all requests of the guest since the last time. The driver checks the clock before each event, because
    /// the event before it may have taken long.
    pub(crate) fn deliver(&mut self) {
        loop {
            // The driver is borrowed for one event at a time, because handling an event borrows it again.
            let event = self.desk.driver().take_event(self.desk.is_cancelled());
            match event {
                None => return,
                Some(Event::Console(level, line)) => {
                    self.reach.routes.print(self.reach.data, level, &String::from_utf8_lossy(&line));
                    self.embedder_worked();
                }
                Some(Event::Rejection(report)) => {
                    self.reject(&report);
                    self.embedder_worked();
                }
                Some(Event::Rpc(request)) => self.start(request),
            }
        }
    }

    fn embedder_worked(&self) {
        let now = self.desk.now();
        self.desk.driver().embedder_worked(now);
    }

    fn reject(&self, report: &[u8]) {
        let Ok(error) = serde_json::from_str::<JsError>(&String::from_utf8_lossy(report)) else {
            self.desk.driver().stop(Stop::Protocol("a rejection is not a report"));
            return;
        };
        if self.reach.routes.judge(self.reach.data, &error) == Verdict::Stop {
            self.desk.driver().stop(Stop::Rejected(error));
        }
    }

    fn call(&mut self, method: Arc<str>, number: u64, id: Option<CallId>) -> Call {
        trace::rpc(&method);
        let token = self.token.get_or_insert_with(|| {
            // The deadline is the same whenever it is computed, so it is computed only if needed.
            let left = self.desk.driver().wall_left(self.desk.now());
            Arc::new(Token::new(self.desk.signal.clone(), Instant::now().checked_add(left), self.ids.clone()))
        });
        Call { method, number, id, token: token.clone(), data: self.reach.data.clone() }
    }

    /// Takes over calls that were paused earlier, with the answers to some of them.
    pub(crate) fn adopt(&mut self, paused: Vec<PendingCall>, answers: Vec<(CallId, Answer)>) {
        if paused.is_empty() {
            return;
        }
        let places: HashMap<CallId, usize> = paused.iter().map(|call| call.id).zip(0..).collect();
        let mut paused: Vec<Option<PendingCall>> = paused.into_iter().map(Some).collect();
        for (id, answer) in answers {
            // A second answer to the same id is ignored.
            let call = places.get(&id).and_then(|at| paused.get_mut(*at)?.take());
            let Some(call) = call else { continue };
            if !matches!(answer, Answer::CallAgain) {
                self.desk.driver().let_go(weight(&call));
            }
            let slot = call.slot;
            match answer {
                Answer::Result(json) => self.answers.push_back((slot, 0, Ok(json))),
                Answer::Error(error) => self.answers.push_back((slot, 0, Err(error))),
                Answer::CallAgain => {
                    let params = call.params.into_wire();
                    // The tape is skipped: a recording already has this call.
                    let made = Made::Before(call.id, call.made_at);
                    self.hand_over(Request { id: slot, method: call.method.into_bytes(), params }, made);
                }
            }
        }
        self.paused = paused.into_iter().flatten().collect();
    }

    /// Starts a call. A guest that uses the id of an open call again is stopped.
    pub(crate) fn start(&mut self, request: Request) {
        let id = request.id;
        if self.paused.iter().any(|other| other.slot == id)
            || self.just_paused.iter().any(|other| other.slot == id)
            || self.in_flight.iter().any(|other| other.slot == id)
        {
            self.desk.driver().stop(Stop::Protocol("two calls in flight have one id"));
            return;
        }
        let made = Made::now(self.desk);
        let Some(tape) = self.reach.routes.tape() else { return self.hand_over(request, made) };
        if !self.desk.driver().hold(tape.weight(request.method.len() + request.params.len())) {
            return;
        }
        match tape.call(id, &request.method, &request.params, made.at(self.desk)) {
            Ok(false) => self.hand_over(request, made),
            Ok(true) => {
                let weight = request.weight();
                let method = String::from_utf8_lossy(&request.method).into();
                let params = Value::from_wire_unread(request.params).unwrap_or_default();
                self.in_flight.push(InFlight { slot: id, number: self.ids.count(), made, weight, method, params });
            }
            Err(divergence) => self.desk.driver().stop(Stop::Diverged(divergence)),
        }
    }

    /// Passes a call to its handler.
    fn hand_over(&mut self, request: Request, made: Made) {
        let (slot, mut weight, number) = (request.id, request.weight(), self.ids.count());
        let Found { method, handler, params, grown } = match find(self.reach, request) {
            Ok(found) => found,
            Err(error) => return self.answer(slot, weight, Err(error)),
        };
        if !self.desk.driver().hold(grown) {
            return;
        }
        weight += grown;
        // A synchronous call cannot wait, so an async handler is not even started.
        let replying = if self.mode == Mode::Sync && handler.is_async() {
            None
        } else {
            let call = self.call(method.clone(), number, made.id());
            let Some(replying) = work(self.desk, || handler.answer(call, &params)) else { return };
            Some(replying.into_parts())
        };
        let in_flight = InFlight { slot, number, made, weight, method, params };
        match replying {
            Some(Ok(reply)) => return self.settle(in_flight, reply),
            Some(Err(working)) if self.mode == Mode::Sync => {
                let reply = self.refuse_to_wait(working, &in_flight.method).into();
                return self.settle(in_flight, reply);
            }
            Some(Err(working)) => {
                self.working.get_or_insert_default().push(Contained::new(self.desk, slot, working));
            }
            None => {}
        }
        self.in_flight.push(in_flight);
    }

    /// Drops a future for which a synchronous call cannot wait. A layer has returned it, although its handler is not
    /// async.
    fn refuse_to_wait(&self, working: Working, method: &str) -> RpcError {
        // No answer is looked up by this id.
        drop(Contained::new(self.desk, 0, working));
        self.embedder_worked();
        needs_async(method)
    }

    /// Stores the reply of a handler: an answer, or a pause. A paused call keeps its weight.
    fn settle(&mut self, call: InFlight, reply: Reply) {
        match reply {
            Reply::Pause => self.just_paused.push(call),
            reply => self.answer(call.slot, call.weight, reply.at_once()),
        }
    }

    /// Stores an answer to a call of this weight, if the memory limit has room for it.
    fn answer(&mut self, slot: u32, call_weight: u64, reply: Answered) {
        let replied = self.desk.driver().replied(call_weight, reply);
        if let Some((weight, reply)) = replied {
            self.queued += weight;
            self.answers.push_back((slot, weight, reply));
        }
    }

    /// Takes the answers that a replay has for a script that waits.
    pub(crate) fn rewind(&mut self) {
        let Some(tape) = self.reach.routes.tape().filter(|_| self.answers.is_empty()) else { return };
        match tape.next_answers() {
            Ok(answers) => {
                for (slot, reply) in answers {
                    let Some(at) = self.in_flight.iter().position(|call| call.slot == slot) else { continue };
                    let call = self.in_flight.swap_remove(at);
                    self.answer(slot, call.weight, reply);
                }
            }
            // The next recorded event belongs to a later call: this one ended in the recording without these answers.
            Err(_) if self.is_draining && !self.in_flight.is_empty() => {}
            Err(divergence) => self.desk.driver().stop(Stop::Diverged(divergence)),
        }
    }

    /// Polls the async handlers until there are answers of this total weight or none is ready; true if there is an
    /// answer for the guest.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, enough: u64) -> bool {
        while let Some(working) = self.working.as_mut().filter(|_| self.queued < enough) {
            let Poll::Ready(Some((id, reply))) = working.poll_next_unpin(context) else { break };
            let Some(at) = self.in_flight.iter().position(|call| call.slot == id) else { continue };
            let call = self.in_flight.swap_remove(at);
            if let Some(token) = &self.token {
                token.forget(call.number);
            }
            self.settle(call, reply);
        }
        !self.answers.is_empty()
    }

    /// Whether an async handler is running.
    pub(crate) fn is_working(&self) -> bool {
        self.working.as_ref().is_some_and(|working| !working.is_empty())
    }

    /// Whether a handler has paused a call.
    pub(crate) fn has_paused(&self) -> bool {
        !self.paused.is_empty() || !self.just_paused.is_empty()
    }

    /// Drops the running handlers if a call is paused and all of them allow it; then their calls are paused too.
    pub(crate) fn drop_droppable(&mut self) -> bool {
        let Some(token) = &self.token else { return false };
        if !self.has_paused() || !self.in_flight.iter().all(|call| token.may_drop(call.number)) {
            return false;
        }
        self.give_up();
        self.just_paused.append(&mut self.in_flight);
        true
    }

    /// The paused calls, oldest first. Calls that were paused in this run are sorted in the order in which the script
    /// made them, so that the speed of handlers does not show in a snapshot.
    pub(crate) fn take_paused(&mut self) -> Result<Vec<PendingCall>> {
        let mut paused = std::mem::take(&mut self.paused);
        self.just_paused.sort_by_key(|call| call.number);
        for call in std::mem::take(&mut self.just_paused) {
            paused.push(PendingCall {
                id: call.made.id().map_or_else(|| self.ids.id(call.number), Ok)?,
                slot: call.slot,
                method: call.method.to_string(),
                params: call.params,
                made_at: call.made.at(self.desk),
            });
        }
        Ok(paused)
    }

    /// Whether the guest holds promises of calls without an answer.
    pub(crate) fn has_unanswered(&self) -> bool {
        !self.in_flight.is_empty() || !self.answers.is_empty() || self.has_paused()
    }

    /// Whether a call that is not paused has no answer.
    pub(crate) fn is_any_unanswered(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// The methods of the calls without an answer, shortened for messages.
    pub(crate) fn unanswered(&self) -> Vec<String> {
        excerpt::names(self.in_flight.iter().map(|call| &*call.method))
    }

    /// The next answers, in the format that the guest reads.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        let mut told = Vec::new();
        while let Some((id, weight, reply)) = self.answers.pop_front() {
            self.queued = self.queued.saturating_sub(weight);
            let reply = {
                let mut driver = self.desk.driver();
                driver.answered(weight);
                // The size of an embedder's answer has not been checked yet.
                driver.sized(reply)
            };
            if let Some(tape) = self.reach.routes.tape()
                && self.desk.driver().hold(tape.weight(size(&reply)))
            {
                told.extend(tape.told(id, &reply));
            }
            let (kind, body) = match reply {
                Ok(value) => (Wire::Value, value.into_wire()),
                Err(error) => (Wire::Error, error.to_wire().into_bytes()),
            };
            batch.reserve(answer::HEADER_BYTES + body.len() + 1);
            for word in [id, kind as u32, u32::try_from(body.len()).unwrap_or(0)] {
                batch.extend_from_slice(&word.to_le_bytes());
            }
            batch.extend_from_slice(&body);
            batch.push(0);
            if self.answers.front().is_some_and(|(_, _, reply)| batch.len() + size(reply) > BATCH_BYTES) {
                break;
            }
        }
        if let Some(tape) = self.reach.routes.tape() {
            tape.answers(told);
        }
        batch
    }

    /// Continues the synchronous call that the guest waits for; true when the guest can be resumed.
    pub(crate) fn work_on_sync(&mut self, context: &mut Context<'_>) -> bool {
        let request = self.desk.driver().take_sync_request();
        if let Some(request) = request {
            if let Some(tape) = self.reach.routes.tape() {
                if !self.desk.driver().hold(tape.weight(request.method.len() + request.params.len())) {
                    return true;
                }
                let made = Made::now(self.desk).at(self.desk);
                match tape.sync_call(&request.method, &request.params, made) {
                    Ok(None) => {}
                    Ok(Some(reply)) => {
                        self.desk.driver().answer_sync(reply);
                        return true;
                    }
                    Err(divergence) => {
                        self.desk.driver().stop(Stop::Diverged(divergence));
                        return true;
                    }
                }
            }
            let slot = request.id;
            let found = find(self.reach, request);
            if found.as_ref().is_ok_and(|found| !self.desk.driver().hold_for_sync(found.grown)) {
                return true;
            }
            let reply = match found {
                Err(error) => Err(error),
                Ok(Found { method, handler, .. }) if self.mode == Mode::Sync && handler.is_async() => {
                    Err(needs_async(&method))
                }
                Ok(Found { method, handler, params, .. }) => {
                    let number = self.ids.count();
                    let call = self.call(method.clone(), number, None);
                    let Some(replying) = work(self.desk, || handler.answer(call, &params)) else { return true };
                    match replying.into_parts() {
                        Ok(reply) => reply.at_once(),
                        Err(working) if self.mode == Mode::Sync => Err(self.refuse_to_wait(working, &method)),
                        Err(working) => {
                            self.sync_working = Some(Contained::new(self.desk, slot, working));
                            return self.work_on_sync(context);
                        }
                    }
                }
            };
            self.answer_sync(reply);
            return true;
        }
        let Some(mut working) = self.sync_working.take() else { return true };
        match working.poll_unpin(context) {
            Poll::Ready((_, reply)) => {
                self.answer_sync(reply.at_once());
                true
            }
            Poll::Pending => {
                self.sync_working = Some(working);
                // The other handlers are polled meanwhile, because this one may depend on them. Their answers wait
                // until the guest is resumed.
                self.poll(context, u64::MAX);
                false
            }
        }
    }

    fn answer_sync(&self, reply: Answered) {
        if let Some(tape) = self.reach.routes.tape()
            && self.desk.driver().hold(tape.weight(size(&reply)))
        {
            tape.sync_answer(&reply);
        }
        self.desk.driver().answer_sync(reply);
    }

    /// Drops the synchronous call in progress.
    pub(crate) fn give_up_sync(&mut self) {
        self.sync_working = None;
    }

    /// Drops the handlers that are still running; the driver is told how long that took.
    pub(crate) fn give_up(&mut self) {
        if self.is_working() {
            self.working = None;
            self.embedder_worked();
        }
    }
}

impl Drop for Calls<'_> {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.fire();
        }
        // Paused calls are here only if they were not handed to the embedder.
        let unanswered = self.in_flight.iter().chain(&self.just_paused).map(|call| &*call.method);
        let unanswered = unanswered.chain(self.paused.iter().map(|call| call.method.as_str()));
        let count = unanswered.clone().count();
        if count > 0 {
            let names = excerpt::names(unanswered);
            self.desk.driver().drop_calls(count, names);
        }
    }
}

impl fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("in_flight", &self.unanswered()).finish_non_exhaustive()
    }
}

fn size(reply: &Answered) -> usize {
    match reply {
        Ok(value) => value.wire().len(),
        Err(error) => error.code().len() + error.message().len(),
    }
}
