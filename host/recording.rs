//! What a script asked for and what it was told, written down, and read back to a script in the place of the
//! handlers.
//!
//! It owns the log, its format and the comparison. It must never know a handler, the guest, or when a call is made.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::excerpt;
use crate::json::Json;
use crate::millis;
use crate::reply::{Answered, RpcError};

const FORMAT: u32 = 2;

/// Writes down every call that scripts of one instance make and every answer that they get, to replay the instance
/// without its handlers: for a bug report, an audit, a test.
///
/// Answers are kept in the order, and in the groups, in which the script got them, because a script can tell. A
/// replay gives the same result if nothing else differs: the scripts, the seed, and the clock. So give the instance
/// that is recorded a seed and a clock of its own ([`InstanceBuilder::seed`](crate::InstanceBuilder::seed),
/// [`Clock::Stepped`](crate::Clock::Stepped)), and its replay the same ones.
///
/// A recording is of one instance. It may go on in the instance that is restored from a snapshot of the first, also
/// in another process: store [`Recording::to_bytes`] beside the snapshot, and [`Recording::record`] there what was
/// read back. The replay then goes through in one piece, because the answers that resumed the script are recorded
/// like any other.
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
/// // Another script asks for something else.
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
    /// Which call it is that the guest has under a number of its own.
    open: BTreeMap<u32, u64>,
}

/// One step of a recording. Calls are counted from zero, in the order in which the script made them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    /// A call of `host.rpc`.
    Call(Asked),
    /// A call of `host.rpcSync`, and its answer; none if the script was stopped while it waited for that.
    SyncCall(Asked, Option<Told>),
    /// Answers that the script got together, each with the number of its call.
    Answers(Vec<(u64, Told)>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    method: String,
    #[serde(default, skip_serializing_if = "Json::is_undefined")]
    params: Json,
    #[serde(default = "millis::unknown", with = "millis")]
    made_at: SystemTime,
}

impl Asked {
    fn new(method: &[u8], params: &[u8], made_at: SystemTime) -> Asked {
        let params = String::from_utf8_lossy(params).into_owned();
        Asked {
            method: String::from_utf8_lossy(method).into_owned(),
            params: Json::from_option((!params.is_empty()).then_some(params)),
            made_at,
        }
    }
}

/// The same call, whenever it is made.
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

/// What a script was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Value(Json),
    Undefined,
    Error { code: String, message: String },
}

impl Told {
    fn new(reply: &Answered) -> Told {
        match reply {
            Ok(json) if json.is_undefined() => Told::Undefined,
            Ok(json) => Told::Value(json.clone()),
            Err(error) => Told::Error { code: error.code().into(), message: error.message().into() },
        }
    }

    fn into_reply(self) -> Answered {
        match self {
            Told::Value(json) => Ok(json),
            Told::Undefined => Ok(Json::UNDEFINED),
            Told::Error { code, message } => Err(RpcError::new(code, message)),
        }
    }
}

/// What recordings of all formats have.
#[derive(Deserialize)]
struct Format {
    belljar_recording: u32,
}

/// A recording as bytes: JSON, so that people can read it.
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
    pub params: Json,
    /// When the script made the call: by the system's clock, or by the one that the embedder gave the instance. In
    /// whole milliseconds; the Unix epoch in recordings of builds that did not write it down.
    pub made_at: SystemTime,
    /// What the script was told; None if it ended, or waits, without an answer.
    pub answer: Option<std::result::Result<Json, RpcError>>,
}

impl Recording {
    /// A recording of nothing yet.
    #[must_use]
    pub fn new() -> Recording {
        Recording::default()
    }

    /// What was recorded so far, to be gone through from the start.
    #[must_use]
    pub fn replay(&self) -> Replay {
        let events = self.log().events.clone();
        Replay { course: Arc::new(Mutex::new(Course { events, ..Course::default() })) }
    }

    /// The calls that were made, with their answers: an audit trail.
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
        // Every field is a text, a number or JSON, so this cannot fail.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Reads what [`Recording::to_bytes`] wrote, to replay it or to go on with it.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] when it is no recording, or one of another format.
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

/// A recording that answers in the place of the handlers. Every call must be the one that was recorded; the first
/// that is not ends the script with [`Error::Diverged`], which the script cannot catch.
#[derive(Clone)]
pub struct Replay {
    course: Arc<Mutex<Course>>,
}

#[derive(Default)]
struct Course {
    events: Vec<Event>,
    /// Events that have happened again.
    done: usize,
    calls: u64,
    /// The guest's numbers for the calls that have no answer yet.
    open: HashMap<u64, u32>,
}

impl Replay {
    /// Sees to it that nothing is left of the recording.
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

    /// Takes the next event if it is the one that happens.
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

/// What a router has besides handlers: somebody who listens, or somebody who knows the answers already.
#[derive(Clone)]
pub(crate) enum Tape {
    Recording(Recording),
    Replay(Replay),
}

impl Tape {
    /// What is kept in memory of a message of this length.
    pub(crate) fn weight(&self, length: usize) -> u64 {
        match self {
            Tape::Recording(_) => (length + size_of::<Event>()) as u64,
            Tape::Replay(_) => 0,
        }
    }

    /// A call of `host.rpc` is made. True when it will be answered from here, and an error when it was not to be
    /// made.
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

    /// A call of `host.rpcSync` is made; gives the answer where it is known.
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

    /// The call of `host.rpcSync` that was made last is answered. Nothing else of the script happens before.
    pub(crate) fn sync_answer(&self, reply: &Answered) {
        let Tape::Recording(recording) = self else { return };
        if let Some(Event::SyncCall(_, told)) = recording.log().events.last_mut() {
            *told = Some(Told::new(reply));
        }
    }

    /// What [`Tape::answers`] needs of an answer; nothing where nobody writes it down.
    pub(crate) fn told(&self, slot: u32, reply: &Answered) -> Option<(u32, Told)> {
        matches!(self, Tape::Recording(_)).then(|| (slot, Told::new(reply)))
    }

    /// The script gets these answers together.
    pub(crate) fn answers(&self, answers: Vec<(u32, Told)>) {
        if let Tape::Recording(recording) = self {
            let mut log = recording.log();
            let answers: Vec<_> =
                answers.into_iter().filter_map(|(slot, told)| Some((log.open.remove(&slot)?, told))).collect();
            log.events.push(Event::Answers(answers));
        }
    }

    /// The script waits; gives what it gets next, where that is known.
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
