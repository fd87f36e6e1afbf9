//! The `belljar` command.
//!
//! This file owns the way from the arguments to an exit code. It must never know how an answer is written.

mod advice;
mod arguments;
mod artefact;
mod bench;
mod bounds;
mod commands;
mod completion;
mod cost;
mod doctor;
mod ending;
mod escape;
mod executor;
mod folder;
mod forward;
mod frame;
mod given;
mod inputs;
mod interrupt;
mod jar;
mod key;
mod language;
mod layout;
mod lines;
mod measure;
mod offered;
mod opened;
mod outfile;
mod paused;
mod plain;
mod problem;
mod prompt;
mod protocol;
mod repl;
mod requests;
mod run;
mod screen;
mod source;
mod speech;
mod syntax;
#[cfg_attr(not(unix), path = "system/elsewhere.rs")]
mod system;
mod telling;

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use crate::arguments::{Arguments, Task};
use crate::ending::{Ending, Refusal};
use crate::interrupt::Interrupt;
use crate::problem::Refused;
use crate::screen::{Screen, Stream};
use crate::speech::Speech;

fn main() -> ExitCode {
    let screen = Screen::of_this_process();
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => return unread(&error, &screen).into(),
    };
    let speech = arguments.speech();
    let ending = match Interrupt::listen() {
        Ok(interrupt) => perform(arguments, &screen, &interrupt),
        Err(refusal) => Err(refusal),
    };
    ending.unwrap_or_else(|refusal| refuse(&refusal, &screen, speech)).into()
}

/// Arguments that cannot be read, or that ask for help.
fn unread(error: &clap::Error, screen: &Screen) -> Ending {
    if let Some((word, task)) = arguments::meant_first().filter(|_| error.use_stderr()) {
        return refuse(&mistyped(&word, &task), screen, Speech::Fixed);
    }
    let text = error.render();
    if !error.use_stderr() {
        let help = if screen.has_colour(Stream::Out) { text.ansi().to_string() } else { text.to_string() };
        return screen.write_bytes(help.as_bytes()).unwrap_or_else(|refusal| refuse(&refusal, screen, Speech::Fixed));
    }
    let plain = text.to_string();
    if arguments::wants_json() {
        let what = plain.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        return refuse(&Refusal::usage(what), screen, Speech::Fixed);
    }
    // The message repeats arguments. Where one has to be escaped, for instance a file name, there are no colours.
    let shown = screen.shown(&plain);
    let is_painted = shown == plain && screen.has_colour(Stream::Err);
    screen.explain(&if is_painted { text.ansi().to_string() } else { shown });
    Ending::Usage
}

/// A word that names no file, but a task or nearly a task.
fn mistyped(word: &Path, task: &str) -> Refusal {
    let shown = word.display();
    Refusal::usage(if word.as_os_str() == task {
        format!("there is no file {shown}; a task comes before the flags: belljar {task}")
    } else {
        format!("there is no file and no task {shown}; did you mean the task: belljar {task}")
    })
}

/// Says why nothing was done, to a person or as JSON.
fn refuse(refusal: &Refusal, screen: &Screen, speech: Speech) -> Ending {
    if !arguments::wants_json() || screen.write_json(&Refused::of(refusal, speech)).is_err() {
        screen.complain(&refusal.told(speech));
    }
    refusal.ending()
}

fn perform(arguments: Arguments, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    telling::begin(arguments.verbosity())?;
    match arguments.task {
        Some(Task::Run(run)) => run::perform(&run, screen, interrupt),
        Some(Task::Compile(compile)) => artefact::compile(&compile, screen, interrupt),
        Some(Task::Snapshot(snapshot)) => artefact::snapshot(&snapshot, screen, interrupt),
        Some(Task::Inspect(inspect)) => artefact::inspect(&inspect, screen),
        Some(Task::Repl(repl)) => repl::perform(repl, screen, interrupt),
        Some(Task::Bench(bench)) => bench::perform(&bench, screen, interrupt),
        Some(Task::Doctor(doctor)) => doctor::perform(&doctor, screen),
        Some(Task::Json(json)) => protocol::serve(&json, interrupt),
        Some(Task::Man { task }) => manual(task.as_deref(), screen),
        Some(Task::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut arguments::command(), "belljar", &mut script);
            screen.write_bytes(&script)
        }
        None if let Some(file) = arguments.run.file()
            && let Some(task) = arguments::meant(file.as_os_str()) =>
        {
            Err(mistyped(file, &task))
        }
        None if arguments.run.has_script() => run::perform(&arguments.run, screen, interrupt),
        None if !std::io::stdin().is_terminal() => protocol::serve(&arguments.run.without_script()?, interrupt),
        None => repl::perform(arguments.run.without_command()?, screen, interrupt),
    }
}

/// The manual page of the whole command, or of one task.
fn manual(task: Option<&str>, screen: &Screen) -> Result<Ending, Refusal> {
    let mut command = arguments::command();
    command.build();
    let page = match task {
        None => command,
        Some(task) => match command.find_subcommand(task) {
            Some(found) => found.clone(),
            None => return Err(Refusal::usage(format!("there is no task {task}; belljar --help lists them"))),
        },
    };
    let called = page.get_bin_name().unwrap_or("belljar").to_owned();
    let usage = synopsis(&page, &called);
    let mut roff = Vec::new();
    clap_mangen::Man::new(page.override_usage(usage))
        .title(called.replace(' ', "-"))
        .source(format!("belljar {}", env!("CARGO_PKG_VERSION")))
        .manual("belljar")
        .render(&mut roff)
        .map_err(|error| Refusal::internal(format!("the page cannot be written: {error}")))?;
    screen.write_bytes(&roff)
}

/// Every flag with its value, the required ones first, and then the files.
fn synopsis(page: &clap::Command, called: &str) -> String {
    let (files, mut flags): (Vec<_>, Vec<_>) =
        page.get_arguments().filter(|argument| !argument.is_hide_set()).partition(|argument| argument.is_positional());
    flags.sort_by_key(|flag| !flag.is_required_set());
    let name = |flag: &clap::Arg| match (flag.get_short(), flag.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    };
    let value = |argument: &clap::Arg| match argument.get_value_names().unwrap_or_default() {
        [first, rest] => format!("{first} [{rest}]..."),
        names => names.join(" "),
    };
    let optional = |argument: &clap::Arg, text: String| {
        if argument.is_required_set() { text } else { format!("[{text}]") }
    };
    let flags = flags.into_iter().map(|flag| {
        let has_value = flag.get_action().takes_values();
        optional(flag, if has_value { format!("{} {}", name(flag), value(flag)) } else { name(flag) })
    });
    let files = files.into_iter().map(|file| optional(file, value(file)));
    let line = flags.chain(files).fold(called.to_owned(), |line, part| line + " " + &part);
    if page.has_subcommands() { format!("{line}\n{called} TASK") } else { line }
}
