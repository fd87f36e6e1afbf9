//! JSON lines: jars driven from any language. `docs/JSON-PROTOCOL.md` is the contract.
//!
//! It owns the shapes of lines and the order of answers. It must never know where else a script could come from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use belljar::{Error, Program, Router, Runtime, Script};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::arguments;
use crate::artefact;
use crate::bounds::{Bounds, camel, kebab};
use crate::ending::{Cost, Ending, Failure, Refusal, Speech};
use crate::executor::block_on;
use crate::forward::{self, Calls, Response};
use crate::interrupt::Interrupt;
use crate::jar::{self, Jar};
use crate::key::{self, Key};
use crate::lines::{self, Next};
use crate::rejections::Rejections;
use crate::run::Log;

/// How many requests are read ahead of the one at work, when no reply to a call can be among them.
const AHEAD: usize = 16;

/// How many jars a client may have at once. Each holds its memory until it is dropped.
const MOST_JARS: usize = 256;

type Id = Option<Box<RawValue>>;

/// A line that came in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, deserialize_with = "whatever")]
    id: Id,
    #[serde(default)]
    instance: String,
    name: Option<String>,
    eval: Option<String>,
    inspect: Option<String>,
    dispatch: Option<Event>,
    compile: Option<String>,
    run: Option<String>,
    snapshot: Option<Label>,
    restore: Option<String>,
    limits: Option<BTreeMap<String, Option<u64>>>,
    reset: Option<bool>,
    drop: Option<bool>,
    rpc_response: Option<Response>,
}

/// As much of a line as is needed to answer one that cannot be understood.
#[derive(Deserialize)]
struct Mark {
    #[serde(default, deserialize_with = "whatever")]
    id: Id,
}

/// Any value, null too: left to itself, serde takes that for nothing.
fn whatever<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Id, D::Error> {
    Box::<RawValue>::deserialize(value).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    name: String,
    #[serde(default)]
    params: belljar::Json,
}

/// What a snapshot is told to be called.
#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Bare(bool),
    Text { label: String },
}

/// What is asked of a jar.
enum Request {
    Eval(String),
    Inspect(String),
    Dispatch(Event),
    Compile(String),
    Run(String),
    Snapshot(String),
    Restore(String),
    Limits(BTreeMap<String, Option<u64>>),
    Reset,
    Drop,
    /// Nothing that could be understood; the text says why.
    Bad(String),
}

/// A request, and what goes with every kind of it.
struct Asked {
    id: Id,
    instance: String,
    name: String,
    request: Request,
}

impl Asked {
    fn bad(id: Id, message: String) -> Asked {
        Asked { id, instance: String::new(), name: String::new(), request: Request::Bad(message) }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'static, str>>,
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

/// What a request came to.
struct Answered {
    result: belljar::Json,
    text: Option<Cow<'static, str>>,
    /// Whether script ran, so that there is something to say of its cost.
    has_run: bool,
}

impl Answered {
    fn value(result: belljar::Json) -> Answered {
        Answered { result, text: None, has_run: true }
    }

    fn bytes(bytes: &[u8]) -> belljar::Result<Answered> {
        let result = belljar::Json::from_value(&BASE64.encode(bytes))?;
        Ok(Answered { result, text: None, has_run: false })
    }

    fn done(text: &'static str) -> Answered {
        Answered { result: belljar::Json::UNDEFINED, text: Some(text.into()), has_run: false }
    }
}

/// The jars of a client by name, made when they are first asked.
struct Jars {
    runtime: Runtime,
    router: Router,
    bounds: Bounds,
    key: Option<Key>,
    open: BTreeMap<String, Jar>,
}

pub(crate) fn serve(arguments: &arguments::Json, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let logs = Arc::new(Mutex::new(Vec::new()));
    let calls = Calls::default();
    let kept = logs.clone();
    let router = Router::new().on_console(move |level, line| {
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(Log::new(level, line));
    });
    let rejections = Rejections::default();
    let mut router = jar::router(router, &arguments.jar, &rejections)?;
    let forwards = arguments.rpc_all.is_some();
    if forwards {
        router = forward::register(router, &calls, interrupt, &rejections);
    }
    let mut jars = Jars {
        runtime: jar::runtime()?,
        router,
        bounds: arguments.jar.bounds.clone(),
        key: key::read(&arguments.key)?,
        open: BTreeMap::new(),
    };
    jars.named("")?;
    for Asked { id, instance, name, request } in read(calls, forwards)? {
        let speech = if matches!(request, Request::Compile(_)) { Speech::FixedLines } else { Speech::Lines };
        let (result, stats) = jars.answer(&instance, name, request, interrupt);
        let logs = std::mem::take(&mut *logs.lock().unwrap_or_else(PoisonError::into_inner));
        let (result, text, error) = match result {
            Ok(answered) => (Some(answered.result), answered.text, None),
            Err(error) => (
                None,
                None,
                Some(Problem { error_code: error.code(), failure: Failure::of(&error, &rejections, speech) }),
            ),
        };
        match lines::print(&Reply { id, result, error, text, logs, stats }) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Ending::Done),
            Err(error) => return Err(Refusal::internal(format!("standard output cannot be written to: {error}"))),
            Ok(()) if interrupt.is_interrupted() => return Ok(Ending::Cancelled),
            Ok(()) => {}
        }
    }
    Ok(Ending::Done)
}

