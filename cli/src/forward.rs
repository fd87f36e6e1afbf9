//! Calls of a script that the client answers: a line out for each, and a line in for its reply.
//!
//! It owns which calls wait. It must never know what else the client asks for.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use belljar::{Call, Reply, Router, RpcError};
use serde::{Deserialize, Serialize};

use crate::ending::Refusal;
use crate::interrupt::Interrupt;
use crate::lines::{self, Next};
use crate::plain;

/// A reply to a call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    pub(crate) id: u64,
    #[serde(default)]
    result: belljar::Value,
    error: Option<Fault>,
    /// Whether there is no reply yet, and the script should be paused until there is.
    #[serde(default)]
    pause: bool,
}

/// Why a forwarded call failed, in the client's words.
#[derive(Deserialize)]
pub(crate) struct Fault {
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

impl From<Fault> for RpcError {
    fn from(fault: Fault) -> RpcError {
        RpcError::new(fault.code, fault.message)
    }
}

#[derive(Serialize)]
struct Forwarded<'a> {
    rpc: ForwardedCall<'a>,
}

#[derive(Serialize)]
struct ForwardedCall<'a> {
    id: u64,
    method: &'a str,
    params: &'a belljar::Value,
}

/// The only line that a client may send while `belljar run` runs a script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    rpc_response: Response,
}

/// Sends every call that has no handler to the client.
pub(crate) fn register(router: Router, calls: &Calls, interrupt: &Interrupt) -> Router {
    let (calls, interrupt) = (calls.clone(), interrupt.clone());
    router.fallback_async(move |call: Call, params: belljar::Value| {
        let waiting = plain::params(params).map(|params| calls.forward(call.method(), &params));
        if let Ok(Err(error)) = &waiting {
            interrupt.output_lost(error);
        }
        async move {
            match waiting {
                Ok(Ok(waiting)) => waiting.await,
                Ok(Err(_)) => Calls::gone(),
                Err(refused) => refused.into(),
            }
        }
    })
}

/// Reads replies on its own thread. A line that is no reply is told to `complain`.
pub(crate) fn listen(calls: Calls, complain: impl Fn(&str) + Send + 'static) -> Result<(), Refusal> {
    let read = move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            match lines::next(&mut stdin, &mut line) {
                Ok(Next::End) | Err(_) => break,
                Ok(Next::TooLong) => complain(&format!("a line is longer than {} bytes", lines::MOST_BYTES)),
                Ok(Next::Line) if line.trim_ascii().is_empty() => {}
                Ok(Next::Line) => match serde_json::from_slice::<Line>(&line) {
                    Ok(line) => {
                        let number = line.rpc_response.id;
                        if !calls.deliver(line.rpc_response) {
                            complain(&format!("no call waits for the rpc_response {number}"));
                        }
                    }
                    Err(error) => complain(&format!("a line is no rpc_response: {error}")),
                },
            }
        }
        calls.close();
    };
    thread::Builder::new().spawn(read).map(drop).map_err(|error| Refusal::no_thread(&error))
}

/// The calls that wait for the client.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    newest: u64,
    is_closed: bool,
    waiting: HashMap<u64, (Option<Reply>, Option<Waker>)>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forward(&self, method: &str, params: &belljar::Value) -> io::Result<Waiting> {
        let id = {
            let mut state = self.lock();
            state.newest += 1;
            let id = state.newest;
            state.waiting.insert(id, (None, None));
            id
        };
        let waiting = Waiting { calls: self.clone(), id };
        lines::print(&Forwarded { rpc: ForwardedCall { id, method, params } })?;
        Ok(waiting)
    }

    pub(crate) fn deliver(&self, response: Response) -> bool {
        let mut state = self.lock();
        let Some((reply, waker)) = state.waiting.get_mut(&response.id) else { return false };
        *reply = Some(match response.error {
            _ if response.pause => Reply::pause(),
            Some(fault) => Reply::Error(fault.into()),
            None => Reply::Value(response.result),
        });
        let waker = waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// No more replies will come.
    pub(crate) fn close(&self) {
        let wakers = {
            let mut state = self.lock();
            state.is_closed = true;
            state.waiting.values_mut().filter_map(|(_, waker)| waker.take()).collect::<Vec<_>>()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn gone() -> Reply {
        RpcError::new("client_gone", "the client closed the stream without a reply").into()
    }
}

/// One call that waits for the client.
struct Waiting {
    calls: Calls,
    id: u64,
}

impl Future for Waiting {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reply> {
        let mut state = self.calls.lock();
        let is_closed = state.is_closed;
        match state.waiting.get_mut(&self.id) {
            Some((reply @ Some(_), _)) => Poll::Ready(reply.take().unwrap_or_else(Calls::gone)),
            Some((None, waker)) if !is_closed => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(Calls::gone()),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.calls.lock().waiting.remove(&self.id);
    }
}
