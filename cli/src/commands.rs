//! Calls of a script that are answered by commands of the shell.
//!
//! It owns the processes. Each call has one, in its own process group. When nobody waits for the reply any more, the
//! process is killed with everything that it started. It must never know the jar.

use std::collections::HashSet;
use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::process::{Child, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use belljar::{Call, Router, RpcError, Value};

use crate::ending::Refusal;
use crate::key;
use crate::plain;
use crate::system::{self, Group};

/// One `--rpc NAME=COMMAND`.
#[derive(Clone)]
pub(crate) struct Route {
    name: String,
    command: String,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Route, String> {
        match text.split_once('=') {
            Some((name, command)) if !name.is_empty() && !command.trim().is_empty() => {
                Ok(Route { name: name.into(), command: command.into() })
            }
            _ => Err("it should look like NAME=COMMAND".into()),
        }
    }
}

/// What a command prints.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Json,
    /// Text, without the line ends at its end.
    Text,
}

/// Registers these commands with a router.
pub(crate) fn register<'r>(
    mut router: Router,
    routes: impl Iterator<Item = (&'r Route, Form)>,
    most_bytes: u64,
) -> Result<Router, Refusal> {
    let mut names = HashSet::new();
    for (Route { name, command }, form) in routes {
        if !names.insert(name) {
            return Err(Refusal::usage(format!("--rpc and --rpc-text name {name} twice")));
        }
        let command = command.clone();
        router = router.handle_async(name.as_str(), move |call: Call, params: Value| {
            let answer = Answer::start(call.method(), &command, form, &params, most_bytes);
            async move { answer?.await }
        });
    }
    Ok(router)
}

/// A command at work.
struct Answer {
    shared: Arc<Mutex<Shared>>,
    group: Group,
}

#[derive(Default)]
struct Shared {
    reply: Option<Result<Value, RpcError>>,
    waker: Option<Waker>,
    is_reaped: bool,
}

impl Answer {
    fn start(name: &str, command: &str, form: Form, params: &Value, most_bytes: u64) -> Result<Answer, RpcError> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        // The thread starts before the command, so that no command is left running without one.
        let (hand_over, started) = mpsc::channel();
        let params = plain::params(params.clone())?.as_str().to_owned();
        let (ours, called) = (shared.clone(), name.to_owned());
        let talk = move || {
            let Ok(child) = started.recv() else { return };
            let reply = converse(&called, child, form, &params, most_bytes, &ours);
            let waker = {
                let mut shared = lock(&ours);
                shared.reply = Some(reply);
                shared.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        thread::Builder::new().spawn(talk).map_err(|error| no_thread(name, &error))?;
        let child = system::shell(command)
            // The command answers calls of an untrusted script, and must not see the key of snapshots.
            .env_remove(key::VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| RpcError::new("command_failed", format!("{name}: no shell can be started: {error}")))?;
        let answer = Answer { shared, group: Group::of(&child) };
        hand_over.send(child).map_err(|_| RpcError::new("command_failed", format!("{name}: its thread is gone")))?;
        Ok(answer)
    }
}

fn no_thread(name: &str, error: &io::Error) -> RpcError {
    RpcError::new("command_failed", format!("{name}: no thread can be started: {error}"))
}

impl Future for Answer {
    type Output = Result<Value, RpcError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut shared = lock(&self.shared);
        if let Some(reply) = shared.reply.take() {
            return Poll::Ready(reply);
        }
        shared.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let shared = lock(&self.shared);
        // Its process id cannot be used again before it is reaped.
        if !shared.is_reaped {
            self.group.kill();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a command its input, takes its output, and waits for its end.
fn converse(
    name: &str,
    mut child: Child,
    form: Form,
    params: &str,
    most_bytes: u64,
    shared: &Mutex<Shared>,
) -> Result<Value, RpcError> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let mut output = Vec::new();
    // Another thread writes, because a command may print more than a pipe holds before it reads anything.
    let written = thread::scope(|scope| {
        let write = || {
            if let Some(mut stdin) = stdin {
                // A command need not read its input.
                let _ = stdin.write_all(params.as_bytes()).and_then(|()| stdin.write_all(b"\n"));
            }
        };
        thread::Builder::new().spawn_scoped(scope, write)?;
        if let Some(stdout) = stdout {
            let _ = stdout.take(most_bytes.saturating_add(1)).read_to_end(&mut output);
        }
        if output.len() as u64 > most_bytes {
            Group::of(&child).kill();
        }
        Ok(())
    });
    if written.is_err() {
        Group::of(&child).kill();
    }
    let status = reap(&mut child, shared);
    written.map_err(|error| no_thread(name, &error))?;
    if output.len() as u64 > most_bytes {
        return Err(RpcError::new(
            "message_too_large",
            format!("{name}: the command printed more than {most_bytes} bytes"),
        ));
    }
    match status {
        Ok(status) if status.success() => read(name, form, output),
        // With 127, the shell says that it did not find the command.
        Ok(status) if status.code() == Some(127) => {
            Err(RpcError::new("command_failed", format!("{name}: the shell does not find the command")))
        }
        Ok(status) => Err(RpcError::new("command_failed", format!("{name}: the command ended with {status}"))),
        Err(error) => Err(RpcError::new("command_failed", format!("{name}: the command was lost: {error}"))),
    }
}

/// Waits for the end of a command, and then reaps it under the lock. Between the two, its process id cannot pass to
/// another process, which would be killed in its place.
fn reap(child: &mut Child, shared: &Mutex<Shared>) -> io::Result<ExitStatus> {
    Group::of(child).wait();
    let mut shared = lock(shared);
    shared.is_reaped = true;
    child.wait()
}

fn read(name: &str, form: Form, output: Vec<u8>) -> Result<Value, RpcError> {
    let what = match form {
        Form::Json => "JSON",
        Form::Text => "text",
    };
    let refuse =
        |why: String| RpcError::new("invalid_reply", format!("{name}: the command did not print {what}: {why}"));
    let text = String::from_utf8(output).map_err(|error| refuse(error.to_string()))?;
    match (form, text.trim()) {
        (Form::Text, _) => Value::of(text.trim_end_matches(['\n', '\r'])).map_err(|error| refuse(error.to_string())),
        (Form::Json, "") => Ok(Value::UNDEFINED),
        (Form::Json, text) => Value::from_json(text).map_err(|error| refuse(error.to_string())),
    }
}
