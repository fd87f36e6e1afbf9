//! One script, from its source to its exit code.
//!
//! It owns what is printed, and where. It must never know the formats of programs and snapshots.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use belljar::{ConsoleLevel, Error, Hint, Instance, JsError, Router, Script, Shown, Stats, Value};
use belljar_typescript::is_typescript;
use serde::Serialize;

use crate::arguments::Run;
use crate::ending::{Ending, Refusal};
use crate::executor::block_on;
use crate::forward::{self, Calls};
use crate::given::Given;
use crate::interrupt::Interrupt;
use crate::jar::{self, Jar};
use crate::plain;
use crate::problem::Problem;
use crate::screen::{Screen, Stream};
use crate::source::Source;
use crate::speech::{self, Speech};
use crate::{advice, artefact, cost, frame, key};

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

/// The value of a script.
enum Outcome {
    Json(Value),
    Shown(Shown),
    /// It is not printed.
    None,
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    logs: &'a [Log],
    /// The methods of calls that the run left without an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped_calls: Vec<String>,
    stats: Stats,
}

pub(crate) fn perform(run: &Run, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    if run.rpc_all.is_some() && !run.json {
        return Err(Refusal::usage("--rpc-all writes JSON lines to standard output, so it wants --json for the rest"));
    }
    if run.rpc_all.is_some() && run.file().is_some_and(|file| file.as_os_str() == "-") {
        return Err(Refusal::usage(
            "--rpc-all reads replies from standard input, so the script cannot come from there",
        ));
    }
    // A key that cannot be read is refused even where nothing needs it.
    let key = key::read(&run.key)?;
    let given = Given::read(run)?;
    let source = Source::of_run(run)?;
    let origin = match &run.from {
        Some(path) => Some(artefact::thaw(path, key.as_ref())?),
        None => None,
    };
    let runtime = jar::runtime()?;
    let logs = Arc::new(Mutex::new(Vec::new()));
    let router = if run.json {
        let logs = logs.clone();
        Router::new().on_console(move |_, level, line| {
            logs.lock().unwrap_or_else(PoisonError::into_inner).push(Log::new(level, line));
        })
    } else {
        console(*screen, interrupt, stream)
    };
    let router = if run.rpc_all.is_some() {
        let (calls, screen) = (Calls::default(), *screen);
        let router = forward::register(router, &calls, interrupt);
        forward::listen(calls, move |message| screen.complain(message))?;
        router
    } else {
        router
    };
    let router = jar::router(router, &run.jar)?;
    let modules = run.jar.modules(run.file())?;
    let mut jar = Jar::open(&runtime, &router, &run.jar.bounds, &modules, origin)
        .map_err(|refusal| refusal.of_start(run.from.as_deref()))?;
    given.hand_to(&mut jar.instance, interrupt)?;
    let source = if run.print.is_some() { source.for_its_value(&runtime) } else { source };
    let result = match &source {
        Source::Script { name, text, language } if run.print.is_some() && !run.json => language
            .script(name, text)
            .and_then(|script| inspect(&mut jar.instance, &script, interrupt))
            .map_err(|error| language.placed(error, name, text))
            .map(Outcome::Shown),
        source => match execute(&mut jar.instance, source, interrupt) {
            // The value is not printed, so it need not be one that can leave the script.
            Err(Error::NotSerializable { .. }) if !run.json => Ok(Outcome::None),
            Ok(_) if !run.json => Ok(Outcome::None),
            result => result.and_then(plain::plain).map(Outcome::Json),
        },
    };
    let stats = jar.instance.call_stats();
    if run.json {
        let logs = logs.lock().unwrap_or_else(PoisonError::into_inner);
        let report = Report {
            ok: result.is_ok(),
            value: if let Ok(Outcome::Json(value)) = &result { Some(value) } else { None },
            error: result.as_ref().err().map(|error| Problem::of(error, Speech::Flags)),
            logs: &logs,
            dropped_calls: jar.instance.dropped_calls(),
            stats,
        };
        screen.write_json(&report)?;
        return Ok(result.as_ref().map_or_else(Ending::of, |_| Ending::Done));
    }
    interrupt.check_output()?;
    let ending = match &result {
        Ok(Outcome::Shown(value)) => show(screen, value)?,
        Ok(_) => Ending::Done,
        Err(_) if interrupt.is_pipe_closed() => Ending::Done,
        Err(error) => tell(screen, error, &source, Speech::Flags),
    };
    if !interrupt.is_pipe_closed() {
        name_dropped(screen, &jar.instance);
    }
    if run.stats {
        screen.explain(&cost::table(&stats));
    }
    Ok(ending)
}

