//! JSON lines, by which programs in any language use jars. `docs/JSON-PROTOCOL.md` is the contract.
//!
//! It owns the jars of a client and the order of answers. It must never know where else a script could come from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use belljar::{Error, Limits, Program, Router, Runtime, Stats, Turn};
use serde::Serialize;

use crate::arguments;
use crate::artefact;
use crate::bounds::{Bounds, camel, kebab};
use crate::ending::{Ending, Refusal};
use crate::executor::block_on;
use crate::forward::{self, Calls};
use crate::interrupt::Interrupt;
use crate::jar::{self, Jar};
use crate::key::{self, Key};
use crate::language::Language;
use crate::lines;
use crate::offered::{Offered, Texts};
use crate::paused::{Paused, Resume};
use crate::plain;
use crate::problem::Problem;
use crate::requests::{self, Asked, Id, Request};
use crate::run::Log;
use crate::speech::Speech;

/// How many jars a client may have at once. Each holds its memory until it is dropped.
const MOST_JARS: usize = 256;

/// An answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<belljar::Value>,
    /// The script waits; then there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Paused>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<Log>,
    /// The methods of calls that the request left without an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped_calls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
}

impl Reply {
    fn refused(id: Id, refusal: &Refusal, speech: Speech) -> Reply {
        let problem = Problem::of_refusal(refusal, speech);
        let error = Some(Failed { error_code: problem.code(), problem });
        Reply { id, error, result: None, paused: None, text: None, logs: vec![], dropped_calls: vec![], stats: None }
    }
}

/// An error. `errorCode` is the old name of its code, which clients may still read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    error_code: &'static str,
    #[serde(flatten)]
    problem: Problem,
}

/// The result of a request.
struct Answered {
    result: Option<belljar::Value>,
    paused: Option<Paused>,
    text: Option<Cow<'static, str>>,
    /// Whether a script ran, so that the answer tells its cost.
    has_run: bool,
}

impl Answered {
    fn value(result: belljar::Value) -> Answered {
        Answered { result: Some(result), paused: None, text: None, has_run: true }
    }

    fn turn(turn: Turn, key: Option<&Key>) -> Result<Answered, Refusal> {
        match turn {
            Turn::Done(result) => Ok(Answered::value(plain::plain(result)?)),
            Turn::Paused(paused) => {
                let paused = Paused::new(paused.pending(), paused.snapshot(), key)?;
                Ok(Answered { result: None, paused: Some(paused), text: None, has_run: true })
            }
            _ => Err(Refusal::internal("the script ended in a way that this command does not know")),
        }
    }

    fn bytes(bytes: &[u8]) -> belljar::Result<Answered> {
        let result = Some(belljar::Value::of(&BASE64.encode(bytes))?);
        Ok(Answered { result, paused: None, text: None, has_run: false })
    }

    fn done(text: &'static str) -> Answered {
        Answered { result: Some(belljar::Value::UNDEFINED), paused: None, text: Some(text.into()), has_run: false }
    }
}

/// What a script has used that ran for a request.
struct Used {
    stats: Stats,
    dropped_calls: Vec<String>,
}

/// The jars of a client by their names. A jar is made when it is first named.
struct Jars {
    runtime: Runtime,
    router: Router,
    bounds: Bounds,
    key: Option<Key>,
    open: BTreeMap<String, Jar>,
    /// What each of them can import.
    offered: BTreeMap<String, Offered>,
}

