//! One script, from its source to its exit code.
//!
//! It owns what is printed, and where. It must never know a format of bytes.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use belljar::{ConsoleLevel, Error, Instance, Json, Router, Script};
use serde::Serialize;

use crate::arguments::Run;
use crate::ending::{self, Cost, Ending, Failure, Refusal};
use crate::executor::block_on;
use crate::interrupt::Interrupt;
use crate::screen::{Screen, Stream};
use crate::source::Source;
use crate::{artefact, frame, jar};

/// One console line.
#[derive(Serialize)]
pub(crate) struct Log {
    level: &'static str,
    text: String,
}

impl Log {
    pub(crate) fn new(level: ConsoleLevel, text: &str) -> Log {
        let level = match level {
            ConsoleLevel::Debug => "debug",
            ConsoleLevel::Trace => "trace",
            ConsoleLevel::Info => "info",
            ConsoleLevel::Warn => "warn",
            ConsoleLevel::Error => "error",
            _ => "log",
        };
        Log { level, text: text.to_owned() }
    }
}

#[derive(Serialize)]
struct Problem {
    code: &'static str,
    #[serde(flatten)]
    failure: Failure,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    logs: &'a [Log],
    stats: Cost,
}

pub(crate) fn perform(run: &Run, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let source = Source::of_run(run)?;
    let snapshot = match &run.from {
        Some(path) => Some(artefact::thaw(path, &run.key)?),
        None => None,
    };
    let logs = Arc::new(Mutex::new(Vec::new()));
    let router = if run.json {
        let logs = logs.clone();
        Router::new().on_console(move |level, line| {
            logs.lock().unwrap_or_else(PoisonError::into_inner).push(Log::new(level, line));
        })
    } else {
        console(*screen, interrupt)
    };
    let mut instance = jar::open(&jar::runtime()?, &run.jar, router, snapshot.as_ref())?;
    let result = execute(&mut instance, &source, interrupt);
    let stats = Cost::of(&instance.stats());
    if run.json {
        let logs = logs.lock().unwrap_or_else(PoisonError::into_inner);
        let report = Report {
            ok: result.is_ok(),
            value: result.as_ref().ok(),
            error: result.as_ref().err().map(|error| Problem { code: error.code(), failure: Failure::of(error) }),
            logs: &logs,
            stats,
        };
        let mut line = serde_json::to_vec(&report)
            .map_err(|error| Refusal::internal(format!("the report has no JSON form: {error}")))?;
        line.push(b'\n');
        screen.write_bytes(&line)?;
        return Ok(result.as_ref().map_or_else(Ending::of, |_| Ending::Done));
    }
    let ending = match &result {
        Ok(value) if run.print.is_some() => show(screen, value)?,
        Ok(_) => Ending::Done,
        Err(_) if interrupt.is_pipe_closed() => Ending::Done,
        Err(error) => tell(screen, error, &source),
    };
    if run.stats {
        screen.explain(&stats.table());
    }
    Ok(ending)
}

/// A router whose console is this process's: what warns goes to standard error, the rest to standard output.
pub(crate) fn console(screen: Screen, interrupt: &Interrupt) -> Router {
    let interrupt = interrupt.clone();
    Router::new().on_console(move |level, line| {
        let stream = match level {
            ConsoleLevel::Warn | ConsoleLevel::Error | ConsoleLevel::Trace => Stream::Err,
            _ => Stream::Out,
        };
        if screen.print(stream, line).is_err() {
            interrupt.pipe_closed();
        }
    })
}

/// Runs a source to its end, or to a signal.
pub(crate) fn execute(instance: &mut Instance, source: &Source, interrupt: &Interrupt) -> belljar::Result<Json> {
    interrupt.guard(instance.cancel_handle(), || match source {
        Source::Script { name, text } => block_on(instance.eval_async(Script::new(text).named(name))),
        Source::Program { program } => block_on(instance.run_async(program)),
    })
}

/// Tells a person what went wrong.
pub(crate) fn tell(screen: &Screen, error: &Error, source: &Source) -> Ending {
    match (error, source) {
        (Error::Js(js), Source::Script { name, text }) => screen.explain(&frame::draw(screen, js, name, text)),
        (Error::Js(js), Source::Program { .. }) => screen.explain(&frame::draw(screen, js, "", "")),
        (error, _) => screen.complain(&ending::words(error)),
    }
    Ending::of(error)
}

/// Prints a value: a string without its quotes, everything else as the JSON that it is.
fn show(screen: &Screen, value: &Json) -> Result<Ending, Refusal> {
    let text = value.get::<String>().unwrap_or_else(|_| value.as_str().to_owned());
    match screen.print(Stream::Out, &text).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Refusal::internal(format!("standard output cannot be written to: {error}")))
        }
        _ => Ok(Ending::Done),
    }
}