/// A router that prints console lines, each level on the stream that `stream` gives.
pub(crate) fn console(screen: Screen, interrupt: &Interrupt, stream: fn(ConsoleLevel) -> Stream) -> Router {
    let interrupt = interrupt.clone();
    Router::new().on_console(move |_, level, line| {
        if let Err(error) = screen.print(stream(level), line) {
            interrupt.output_lost(&error);
        }
    })
}

/// The stream of a console line: warnings and errors go to standard error, the rest to standard output.
pub(crate) fn stream(level: ConsoleLevel) -> Stream {
    match level {
        ConsoleLevel::Warn | ConsoleLevel::Error | ConsoleLevel::Trace => Stream::Err,
        _ => Stream::Out,
    }
}

/// Runs a script to its end, or to a signal, for its value as people see it.
pub(crate) fn inspect(instance: &mut Instance, script: &Script<'_>, interrupt: &Interrupt) -> belljar::Result<Shown> {
    interrupt.guard(instance.cancel_handle(), || block_on(instance.inspect_async(script)))
}

/// Runs a source to its end, or to a signal.
pub(crate) fn execute(instance: &mut Instance, source: &Source, interrupt: &Interrupt) -> belljar::Result<Value> {
    interrupt.guard(instance.cancel_handle(), || match source {
        Source::Script { name, text, language } => language
            .script(name, text)
            .and_then(|script| block_on(instance.eval_async(script)))
            .map_err(|error| language.placed(error, name, text)),
        Source::Program { program, .. } => block_on(instance.run_async(program)),
    })
}

/// Tells a person what went wrong.
pub(crate) fn tell(screen: &Screen, error: &Error, source: &Source, speech: Speech) -> Ending {
    match (error, source) {
        (Error::Js(js), Source::Script { name, text, language }) => {
            let script = Script::new(text).named(name);
            match language.script(name, text) {
                Ok(_) => tell_thrown(screen, js, &script, speech),
                // Then the error is about TypeScript, and says everything.
                Err(_) => screen.explain(&frame::draw(screen, js, &script)),
            }
        }
        (Error::Js(js), Source::Program { .. }) => tell_thrown(screen, js, &Script::new("").named(""), speech),
        (error @ Error::Program { .. }, Source::Program { path, .. }) => {
            screen.complain(&Refusal::from(error.clone()).in_file(path).told(speech));
        }
        (error, _) => screen.complain(&speech::words(error, speech)),
    }
    Ending::of(error)
}

/// Tells a person what a script threw.
pub(crate) fn tell_thrown(screen: &Screen, js: &JsError, script: &Script<'_>, speech: Speech) {
    let mut js = js.clone();
    js.locate(script);
    screen.explain(&frame::draw(screen, &js, script));
    // A script that is TypeScript need not be told so.
    let is_known = is_typescript(script.name()) && js.hint() == Some(Hint::TypeScript);
    if let Some(advice) = advice::of_thrown(&js, speech).filter(|_| !is_known) {
        screen.complain(&advice);
    } else if frame::ends_early(&js, script.source()) {
        screen.complain("the script ends here, and something that it began is not complete");
    }
}

/// Tells a person which calls had no answer when the newest call of an instance ended.
pub(crate) fn name_dropped(screen: &Screen, instance: &Instance) {
    let dropped = instance.dropped_calls();
    if !dropped.is_empty() {
        screen.complain(&format!("cut off without an answer: {}", dropped.join(", ")));
    }
}

/// Prints a value.
fn show(screen: &Screen, value: &Shown) -> Result<Ending, Refusal> {
    match screen.show(value.as_str(), value.is_string()).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Refusal::internal(format!("standard output cannot be written to: {error}")))
        }
        _ => Ok(Ending::Done),
    }
}
