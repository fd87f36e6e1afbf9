//! Recording and replay of the calls of a script and the answers that it got.
//!
//! It owns the log, its format and the comparison. It must never know a handler, the guest, or when a call is made.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::excerpt;
use crate::millis;
use crate::reply::{Answered, RpcError};
use crate::value::{Stored, Value};

const FORMAT: u32 = 2;

/// A recording of every handler call that the scripts of one instance make, and of every answer that they get. The
/// instance can be replayed from it without its handlers, for a bug report, an audit or a test.
///
/// A clone costs one reference count, and records into the same log.
///
/// Answers are kept in the order and in the groups in which the script got them, because a script can observe both. A
/// replay gives the same result if the scripts, the seed and the clock are the same. So give the recorded instance a
/// seed and a clock ([`InstanceBuilder::seed`](crate::InstanceBuilder::seed),
/// [`Clock::Stepped`](crate::Clock::Stepped)), and its replay the same ones.
///
/// A recording belongs to one instance. It can continue in an instance that is restored from a snapshot of the first,
/// even in another process: store [`Recording::to_bytes`] with the snapshot, read it back there, and pass the router
/// through its [`Recording::record`]. The replay then covers both parts, because the answers that resumed the script
/// are recorded like any others.
///
/// ```
/// use belljar::{Call, Limits, Recording, Router, Runtime};
///
/// let runtime = Runtime::new()?;
/// let router = Router::new().handle("price", |_: &Call, item: String| Ok(item.len() * 100));
/// let script = "['tea', 'bread'].map(item => host.rpcSync('price', item))";
///
/// let recording = Recording::new();
/// let mut jar = runtime.build_instance().seed(1).start(&recording.record(&router), &Limits::default())?;
/// let result = jar.eval(script)?;
/// let bytes = recording.to_bytes();
///
/// let replay = Recording::from_bytes(&bytes)?.replay();
/// let mut again = runtime.build_instance().seed(1).start(&replay.router(), &Limits::default())?;
/// assert_eq!(again.eval(script)?, result);
/// replay.finish()?;
///
/// // Another script makes a different call.
/// let replay = recording.replay();
/// let mut other = runtime.build_instance().seed(1).start(&replay.router(), &Limits::default())?;
/// let error = other.eval("host.rpcSync('price', 'gold')").unwrap_err();
/// assert_eq!(error.code(), "replay_diverged");
/// # Ok::<(), belljar::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Recording {
    log: Arc<Mutex<Log>>,
}

#[derive(Clone, Default)]
struct Log {
    events: Vec<Event>,
    calls: u64,
    /// Maps the guest's numbers of open calls to the numbers in the recording.
    open: BTreeMap<u32, u64>,
}

/// One step of a recording. Calls are numbered from zero, in the order in which the script made them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    /// A call of `host.rpc`.
    Call(Asked),
    /// A call of `host.rpcSync` and its answer; None if the script was stopped while it waited for the answer.
    SyncCall(Asked, Option<Told>),
    /// Answers that the script got at the same time, each with the number of its call.
    Answers(Vec<(u64, Told)>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "WrittenCall", into = "WrittenCall")]
struct Asked {
    method: String,
    params: Value,
    made_at: SystemTime,
}

/// The serialized form of a call: its parameters are JSON, or base64 where JSON has no form for them.
#[derive(Serialize, Deserialize)]
struct WrittenCall {
    method: String,
    #[serde(default, skip_serializing_if = "Value::is_undefined")]
    params: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binary_params: Option<Stored>,
    #[serde(default = "millis::unknown", with = "millis")]
    made_at: SystemTime,
}

impl From<Asked> for WrittenCall {
    fn from(Asked { method, params, made_at }: Asked) -> WrittenCall {
        let (params, binary_params) = params.split();
        WrittenCall { method, params, binary_params, made_at }
    }
}

impl From<WrittenCall> for Asked {
    fn from(WrittenCall { method, params, binary_params, made_at }: WrittenCall) -> Asked {
        Asked { method, params: Value::join(params, binary_params), made_at }
    }
}

impl Asked {
    fn new(method: &[u8], params: &[u8], made_at: SystemTime) -> Asked {
        // Parameters that are in no form get an error from the host, and the recording has the call without them.
        let params = Value::from_wire(params.to_vec()).unwrap_or_default();
        Asked { method: String::from_utf8_lossy(method).into_owned(), params, made_at }
    }
}

/// Compares the calls; the time at which they were made does not count.
impl PartialEq for Asked {
    fn eq(&self, other: &Asked) -> bool {
        (&self.method, &self.params) == (&other.method, &other.params)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", excerpt::quoted(&self.method), excerpt::plain(self.params.as_str()))
    }
}

/// An answer as the script got it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Value(Value),
    /// A value that JSON has no form for.
    Binary(Stored),
    Undefined,
    Error {
        code: String,
        message: String,
    },
}

