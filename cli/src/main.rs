//! The `belljar` command: a jar for people who write no Rust.
//!
//! This file owns the way from the arguments to an exit code. It must never know how an answer is written.

mod arguments;
mod artefact;
mod bounds;
mod commands;
mod completion;
mod ending;
mod executor;
mod forward;
mod frame;
mod interrupt;
mod jar;
mod lines;
mod prompt;
mod protocol;
mod repl;
mod run;
mod screen;
mod source;
mod syntax;
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
    match arguments.task {
        Some(Task::Run(run)) => run::perform(&run, screen, interrupt),
        Some(Task::Compile(compile)) => artefact::compile(&compile, screen),
        Some(Task::Snapshot(snapshot)) => artefact::snapshot(&snapshot, screen, interrupt),
        Some(Task::Inspect(inspect)) => artefact::inspect(&inspect, screen),
        Some(Task::Repl(repl)) => repl::perform(repl, screen, interrupt),
        Some(Task::Json(json)) => protocol::serve(&json, interrupt),
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
