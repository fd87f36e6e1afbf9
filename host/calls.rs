//! The handlers at work for one call of an instance: started, polled, answered, and dropped with it.
//!
//! It joins the driver's requests with the router's handlers. It must never know wasm, and it decides no limit.

mod at_work;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use belljar_abi::{Reply as Wire, answer};
use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};

use self::at_work::{Contained, work};
use crate::call::{Call, Token};
use crate::data::Data;
use crate::driver::{Event, Request, Stop, call_weight};
use crate::error::{JsError, Result};
use crate::excerpt;
use crate::json::Json;
use crate::pending::{Answer, CallId, Ids, PendingCall};
use crate::reply::{Reply, RpcError};
use crate::router::{Handler, Routes, Verdict};
use crate::trace;
use crate::vm::state::Desk;

/// Whether a call may wait for async handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Sync,
    Async,
}

/// Answers that go to the guest in one turn stay under this, unless a single one is larger.
pub(crate) const BATCH_BYTES: usize = 1 << 20;

/// Everything that a script has set in motion outside.
pub(crate) struct Calls<'a> {
    desk: &'a Desk,
    routes: &'a Routes,
    data: &'a Data,
    mode: Mode,
    token: Option<Arc<Token>>,
    /// Made when the first async handler starts; a call without one pays nothing.
    working: Option<FuturesUnordered<Contained<'a>>>,
    in_flight: Vec<InFlight>,
    /// Calls that were started so far.
    started: u64,
    /// Calls that were paused before, oldest first, and what it takes to make them again.
    paused: Vec<PendingCall>,
    /// Calls that were paused since; they get their ids when the script is put away.
    just_paused: Vec<InFlight>,
    /// Replies that the guest has not taken yet, each with its weight. What the embedder answers weighs nothing: it is no script's choice.
    answers: VecDeque<(u32, u64, Reply)>,
    /// What these replies weigh together.
    queued: u64,
    sync_working: Option<Contained<'a>>,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(desk: &'a Desk, routes: &'a Routes, data: &'a Data, mode: Mode) -> Calls<'a> {
        Calls {
            desk,
            routes,
            data,
            mode,
            token: None,
            working: None,
            in_flight: Vec::new(),
            started: 0,
            paused: Vec::new(),
            just_paused: Vec::new(),
            answers: VecDeque::new(),
            queued: 0,
            sync_working: None,
        }
    }

    /// Takes over everything that the guest asked for since the last time. The driver looks at the clock before each event, because what
    /// came before it may have taken long.
    pub(crate) fn deliver(&mut self) {
        loop {
            // The driver is locked for one event at a time, because a handler may come back here.
            let event = self.desk.driver().take_event(self.desk.is_cancelled());
            match event {
                None => return,
                Some(Event::Console(level, line)) => {
                    self.routes.print(level, &String::from_utf8_lossy(&line));
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
        if self.routes.judge(&error) == Verdict::Stop {
            self.desk.driver().stop(Stop::Rejected(error));
        }
    }

    fn call(&mut self, method: Arc<str>, number: Option<u64>) -> Call {
        trace::rpc(&method);
        let token = self.token.get_or_insert_with(|| {
            // The moment at which the call runs out of time is the same whenever it is worked out.
            let left = self.desk.driver().wall_left(self.desk.now());
            Arc::new(Token::new(self.desk.signal.clone(), Instant::now().checked_add(left)))
        });
        Call { method, number, token: token.clone(), data: self.data.clone() }
    }

    /// Takes over calls that were paused before, with the answers that some of them have got.
    pub(crate) fn adopt(&mut self, paused: Vec<PendingCall>, answers: Vec<(CallId, Answer)>) {
        if paused.is_empty() {
            return;
        }
        let places: HashMap<CallId, usize> = paused.iter().map(|call| call.id).zip(0..).collect();
        let mut paused: Vec<Option<PendingCall>> = paused.into_iter().map(Some).collect();
        for (id, answer) in answers {
            // Whoever answers with a pause leaves it as it was.
            if matches!(&answer, Answer::Error(error) if error.is_pause()) {
                continue;
            }
            // An id that is named twice has had its answer.
            let call = places.get(&id).and_then(|at| paused.get_mut(*at)?.take());
            let Some(call) = call else { continue };
            if !matches!(answer, Answer::CallAgain) {
                self.desk.driver().let_go(weight(&call));
            }
            let slot = call.slot;
            match answer {
                Answer::Result(json) => self.answers.push_back((slot, 0, Ok(json.into_text()))),
                Answer::Error(error) => self.answers.push_back((slot, 0, Err(error))),
                Answer::CallAgain => {
                    let params = call.params.into_text().unwrap_or_default().into_bytes();
                    // For whoever records, it is still the call that the script made.
                    self.hand_over(Request { id: slot, method: call.method.into_bytes(), params });
                }
            }
        }
        self.paused = paused.into_iter().flatten().collect();
    }

    /// Starts a call, unless it cannot be told from another.
    pub(crate) fn start(&mut self, request: Request) {
        let id = request.id;
        if self.paused.iter().any(|other| other.slot == id)
            || self.just_paused.iter().any(|other| other.slot == id)
            || self.in_flight.iter().any(|other| other.slot == id)
        {
            self.desk.driver().stop(Stop::Protocol("two calls in flight have one id"));
            return;
        }
        let Some(tape) = self.routes.tape() else { return self.hand_over(request) };
        if !self.desk.driver().hold(tape.weight(request.method.len() + request.params.len())) {
            return;
        }
        match tape.call(id, &request.method, &request.params) {
            Ok(false) => self.hand_over(request),
            Ok(true) => {
                let method = String::from_utf8_lossy(&request.method).into();
                let number = self.count();
                self.in_flight.push(InFlight { slot: id, number, method, params: request.params });
            }
            Err(divergence) => self.desk.driver().stop(Stop::Diverged(divergence)),
        }
    }

    fn count(&mut self) -> u64 {
        self.started += 1;
        self.started - 1
    }

    /// Gives a call to its handler.
    fn hand_over(&mut self, request: Request) {
        let (id, number) = (request.id, self.count());
        match self.find(&request) {
            Err(error) => self.answer(id, request.weight(), Err(error)),
            Ok((method, Handler::Sync(handler), params)) => {
                let call = self.call(method.clone(), None);
                let Some(reply) = work(self.desk, || handler(&call, params)) else { return };
                self.settle(InFlight { slot: id, number, method, params: request.params }, reply);
            }
            Ok((method, Handler::Async(handler), params)) => {
                if self.mode == Mode::Async {
                    let call = self.call(method.clone(), Some(number));
                    let Some(working) = work(self.desk, || handler(call, params)) else { return };
                    let contained = Contained::new(self.desk, id, working);
                    self.working.get_or_insert_default().push(contained);
                }
                self.in_flight.push(InFlight { slot: id, number, method, params: request.params });
            }
        }
    }

    /// Files the reply of a handler: an answer, or a pause, which changes nothing about what the call weighs.
    fn settle(&mut self, call: InFlight, reply: Reply) {
        if reply.as_ref().is_err_and(RpcError::is_pause) {
            self.just_paused.push(call);
        } else {
            self.answer(call.slot, call.weight(), reply);
        }
    }

    /// Files an answer to a call of this weight, if there is room for it.
    fn answer(&mut self, slot: u32, call_weight: u64, reply: Reply) {
        let replied = self.desk.driver().replied(call_weight, reply);
        if let Some((weight, reply)) = replied {
            self.queued += weight;
            self.answers.push_back((slot, weight, reply));
        }
    }

    fn find<'r>(&self, request: &'r Request) -> Result<(Arc<str>, Handler, Option<&'r str>), RpcError> {
        let unreadable = || RpcError::new("invalid_params", "the method and the params must be UTF-8");
        let method = std::str::from_utf8(&request.method).map_err(|_| unreadable())?;
        let params = std::str::from_utf8(&request.params).map_err(|_| unreadable())?;
        let (name, handler) = self.routes.find(method).ok_or_else(|| {
            RpcError::new("unknown_method", format!("no handler is registered for {}", excerpt::quoted(method)))
        })?;
        Ok((name, handler, (!params.is_empty()).then_some(params)))
    }

    /// Puts the answers in their place that a replay has for the script now that it waits.
    pub(crate) fn rewind(&mut self) {
        let Some(tape) = self.routes.tape().filter(|_| self.answers.is_empty()) else { return };
        match tape.next_answers() {
            Ok(answers) => {
                for (slot, reply) in answers {
                    let Some(at) = self.in_flight.iter().position(|call| call.slot == slot) else { continue };
                    let call = self.in_flight.swap_remove(at);
                    self.answer(slot, call.weight(), reply);
                }
            }
            Err(divergence) => self.desk.driver().stop(Stop::Diverged(divergence)),
        }
    }

    /// Polls the async handlers until answers of this weight are there for the guest, or nobody has one; true when there is any.
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

    /// Whether an async handler is at work.
    pub(crate) fn is_working(&self) -> bool {
        self.working.as_ref().is_some_and(|working| !working.is_empty())
    }

    /// Whether a handler has paused a call.
    pub(crate) fn has_paused(&self) -> bool {
        !self.paused.is_empty() || !self.just_paused.is_empty()
    }

    /// Drops the handlers at work if a call is paused and each of them lets itself be dropped; their calls are paused too then.
    pub(crate) fn drop_droppable(&mut self) -> bool {
        let Some(token) = &self.token else { return false };
        if !self.has_paused() || !self.in_flight.iter().all(|call| token.may_drop(call.number)) {
            return false;
        }
        self.give_up();
        self.just_paused.append(&mut self.in_flight);
        true
    }

    /// The paused calls, oldest first. Those that were paused just now get ids, in the order in which the script made them: which
    /// handler was faster leaves no trace.
    pub(crate) fn take_paused(&mut self, ids: &mut Ids) -> Result<Vec<PendingCall>> {
        let mut paused = std::mem::take(&mut self.paused);
        self.just_paused.sort_by_key(|call| call.number);
        for call in std::mem::take(&mut self.just_paused) {
            let params = String::from_utf8(call.params).ok().filter(|params| !params.is_empty());
            paused.push(PendingCall {
                id: ids.draw(|| self.desk.nonce())?,
                slot: call.slot,
                method: call.method.to_string(),
                params: Json::from_option(params),
            });
        }
        Ok(paused)
    }

    /// Whether the guest holds promises that have no answer.
    pub(crate) fn has_unanswered(&self) -> bool {
        !self.in_flight.is_empty() || !self.answers.is_empty() || self.has_paused()
    }

    /// Whether a call has no answer.
    pub(crate) fn is_any_unanswered(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// The methods of the calls that have no answer, as messages show them.
    pub(crate) fn unanswered(&self) -> Vec<String> {
        excerpt::names(self.in_flight.iter().map(|call| &*call.method))
    }

    /// The next answers as the guest reads them.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        let mut told = Vec::new();
        while let Some((id, weight, reply)) = self.answers.pop_front() {
            self.queued = self.queued.saturating_sub(weight);
            let reply = {
                let mut driver = self.desk.driver();
                driver.answered(weight);
                // One of the embedder's has not been looked at yet.
                driver.sized(reply)
            };
            if let Some(tape) = self.routes.tape()
                && self.desk.driver().hold(tape.weight(size(&reply)))
            {
                told.extend(tape.told(id, &reply));
            }
            let (kind, body) = match reply {
                Ok(text) => (Wire::Value, text.unwrap_or_default()),
                Err(error) => (Wire::Error, error.to_wire()),
            };
            batch.reserve(answer::HEADER_BYTES + body.len() + 1);
            for word in [id, kind as u32, u32::try_from(body.len()).unwrap_or(0)] {
                batch.extend_from_slice(&word.to_le_bytes());
            }
            batch.extend_from_slice(body.as_bytes());
            batch.push(0);
            if self.answers.front().is_some_and(|(_, _, reply)| batch.len() + size(reply) > BATCH_BYTES) {
                break;
            }
        }
        if let Some(tape) = self.routes.tape() {
            tape.answers(told);
        }
        batch
    }

    /// Goes on with the synchronous call that the guest waits in; true when the guest can be resumed.
    pub(crate) fn work_on_sync(&mut self, context: &mut Context<'_>) -> bool {
        let request = self.desk.driver().take_sync_request();
        if let Some(request) = request {
            if let Some(tape) = self.routes.tape() {
                if !self.desk.driver().hold(tape.weight(request.method.len() + request.params.len())) {
                    return true;
                }
                match tape.sync_call(&request.method, &request.params) {
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
            let reply = match self.find(&request) {
                Err(error) => Err(error),
                Ok((method, Handler::Sync(handler), params)) => {
                    let call = self.call(method, None);
                    let Some(reply) = work(self.desk, || handler(&call, params)) else { return true };
                    reply
                }
                Ok((method, Handler::Async(handler), params)) if self.mode == Mode::Async => {
                    let call = self.call(method, None);
                    let Some(working) = work(self.desk, || handler(call, params)) else { return true };
                    self.sync_working = Some(Contained::new(self.desk, request.id, working));
                    return self.work_on_sync(context);
                }
                Ok((method, Handler::Async(_), _)) => Err(RpcError::new(
                    "needs_async",
                    format!(
                        "the handler of {} is async; reach it from `eval_async`, `dispatch_async` or `run_async`",
                        excerpt::quoted(&method)
                    ),
                )),
            };
            self.answer_sync(reply);
            return true;
        }
        let Some(mut working) = self.sync_working.take() else { return true };
        match working.poll_unpin(context) {
            Poll::Ready((_, reply)) => {
                self.answer_sync(reply);
                true
            }
            Poll::Pending => {
                self.sync_working = Some(working);
                // The others go on meanwhile; their answers wait until the guest is back, so one may wait for what another does.
                self.poll(context, u64::MAX);
                false
            }
        }
    }

    fn answer_sync(&self, reply: Reply) {
        if let Some(tape) = self.routes.tape()
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

    /// Drops the handlers that are still at work; the driver hears how long that took.
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
        if !self.in_flight.is_empty() {
            self.desk.driver().drop_calls(self.in_flight.len(), self.unanswered());
        }
    }
}

impl fmt::Debug for Calls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("in_flight", &self.unanswered()).finish_non_exhaustive()
    }
}

fn size(reply: &Reply) -> usize {
    match reply {
        Ok(text) => text.as_ref().map_or(0, String::len),
        Err(error) => error.code().len() + error.message().len(),
    }
}

/// A call whose handler is at work.
struct InFlight {
    slot: u32,
    /// How many were started before it. Unlike the guest's slot it is not used again.
    number: u64,
    method: Arc<str>,
    /// Kept for the case that it is paused.
    params: Vec<u8>,
}

impl InFlight {
    fn weight(&self) -> u64 {
        call_weight(self.method.len(), self.params.len())
    }
}

/// What a paused call weighs.
fn weight(call: &PendingCall) -> u64 {
    call_weight(call.method.len(), if call.params.is_undefined() { 0 } else { call.params.as_str().len() })
}

/// How many calls are paused, and what they weigh together.
pub(crate) fn weigh(paused: &[PendingCall]) -> (u32, u64) {
    let together = paused.iter().fold(0, |sum: u64, call| sum.saturating_add(weight(call)));
    (u32::try_from(paused.len()).unwrap_or(u32::MAX), together)
}