impl Jars {
    fn named(&mut self, name: &str) -> belljar::Result<&mut Jar> {
        if !self.open.contains_key(name) {
            if self.open.len() >= MOST_JARS {
                let message = format!("there are {MOST_JARS} instances already; drop one");
                return Err(Error::Input { message });
            }
            let jar = Jar::open(&self.runtime, &self.router, &self.bounds, None)?;
            self.open.insert(name.to_owned(), jar);
        }
        self.open.get_mut(name).ok_or(Error::Host { message: "the instance is gone".into() })
    }

    /// What a request came to, and what it has cost if it ran anything.
    fn answer(
        &mut self,
        instance: &str,
        name: String,
        request: Request,
        interrupt: &Interrupt,
    ) -> (belljar::Result<Answered>, Option<Cost>) {
        let request = match request {
            Request::Bad(message) => return (Err(Error::Input { message }), None),
            Request::Drop => {
                let text = if self.open.remove(instance).is_some() { "dropped" } else { "there was none" };
                return (Ok(Answered::done(text)), None);
            }
            Request::Compile(source) => {
                let program = self.runtime.compile(Script::new(source).named(name));
                return (program.and_then(|program| Answered::bytes(&program.to_bytes())), None);
            }
            other => other,
        };
        let key = self.key;
        let jar = match self.named(instance) {
            Ok(jar) => jar,
            Err(error) => return (Err(error), None),
        };
        let runs = matches!(request, Request::Eval(_) | Request::Inspect(_) | Request::Dispatch(_) | Request::Run(_));
        let result = interrupt.guard(jar.instance.cancel_handle(), || perform(jar, &name, request, key.as_ref()));
        let has_run = match &result {
            Ok(answered) => answered.has_run,
            // Nothing began, and the figures would be those of the request before.
            Err(Error::Input { .. } | Error::Program { .. } | Error::Snapshot { .. } | Error::Poisoned) => false,
            Err(_) => runs,
        };
        (result, has_run.then(|| Cost::of(&jar.instance.call_stats())))
    }
}

fn perform(jar: &mut Jar, name: &str, request: Request, key: Option<&Key>) -> belljar::Result<Answered> {
    match request {
        Request::Eval(source) => {
            block_on(jar.instance.eval_async(Script::new(source).named(name))).map(Answered::value)
        }
        Request::Inspect(source) => {
            let shown = block_on(jar.instance.inspect_async(Script::new(source).named(name)))?;
            Ok(Answered { result: belljar::Json::UNDEFINED, text: Some(shown.into_text().into()), has_run: true })
        }
        Request::Dispatch(event) => {
            block_on(jar.instance.dispatch_async(&event.name, &event.params)).map(Answered::value)
        }
        Request::Run(program) => {
            let program = Program::from_bytes(&unpack(&program)?)?;
            block_on(jar.instance.run_async(&program)).map(Answered::value)
        }
        Request::Snapshot(label) => Answered::bytes(&artefact::freeze(&mut jar.instance, &label, key)?),
        Request::Restore(snapshot) => {
            jar.restore(artefact::melt(&unpack(&snapshot)?, key)?)?;
            Ok(Answered::done("restored"))
        }
        Request::Limits(changes) => {
            let changes: Vec<(String, Option<String>)> =
                changes.into_iter().map(|(name, value)| (kebab(&name), value.map(|value| value.to_string()))).collect();
            if !changes.is_empty() {
                let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                let bounds = jar.bounds().with(&changes).map_err(|message| {
                    let names = jar.bounds().settings().into_iter().map(|(name, _)| name);
                    let names = names.chain(changes.iter().map(|(name, _)| *name));
                    Error::Input { message: names.fold(message, |message, name| message.replace(name, &camel(name))) }
                })?;
                jar.set_bounds(bounds)?;
            }
            let now: BTreeMap<String, Option<u64>> =
                jar.bounds().settings().into_iter().map(|(name, value)| (camel(name), value)).collect();
            Ok(Answered { result: belljar::Json::from_value(&now)?, text: None, has_run: false })
        }
        Request::Reset => jar.reset().map(|()| Answered::done("reset")),
        Request::Drop | Request::Compile(_) | Request::Bad(_) => Ok(Answered::done("nothing to do")),
    }
}