pub(crate) fn serve(arguments: &arguments::Json, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let logs = Arc::new(Mutex::new(Vec::new()));
    let calls = Calls::default();
    let kept = logs.clone();
    let router = Router::new().on_console(move |_, level, line| {
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(Log::new(level, line));
    });
    let forwards = arguments.rpc_all.is_some();
    let router = if forwards { forward::register(router, &calls, interrupt) } else { router };
    let mut jars = Jars {
        runtime: jar::runtime()?,
        router: jar::router(router, &arguments.jar)?,
        bounds: arguments.jar.bounds.clone(),
        key: key::read(&arguments.key)?,
        open: BTreeMap::new(),
        offered: BTreeMap::new(),
    };
    jars.named("")?;
    let refuse = move |id, message| {
        drop(lines::print(&Reply::refused(id, &Refusal::input(message), Speech::Lines)));
    };
    for Asked { id, instance, name, modules, request, .. } in requests::read(calls, forwards, refuse)? {
        let speech = if matches!(request, Request::Compile(_)) { Speech::FixedLines } else { Speech::Lines };
        let (result, used) = jars.answer(&instance, (name, modules), request, interrupt);
        let (stats, dropped_calls) =
            used.map_or((None, Vec::new()), |Used { stats, dropped_calls }| (Some(stats), dropped_calls));
        let logs = std::mem::take(&mut *logs.lock().unwrap_or_else(PoisonError::into_inner));
        let reply = match result {
            Ok(Answered { result, paused, text, .. }) => {
                Reply { id, result, paused, error: None, text, logs, dropped_calls, stats }
            }
            Err(refusal) => Reply { logs, dropped_calls, stats, ..Reply::refused(id, &refusal, speech) },
        };
        match lines::print(&reply) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Ending::Done),
            Err(error) => return Err(Refusal::internal(format!("standard output cannot be written to: {error}"))),
            Ok(()) if interrupt.is_interrupted() => return Ok(Ending::Cancelled),
            Ok(()) => {}
        }
    }
    Ok(Ending::Done)
}

impl Jars {
    fn named(&mut self, name: &str) -> Result<&mut Jar, Refusal> {
        let is_full = self.open.len() >= MOST_JARS;
        match self.open.entry(name.to_owned()) {
            Entry::Occupied(jar) => Ok(jar.into_mut()),
            Entry::Vacant(_) if is_full => {
                Err(Refusal::input(format!("there are {MOST_JARS} instances already; drop one")))
            }
            Entry::Vacant(place) => {
                let offered = Offered::default();
                let jar = Jar::open(&self.runtime, &self.router, &self.bounds, &offered.modules(), None)?;
                self.offered.insert(name.to_owned(), offered);
                Ok(place.insert(jar))
            }
        }
    }

    /// The answer to a request, and what its script has used, if one ran.
    fn answer(
        &mut self,
        instance: &str,
        (name, texts): (String, Texts),
        request: Request,
        interrupt: &Interrupt,
    ) -> (Result<Answered, Refusal>, Option<Used>) {
        let request = match request {
            Request::Bad(message) => return (Err(Refusal::input(message)), None),
            Request::Drop => {
                self.offered.remove(instance);
                let text = if self.open.remove(instance).is_some() { "dropped" } else { "there was none" };
                return (Ok(Answered::done(text)), None);
            }
            Request::Compile(source) => {
                let language = Language::of(&name);
                let script = language.script(&name, &source);
                let offered = Offered::default();
                offered.add(texts);
                let compile = |script| self.runtime.compile_modules(script, &offered.modules(), &Limits::default());
                let program = script.and_then(compile);
                let program = program.map_err(|error| language.placed(error, &name, &source));
                return (program.and_then(|program| Answered::bytes(&program.to_bytes())).map_err(Refusal::from), None);
            }
            other => other,
        };
        let key = self.key;
        if let Err(refusal) = self.named(instance) {
            return (Err(refusal), None);
        }
        if let Some(offered) = self.offered.get(instance) {
            offered.add(texts);
        }
        let jar = match self.named(instance) {
            Ok(jar) => jar,
            Err(refusal) => return (Err(refusal), None),
        };
        let runs = matches!(
            request,
            Request::Eval(_) | Request::Inspect(_) | Request::Dispatch(_) | Request::Run(_) | Request::Resume(_)
        );
        // This comes before the handle for signals is taken, because it replaces the instance.
        if let Request::Resume(resume) = &request
            && let Err(refusal) = take_over(jar, resume, key.as_ref())
        {
            return (Err(refusal), None);
        }
        let result = interrupt.guard(jar.instance.cancel_handle(), || perform(jar, &name, request, key.as_ref()));
        let has_run = match &result {
            Ok(answered) => answered.has_run,
            Err(refusal) => runs && has_begun(refusal),
        };
        let instance = &jar.instance;
        let used = || Used { stats: instance.call_stats(), dropped_calls: instance.dropped_calls() };
        (result, has_run.then(used))
    }
}

