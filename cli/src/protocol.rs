//! JSON lines: a jar driven from any language. `docs/JSON-PROTOCOL.md` is the contract.
//!
//! It owns the shapes of lines and the order of answers. It must never know where else a script could come from.

use std::collections::HashMap;
use std::io::{self, BufRead, Write as _};
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use belljar::{Call, Error, Instance, Router, RpcError, Script};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::arguments::Json;
use crate::ending::{Cost, Ending, Failure, Refusal};
use crate::executor::block_on;
use crate::interrupt::Interrupt;
use crate::jar;
use crate::run::Log;

/// The longest line that is read.
const MOST_BYTES: usize = 10 << 20;

/// How many requests are read ahead of the one at work, when no reply to a call can be among them.
const AHEAD: usize = 16;

type Id = Option<Box<RawValue>>;

/// A line that came in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Id,
    eval: Option<String>,
    name: Option<String>,
    dispatch: Option<Event>,
    reset: Option<bool>,
    rpc_response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    name: String,
    #[serde(default)]
    params: belljar::Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    id: u64,
    #[serde(default)]
    result: belljar::Json,
    error: Option<Fault>,
}

/// Why a forwarded call failed, in the client's words.
#[derive(Deserialize)]
struct Fault {
    #[serde(default = "Fault::code")]
    code: String,
    #[serde(default)]
    message: String,
}

impl Fault {
    fn code() -> String {
        "rpc_error".into()
    }
}

/// What is asked of the jar.
enum Request {
    Eval {
        source: String,
        name: String,
    },
    Dispatch(Event),
    Reset,
    /// Nothing that could be understood; the text says why.
    Bad(String),
}

/// An answer.
#[derive(Serialize)]
struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<belljar::Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<Log>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Cost>,
}

/// An error, whose code the protocol calls `errorCode`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    error_code: &'static str,
    #[serde(flatten)]
    failure: Failure,
}

#[derive(Serialize)]
struct Forwarded<'a> {
    rpc: ForwardedCall<'a>,
}

#[derive(Serialize)]
struct ForwardedCall<'a> {
    id: u64,
    method: &'a str,
    params: &'a belljar::Json,
}

pub(crate) fn serve(arguments: &Json, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let logs = Arc::new(Mutex::new(Vec::new()));
    let calls = Calls::default();
    let kept = logs.clone();
    let mut router = Router::new().on_console(move |level, line| {
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(Log::new(level, line));
    });
    let forwards = arguments.rpc_all.is_some();
    if forwards {
        let (calls, interrupt) = (calls.clone(), interrupt.clone());
        router = router.fallback_async(move |call: Call, params: belljar::Json| {
            let waiting = calls.forward(call.method(), &params);
            if waiting.is_err() {
                interrupt.pipe_closed();
            }
            async move {
                match waiting {
                    Ok(waiting) => waiting.await,
                    Err(_) => Err(Calls::gone()),
                }
            }
        });
    }
    let mut instance = jar::open(&jar::runtime()?, &arguments.jar, router, None)?;
    for (id, request) in read(calls, forwards) {
        let answered = interrupt.guard(instance.cancel_handle(), || answer(&mut instance, request));
        let (result, stats) = match answered {
            Ok(answered) => answered,
            Err(refusal) => (Err(refusal), None),
        };
        let logs = std::mem::take(&mut *logs.lock().unwrap_or_else(PoisonError::into_inner));
        let (result, error) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(Problem { error_code: error.code(), failure: Failure::of(&error) })),
        };
        match print(&Reply { id, result, error, logs, stats }) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Ending::Done),
            Err(error) => return Err(Refusal::internal(format!("standard output cannot be written to: {error}"))),
            Ok(()) if interrupt.is_interrupted() => return Ok(Ending::Cancelled),
            Ok(()) => {}
        }
    }
    Ok(Ending::Done)
}

type Answered = (belljar::Result<belljar::Json>, Option<Cost>);

fn answer(instance: &mut Instance, request: Request) -> Result<Answered, Error> {
    let result = match request {
        Request::Eval { source, name } => block_on(instance.eval_async(Script::new(source).named(name))),
        Request::Dispatch(event) => block_on(instance.dispatch_async(&event.name, &event.params)),
        Request::Reset => return instance.reset().map(|()| (Ok(belljar::Json::UNDEFINED), None)),
        Request::Bad(message) => return Err(Error::Input { message }),
    };
    Ok((result, Some(Cost::of(&instance.call_stats()))))
}

/// Writes a line in one piece, so that lines of handlers and answers do not mix.
fn print(line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&text)?;
    stdout.flush()
}

/// Hands a request on; false when nobody takes any more.
type Send = Box<dyn Fn((Id, Request)) -> bool + std::marker::Send>;