fn unpack(text: &str) -> belljar::Result<Vec<u8>> {
    BASE64.decode(text).map_err(|error| Error::Input { message: format!("not base64: {error}") })
}

/// Hands a request on; false when nobody takes any more.
type Send = Box<dyn Fn(Asked) -> bool + std::marker::Send>;

/// Reads requests on a thread of its own, because replies to calls arrive while a script runs.
fn read(calls: Calls, forwards: bool) -> Result<Receiver<Asked>, Refusal> {
    // With calls forwarded, a reply may stand behind any number of requests, and must be found.
    let (send, requests): (Send, _) = if forwards {
        let (sender, requests) = mpsc::channel();
        (Box::new(move |request| sender.send(request).is_ok()), requests)
    } else {
        let (sender, requests) = mpsc::sync_channel(AHEAD);
        (Box::new(move |request| sender.send(request).is_ok()), requests)
    };
    let read = move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            let request = match lines::next(&mut stdin, &mut line) {
                Ok(Next::End) | Err(_) => break,
                Ok(Next::TooLong) => {
                    Some(Asked::bad(None, format!("the line is longer than {} bytes", lines::MOST_BYTES)))
                }
                Ok(Next::Line) if line.trim_ascii().is_empty() => None,
                Ok(Next::Line) => understand(&line, &calls),
            };
            if request.is_some_and(|request| !send(request)) {
                break;
            }
        }
        calls.close();
    };
    thread::Builder::new().spawn(read).map_err(|error| Refusal::no_thread(&error))?;
    Ok(requests)
}

/// What a line asks for; None when it was a reply, which is delivered at once.
fn understand(line: &[u8], calls: &Calls) -> Option<Asked> {
    // Some systems put the mark of UTF-8 before the first line.
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    // An array would do for a struct.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Some(Asked::bad(None, "not a line of the protocol: it is no JSON object".into()));
    }
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => {
            let id = serde_json::from_slice::<Mark>(line).ok().and_then(|mark| mark.id);
            return Some(Asked::bad(id, format!("not a line of the protocol: {error}")));
        }
    };
    let is_named = line.name.is_some();
    let mut asked = [
        line.eval.map(Request::Eval),
        line.inspect.map(Request::Inspect),
        line.compile.map(Request::Compile),
        line.dispatch.map(Request::Dispatch),
        line.run.map(Request::Run),
        line.snapshot.and_then(|label| match label {
            Label::Bare(true) => Some(Request::Snapshot(String::new())),
            Label::Bare(false) => None,
            Label::Text { label } => Some(Request::Snapshot(label)),
        }),
        line.restore.map(Request::Restore),
        line.limits.map(Request::Limits),
        line.reset.filter(|asked| *asked).map(|_| Request::Reset),
        line.drop.filter(|asked| *asked).map(|_| Request::Drop),
    ]
    .into_iter()
    .flatten();
    let request = match (asked.next(), asked.next(), line.rpc_response) {
        (None, None, Some(response)) => {
            let number = response.id;
            if calls.deliver(response) {
                return None;
            }
            Request::Bad(format!("no call waits for the rpc_response {number}"))
        }
        (Some(request @ (Request::Eval(_) | Request::Inspect(_) | Request::Compile(_))), None, None) => request,
        (Some(_), None, None) if is_named => Request::Bad("a name goes with eval, inspect and compile only".into()),
        (Some(request), None, None) => request,
        _ => Request::Bad(
            "a line holds one of eval, inspect, dispatch, compile, run, snapshot, restore, limits, reset, drop and rpc_response"
                .into(),
        ),
    };
    let name = line.name.unwrap_or_else(|| "[eval]".into());
    Some(Asked { id: line.id, instance: line.instance, name, request })
}
