//! Requests of a client, as JSON lines: read, understood, and kept until their turn comes.
//!
//! It owns the shapes of lines that come in, and how much memory one of them and all that wait may take. It must never
//! know what a jar is.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::ending::Refusal;
use crate::forward::{Calls, Response};
use crate::lines::{self, Next};
use crate::offered::Texts;
use crate::paused::Resume;

/// How many requests are read ahead of the one at work, when calls are not forwarded.
const AHEAD: usize = 16;
/// How many bytes of requests may wait when calls are forwarded: a reply to a call may stand behind them.
const MOST_WAITING: usize = 64 << 20;
/// What a request counts in addition to its line.
const WEIGHT: usize = 512;
/// The longest name of a jar, in bytes.
const MOST_NAME: usize = 1024;
/// The most limits that a line may name; there are thirteen.
const MOST_CHANGES: usize = 64;

pub(crate) type Id = Option<Box<RawValue>>;

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
    modules: Option<Texts>,
    run: Option<String>,
    snapshot: Option<Label>,
    restore: Option<String>,
    limits: Option<Changes>,
    resume: Option<Resume>,
    reset: Option<bool>,
    drop: Option<bool>,
    rpc_response: Option<Response>,
}

/// The part of a line that is needed to answer it when the rest cannot be understood.
#[derive(Deserialize)]
struct Mark {
    #[serde(default, deserialize_with = "whatever")]
    id: Id,
}

/// Any value, null too, which serde would take for a field that is not there.
fn whatever<'de, D: Deserializer<'de>>(value: D) -> Result<Id, D::Error> {
    Box::<RawValue>::deserialize(value).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) params: belljar::Value,
}

/// The label of a snapshot. Its reader keeps nothing, where serde's reader of untagged enums keeps a copy of any value,
/// which can be many times as large as its text.
enum Label {
    Bare(bool),
    Text(String),
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Label, D::Error> {
        #[derive(Deserialize)]
        struct Text {
            label: String,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Label;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, or an object with a label")
            }

            fn visit_bool<E>(self, is_asked: bool) -> Result<Label, E> {
                Ok(Label::Bare(is_asked))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Label, A::Error> {
                Text::deserialize(MapAccessDeserializer::new(map)).map(|Text { label }| Label::Text(label))
            }
        }
        value.deserialize_any(Either)
    }
}

/// New values of limits, by their names.
struct Changes(BTreeMap<String, Option<u64>>);

impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Changes, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Changes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object with the names of at most {MOST_CHANGES} limits")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Changes, A::Error> {
                let mut changes = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, _>()? {
                    if changes.len() == MOST_CHANGES || name.len() > MOST_NAME {
                        return Err(A::Error::invalid_length(changes.len() + 1, &self));
                    }
                    changes.insert(name, value);
                }
                Ok(Changes(changes))
            }
        }
        value.deserialize_map(Few)
    }
}

/// What is asked of a jar.
pub(crate) enum Request {
    Eval(String),
    Inspect(String),
    Dispatch(Event),
    Compile(String),
    Run(String),
    Snapshot(String),
    Restore(String),
    Limits(BTreeMap<String, Option<u64>>),
    Resume(Resume),
    Reset,
    Drop,
    /// It was not understood; the text says why.
    Bad(String),
}

/// A request, and what every kind of request has.
pub(crate) struct Asked {
    pub(crate) id: Id,
    pub(crate) instance: String,
    pub(crate) name: String,
    /// The modules that it brings.
    pub(crate) modules: Texts,
    pub(crate) request: Request,
    /// What it counts while it waits.
    weight: usize,
}

impl Asked {
    pub(crate) fn bad(id: Id, message: String) -> Asked {
        let (instance, name, modules) = <(String, String, Texts)>::default();
        Asked { id, instance, name, modules, request: Request::Bad(message), weight: 0 }
    }
}

/// The requests that wait for their turn, in order.
pub(crate) struct Requests {
    queue: Receiver<Asked>,
    /// The sum of the weights of those that wait.
    waiting: Arc<AtomicUsize>,
}

impl Iterator for Requests {
    type Item = Asked;

    fn next(&mut self) -> Option<Asked> {
        let asked = self.queue.recv().ok()?;
        self.waiting.fetch_sub(asked.weight, Ordering::Relaxed);
        Some(asked)
    }
}