/// Reads requests on a thread of its own, because replies to calls arrive while a script runs.
fn read(calls: Calls, forwards: bool) -> Receiver<(Id, Request)> {
    // With calls forwarded, a reply may stand behind any number of requests, and must be found.
    let (send, requests): (Send, _) = if forwards {
        let (sender, requests) = mpsc::channel();
        (Box::new(move |request| sender.send(request).is_ok()), requests)
    } else {
        let (sender, requests) = mpsc::sync_channel(AHEAD);
        (Box::new(move |request| sender.send(request).is_ok()), requests)
    };
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            let request = match next(&mut stdin, &mut line) {
                Ok(Next::End) | Err(_) => break,
                Ok(Next::TooLong) => Some((None, Request::Bad(format!("the line is longer than {MOST_BYTES} bytes")))),
                Ok(Next::Line) if line.trim_ascii().is_empty() => None,
                Ok(Next::Line) => understand(&line, &calls),
            };
            if request.is_some_and(|request| !send(request)) {
                break;
            }
        }
        calls.close();
    });
    requests
}

enum Next {
    Line,
    TooLong,
    End,
}

/// Reads one line. One that is too long is skipped and not kept.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Next> {
    line.clear();
    let mut length = 0_usize;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let is_over = end.is_some() || available.is_empty();
        length = length.saturating_add(part.len());
        if length <= MOST_BYTES {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if is_over {
            return Ok(match (end, length) {
                (_, length) if length > MOST_BYTES => Next::TooLong,
                (None, 0) => Next::End,
                _ => Next::Line,
            });
        }
    }
}

/// What a line asks for; None when it was a reply, which is delivered at once.
fn understand(line: &[u8], calls: &Calls) -> Option<(Id, Request)> {
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => return Some((None, Request::Bad(format!("not a line of the protocol: {error}")))),
    };
    let request = match line {
        Line { eval: Some(source), name, dispatch: None, reset: None, rpc_response: None, .. } => {
            Request::Eval { source, name: name.unwrap_or_else(|| "[eval]".into()) }
        }
        Line { eval: None, name: None, dispatch: Some(event), reset: None, rpc_response: None, .. } => {
            Request::Dispatch(event)
        }
        Line { eval: None, name: None, dispatch: None, reset: Some(true), rpc_response: None, .. } => Request::Reset,
        Line { eval: None, name: None, dispatch: None, reset: None, rpc_response: Some(response), .. } => {
            let number = response.id;
            if calls.deliver(response) {
                return None;
            }
            Request::Bad(format!("no call waits for the rpc_response {number}"))
        }
        _ => Request::Bad("a line holds one of eval, dispatch, reset and rpc_response".into()),
    };
    Some((line.id, request))
}

type Replied = Result<belljar::Json, RpcError>;

/// The calls that wait for the client.
#[derive(Clone, Default)]
struct Calls {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    newest: u64,
    is_closed: bool,
    waiting: HashMap<u64, (Option<Replied>, Option<Waker>)>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forward(&self, method: &str, params: &belljar::Json) -> io::Result<Waiting> {
        let id = {
            let mut state = self.lock();
            state.newest += 1;
            let id = state.newest;
            state.waiting.insert(id, (None, None));
            id
        };
        let waiting = Waiting { calls: self.clone(), id };
        print(&Forwarded { rpc: ForwardedCall { id, method, params } })?;
        Ok(waiting)
    }

    fn deliver(&self, response: Response) -> bool {
        let mut state = self.lock();
        let Some((reply, waker)) = state.waiting.get_mut(&response.id) else { return false };
        *reply = Some(match response.error {
            Some(fault) => Err(RpcError::new(fault.code, fault.message)),
            None => Ok(response.result),
        });
        let waker = waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Nothing more will come in.
    fn close(&self) {
        let wakers = {
            let mut state = self.lock();
            state.is_closed = true;
            state.waiting.values_mut().filter_map(|(_, waker)| waker.take()).collect::<Vec<_>>()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn gone() -> RpcError {
        RpcError::new("client_gone", "the client closed the stream without a reply")
    }
}

/// One call that waits for the client.
struct Waiting {
    calls: Calls,
    id: u64,
}

impl Future for Waiting {
    type Output = Replied;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Replied> {
        let mut state = self.calls.lock();
        let is_closed = state.is_closed;
        match state.waiting.get_mut(&self.id) {
            Some((reply @ Some(_), _)) => Poll::Ready(reply.take().unwrap_or_else(|| Err(Calls::gone()))),
            Some((None, waker)) if !is_closed => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(Err(Calls::gone())),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.calls.lock().waiting.remove(&self.id);
    }
}