impl Told {
    fn new(reply: &Answered) -> Told {
        match reply {
            Ok(value) if value.is_undefined() => Told::Undefined,
            Ok(value) => match value.clone().split() {
                (_, Some(binary)) => Told::Binary(binary),
                (json, None) => Told::Value(json),
            },
            Err(error) => Told::Error { code: error.code().into(), message: error.message().into() },
        }
    }

    fn into_reply(self) -> Answered {
        match self {
            Told::Value(json) => Ok(json),
            Told::Binary(binary) => Ok(Value::join(Value::UNDEFINED, Some(binary))),
            Told::Undefined => Ok(Value::UNDEFINED),
            Told::Error { code, message } => Err(RpcError::new(code, message)),
        }
    }
}

/// The field that recordings of every format have.
#[derive(Deserialize)]
struct Format {
    belljar_recording: u32,
}

/// The serialized form of a recording: JSON, so that people can read it.
#[derive(Serialize, Deserialize)]
struct Written {
    belljar_recording: u32,
    events: Vec<Event>,
    open: BTreeMap<u32, u64>,
}

/// A call that was recorded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedCall {
    /// The method.
    pub method: String,
    /// The parameters.
    pub params: Value,
    /// When the script made the call, in whole milliseconds: by the system's clock, or by the clock that the embedder
    /// gave the instance. The Unix epoch in recordings of builds that did not store the time.
    pub made_at: SystemTime,
    /// The answer that the script got; None if it ended before the answer, or still waits for it.
    pub answer: Option<std::result::Result<Value, RpcError>>,
}

impl Recording {
    /// An empty recording.
    #[must_use]
    pub fn new() -> Recording {
        Recording::default()
    }

    /// A replay of what was recorded so far, from its start.
    #[must_use]
    pub fn replay(&self) -> Replay {
        let events = self.log().events.clone();
        Replay { course: Arc::new(Mutex::new(Course { events, ..Course::default() })) }
    }

    /// The recorded calls with their answers: an audit trail.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        let told = |told: &Told| told.clone().into_reply();
        let mut calls = Vec::new();
        for event in &self.log().events {
            match event {
                Event::Call(asked) => calls.push(RecordedCall {
                    method: asked.method.clone(),
                    params: asked.params.clone(),
                    made_at: asked.made_at,
                    answer: None,
                }),
                Event::SyncCall(asked, answer) => calls.push(RecordedCall {
                    method: asked.method.clone(),
                    params: asked.params.clone(),
                    made_at: asked.made_at,
                    answer: answer.as_ref().map(told),
                }),
                Event::Answers(answers) => {
                    for (call, answer) in answers {
                        let call = usize::try_from(*call).ok().and_then(|call| calls.get_mut(call));
                        if let Some(call) = call {
                            call.answer = Some(told(answer));
                        }
                    }
                }
            }
        }
        calls
    }

    /// The recording as JSON text.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Log { events, open, .. } = self.log().clone();
        let written = Written { belljar_recording: FORMAT, events, open };
        // Every field is a string, a number or JSON, so this cannot fail.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Reads what [`Recording::to_bytes`] wrote, to replay it or to continue recording.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when the bytes are not a recording, or one of another format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Recording> {
        let refused = |error: serde_json::Error| Error::input(format!("not a recording: {}", excerpt::message(&error)));
        let Format { belljar_recording: format } = serde_json::from_slice(bytes).map_err(refused)?;
        if format != FORMAT {
            return Err(Error::input(format!(
                "a recording of format {format} is not one of format {FORMAT}, which this version reads"
            )));
        }
        let written: Written = serde_json::from_slice(bytes).map_err(refused)?;
        let calls = written.events.iter().filter(|event| !matches!(event, Event::Answers(_))).count();
        let log = Log { events: written.events, calls: calls as u64, open: written.open };
        Ok(Recording { log: Arc::new(Mutex::new(log)) })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("calls", &self.log().calls).finish_non_exhaustive()
    }
}

/// A replay: a recording that answers in place of the handlers. Every call must equal the recorded one; the first
/// that differs ends the script with [`Error::Diverged`], which the script cannot catch.
#[derive(Clone)]
pub struct Replay {
    course: Arc<Mutex<Course>>,
}

#[derive(Default)]
struct Course {
    events: Vec<Event>,
    /// Number of events that have been replayed.
    done: usize,
    calls: u64,
    /// Maps the numbers of calls without an answer to the guest's numbers.
    open: HashMap<u64, u32>,
}

