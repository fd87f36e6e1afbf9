//! The `belljar` command: a jar for people who write no Rust.
//!
//! This file owns the way from the arguments to an exit code. It must never know how an answer is written.

mod arguments;
mod artefact;
mod bench;
mod bounds;
mod commands;
mod completion;
mod doctor;
mod ending;
mod executor;
mod forward;
mod frame;
mod interrupt;
mod jar;
mod lines;
mod measure;
mod prompt;
mod protocol;
mod rejections;
mod repl;
mod run;
mod screen;
mod source;
mod syntax;
mod telling;
mod wrapping;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::arguments::{Arguments, Task};
use crate::ending::{Ending, Refusal};
use crate::interrupt::Interrupt;
use crate::screen::Screen;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let screen = Screen::of_this_process();
    let ending = match Interrupt::listen() {
        Ok(interrupt) => perform(arguments, &screen, &interrupt),
        Err(refusal) => Err(refusal),
    };
    let ending = ending.unwrap_or_else(|refusal| {
        screen.complain(&refusal.to_string());
        refusal.ending()
    });
    ending.into()
}

fn perform(arguments: Arguments, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    telling::begin(arguments.verbosity())?;
    match arguments.task {
        Some(Task::Run(run)) => run::perform(&run, screen, interrupt),
        Some(Task::Compile(compile)) => artefact::compile(&compile, screen),
        Some(Task::Snapshot(snapshot)) => artefact::snapshot(&snapshot, screen, interrupt),
        Some(Task::Inspect(inspect)) => artefact::inspect(&inspect, screen),
        Some(Task::Repl(repl)) => repl::perform(repl, screen, interrupt),
        Some(Task::Bench(bench)) => bench::perform(&bench, screen, interrupt),
        Some(Task::Doctor(doctor)) => doctor::perform(&doctor, screen),
        Some(Task::Json(json)) => protocol::serve(&json, interrupt),
        Some(Task::Man { task }) => manual(task.as_deref(), screen),
        Some(Task::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "belljar", &mut script);
            screen.write_bytes(&script)
        }
        None if arguments.run.has_script() => run::perform(&arguments.run, screen, interrupt),
        None if !std::io::stdin().is_terminal() => protocol::serve(&arguments.run.without_script()?, interrupt),
        None => repl::perform(arguments.run.without_command()?, screen, interrupt),
    }
}

/// The manual page of the whole command, or of one task.
fn manual(task: Option<&str>, screen: &Screen) -> Result<Ending, Refusal> {
    let mut command = Arguments::command();
    command.build();
    let page = match task {
        None => command,
        Some(task) => match command.find_subcommand(task) {
            Some(found) => found.clone(),
            None => return Err(Refusal::usage(format!("there is no task {task}; belljar --help lists them"))),
        },
    };
    let name = page.get_bin_name().unwrap_or("belljar").replace(' ', "-");
    let mut roff = Vec::new();
    clap_mangen::Man::new(page)
        .title(name)
        .render(&mut roff)
        .map_err(|error| Refusal::internal(format!("the page cannot be written: {error}")))?;
    screen.write_bytes(&roff)
}