/// Hands a request on; false when no more are taken.
type Send = Box<dyn Fn(Asked) -> bool + std::marker::Send>;

/// Reads requests on its own thread, because replies to calls arrive while a script runs. When calls are forwarded, a
/// reply may stand behind any number of requests. When too much waits already, the next request is passed to `refuse`.
pub(crate) fn read(
    calls: Calls,
    forwards: bool,
    refuse: impl Fn(Id, String) + std::marker::Send + 'static,
) -> Result<Requests, Refusal> {
    let waiting = Arc::<AtomicUsize>::default();
    let held = waiting.clone();
    let (send, queue): (Send, _) = if forwards {
        let (sender, queue) = mpsc::channel();
        let send = move |asked: Asked| {
            if held.load(Ordering::Relaxed).saturating_add(asked.weight) > MOST_WAITING {
                let message =
                    format!("more than {} MiB of requests wait already; send this one later", MOST_WAITING >> 20);
                refuse(asked.id, message);
                return true;
            }
            held.fetch_add(asked.weight, Ordering::Relaxed);
            sender.send(asked).is_ok()
        };
        (Box::new(send), queue)
    } else {
        let (sender, queue) = mpsc::sync_channel(AHEAD);
        (Box::new(move |asked| sender.send(Asked { weight: 0, ..asked }).is_ok()), queue)
    };
    let read = move || {
        let mut stdin = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            let asked = match lines::next(&mut stdin, &mut line) {
                Ok(Next::End) | Err(_) => break,
                Ok(Next::TooLong) => {
                    Some(Asked::bad(None, format!("the line is longer than {} bytes", lines::MOST_BYTES)))
                }
                Ok(Next::Line) if line.trim_ascii().is_empty() => None,
                Ok(Next::Line) => understand(&line, &calls),
            };
            if asked.is_some_and(|asked| !send(Asked { weight: line.len().saturating_add(WEIGHT), ..asked })) {
                break;
            }
        }
        calls.close();
    };
    thread::Builder::new().name("requests".into()).spawn(read).map_err(|error| Refusal::no_thread(&error))?;
    Ok(Requests { queue, waiting })
}

/// What a line asks for; None when it was a reply, which is delivered at once.
fn understand(line: &[u8], calls: &Calls) -> Option<Asked> {
    // Some systems put a byte order mark before the first line.
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    // Serde would read a struct from an array too.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Some(Asked::bad(None, "not a line of the protocol: it is no JSON object".into()));
    }
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => {
            let id = serde_json::from_slice::<Mark>(line).ok().and_then(|mark| mark.id);
            return Some(Asked::bad(id, format!("not a line of the protocol: {}", lines::told(&error))));
        }
    };
    let (is_named, has_modules) = (line.name.is_some(), line.modules.is_some());
    let mut asked = [
        line.eval.map(Request::Eval),
        line.inspect.map(Request::Inspect),
        line.compile.map(Request::Compile),
        line.dispatch.map(Request::Dispatch),
        line.run.map(Request::Run),
        line.snapshot.and_then(|label| match label {
            Label::Bare(true) => Some(Request::Snapshot(String::new())),
            Label::Bare(false) => None,
            Label::Text(label) => Some(Request::Snapshot(label)),
        }),
        line.restore.map(Request::Restore),
        line.limits.map(|Changes(changes)| Request::Limits(changes)),
        line.resume.map(Request::Resume),
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
        (Some(_), None, None) if has_modules => {
            Request::Bad("modules go with eval, inspect and compile only".into())
        }
        (Some(request), None, None) => request,
        _ => Request::Bad(
            "a line holds one of eval, inspect, dispatch, compile, run, snapshot, restore, limits, resume, reset, drop \
             and rpc_response"
                .into(),
        ),
    };
    let name = line.name.unwrap_or_else(|| "[eval]".into());
    if line.instance.len() > MOST_NAME {
        return Some(Asked::bad(line.id, format!("the name of an instance is longer than {MOST_NAME} bytes")));
    }
    let modules = line.modules.unwrap_or_default();
    Some(Asked { id: line.id, instance: line.instance, name, modules, request, weight: 0 })
}