impl Replay {
    /// Checks that the script has made every recorded call.
    ///
    /// # Errors
    ///
    /// [`Error::Diverged`], which names the first call that the script did not make.
    pub fn finish(&self) -> Result<()> {
        let course = self.course();
        match course.events.get(course.done) {
            None => Ok(()),
            Some(left) => {
                Err(Error::Diverged { message: format!("the script ended before {}", course.describe(left)) })
            }
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Course {
    fn describe(&self, event: &Event) -> String {
        match event {
            Event::Call(asked) | Event::SyncCall(asked, _) => {
                format!("call {}, {asked}", self.calls.saturating_add(1))
            }
            Event::Answers(answers) => {
                let numbers: Vec<String> = answers.iter().map(|(call, _)| call.saturating_add(1).to_string()).collect();
                let shown = excerpt::names(numbers.iter().map(String::as_str));
                format!("the answer to call {}", shown.join(" and "))
            }
        }
    }

    /// Takes the next event if it matches what the script does now.
    fn step(&mut self, asked: &Asked, is_it: impl FnOnce(&Event) -> bool) -> std::result::Result<Event, String> {
        match self.events.get(self.done) {
            Some(event) if is_it(event) => {
                self.done += 1;
                self.calls += 1;
                Ok(event.clone())
            }
            Some(event) => Err(format!("the script made the call {asked} where {} was recorded", self.describe(event))),
            None => Err(format!("the script made the call {asked} where the recording is over")),
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let course = self.course();
        f.debug_struct("Replay").field("events", &course.events.len()).field("done", &course.done).finish()
    }
}

/// Records or replays the router's calls.
#[derive(Clone)]
pub(crate) enum Tape {
    Recording(Recording),
    Replay(Replay),
}

impl Tape {
    /// The memory that recording a message of this length takes.
    pub(crate) fn weight(&self, length: usize) -> u64 {
        match self {
            Tape::Recording(_) => (length + size_of::<Event>()) as u64,
            Tape::Replay(_) => 0,
        }
    }

    /// Handles a call of `host.rpc`: true if the replay will answer it, an error if it differs from the recording.
    pub(crate) fn call(
        &self,
        slot: u32,
        method: &[u8],
        params: &[u8],
        made_at: SystemTime,
    ) -> std::result::Result<bool, String> {
        let asked = Asked::new(method, params, made_at);
        match self {
            Tape::Recording(recording) => {
                let mut log = recording.log();
                let call = log.calls;
                log.calls += 1;
                log.open.insert(slot, call);
                log.events.push(Event::Call(asked));
                Ok(false)
            }
            Tape::Replay(replay) => {
                let mut course = replay.course();
                let call = course.calls;
                course.step(&asked, |event| matches!(event, Event::Call(recorded) if *recorded == asked))?;
                course.open.insert(call, slot);
                Ok(true)
            }
        }
    }

    /// Handles a call of `host.rpcSync`: the answer if the replay has it.
    pub(crate) fn sync_call(
        &self,
        method: &[u8],
        params: &[u8],
        made_at: SystemTime,
    ) -> std::result::Result<Option<Answered>, String> {
        let asked = Asked::new(method, params, made_at);
        match self {
            Tape::Recording(recording) => {
                let mut log = recording.log();
                log.calls += 1;
                log.events.push(Event::SyncCall(asked, None));
                Ok(None)
            }
            Tape::Replay(replay) => {
                let is_it = |event: &Event| matches!(event, Event::SyncCall(recorded, _) if *recorded == asked);
                match replay.course().step(&asked, is_it)? {
                    Event::SyncCall(_, Some(told)) => Ok(Some(told.into_reply())),
                    _ => Err(format!("the script was stopped before the call {asked} had an answer")),
                }
            }
        }
    }

    /// Records the answer to the last call of `host.rpcSync`. The script does nothing between such a call and its
    /// answer.
    pub(crate) fn sync_answer(&self, reply: &Answered) {
        let Tape::Recording(recording) = self else { return };
        if let Some(Event::SyncCall(_, told)) = recording.log().events.last_mut() {
            *told = Some(Told::new(reply));
        }
    }

    /// What [`Tape::answers`] needs of an answer; None for a replay.
    pub(crate) fn told(&self, slot: u32, reply: &Answered) -> Option<(u32, Told)> {
        matches!(self, Tape::Recording(_)).then(|| (slot, Told::new(reply)))
    }

    /// Records that the script gets these answers at the same time.
    pub(crate) fn answers(&self, answers: Vec<(u32, Told)>) {
        if let Tape::Recording(recording) = self {
            let mut log = recording.log();
            let answers: Vec<_> =
                answers.into_iter().filter_map(|(slot, told)| Some((log.open.remove(&slot)?, told))).collect();
            log.events.push(Event::Answers(answers));
        }
    }

    /// The answers that a replay has for a script that waits now.
    pub(crate) fn next_answers(&self) -> std::result::Result<Vec<(u32, Answered)>, String> {
        let Tape::Replay(replay) = self else { return Ok(Vec::new()) };
        let mut course = replay.course();
        match course.events.get(course.done) {
            None => Ok(Vec::new()),
            Some(Event::Answers(answers)) => {
                let answers = answers.clone();
                course.done += 1;
                let open = |(call, told): (u64, Told)| Some((course.open.remove(&call)?, told.into_reply()));
                Ok(answers.into_iter().filter_map(open).collect())
            }
            Some(event) => Err(format!("the script waits for answers where {} was recorded", course.describe(event))),
        }
    }
}