/// Whether a script began before this error. If not, the figures of the instance belong to an earlier request.
fn has_begun(refusal: &Refusal) -> bool {
    let is_early = |error| {
        matches!(error, &Error::Input { .. } | &Error::Program { .. } | &Error::Snapshot { .. } | &Error::Poisoned)
    };
    refusal.error().is_some_and(|error| !is_early(error))
}

fn perform(jar: &mut Jar, name: &str, request: Request, key: Option<&Key>) -> Result<Answered, Refusal> {
    match request {
        Request::Eval(source) => {
            let language = Language::of(name);
            let script = language.script(name, &source)?;
            let turn = block_on(jar.instance.step_eval_async(script));
            Answered::turn(turn.map_err(|error| language.placed(error, name, &source))?, key)
        }
        Request::Inspect(source) => {
            let language = Language::of(name);
            let script = language.script(name, &source)?;
            let shown = block_on(jar.instance.inspect_async(script));
            let shown = shown.map_err(|error| language.placed(error, name, &source))?;
            let text = Some(shown.into_text().into());
            Ok(Answered { text, ..Answered::value(belljar::Value::UNDEFINED) })
        }
        Request::Dispatch(event) => {
            Answered::turn(block_on(jar.instance.step_dispatch_async(&event.name, &event.params))?, key)
        }
        Request::Run(program) => {
            let program = Program::from_bytes(&unpack(&program)?)?;
            Answered::turn(block_on(jar.instance.step_run_async(&program))?, key)
        }
        Request::Resume(resume) => {
            let answers = resume.ready(&mut jar.instance)?;
            Answered::turn(block_on(jar.instance.resume_async(answers))?, key)
        }
        Request::Snapshot(label) => Ok(Answered::bytes(&artefact::freeze(&mut jar.instance, &label, key)?)?),
        Request::Restore(snapshot) => {
            jar.restore(artefact::melt(&unpack(&snapshot)?, key)?)?;
            Ok(Answered::done("restored"))
        }
        Request::Limits(changes) => {
            let changes: Vec<(String, Option<String>)> =
                changes.into_iter().map(|(name, value)| (kebab(&name), value.map(|value| value.to_string()))).collect();
            if !changes.is_empty() {
                let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                let bounds = jar.bounds().with(&changes).map_err(|why| Refusal::input(why.told(camel)))?;
                jar.set_bounds(bounds)?;
            }
            let now: BTreeMap<String, Option<u64>> =
                jar.bounds().settings().into_iter().map(|(name, value)| (camel(name), value)).collect();
            Ok(Answered { has_run: false, ..Answered::value(belljar::Value::of(&now)?) })
        }
        Request::Reset => jar.reset().map(|()| Answered::done("reset")),
        Request::Drop | Request::Compile(_) | Request::Bad(_) => Ok(Answered::done("nothing to do")),
    }
}

/// Takes the script of a snapshot over into a jar, if a resume has one.
fn take_over(jar: &mut Jar, resume: &Resume, key: Option<&Key>) -> Result<(), Refusal> {
    let Some(snapshot) = &resume.snapshot else { return Ok(()) };
    let snapshot = artefact::melt(&unpack(snapshot)?, key)?;
    resume.check(snapshot.pending())?;
    jar.take_over(&snapshot)
}

fn unpack(text: &str) -> Result<Vec<u8>, Refusal> {
    BASE64.decode(text).map_err(|error| Refusal::input(format!("not base64: {error}")))
}
