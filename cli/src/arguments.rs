//! The arguments of the command.
//!
//! It owns names and help texts. It must never know what the tasks do with them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use belljar::Modules;
use clap::builder::RangedU64ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

use crate::bounds::{self, Bounds};
use crate::commands::Route;
use crate::ending::Refusal;
use crate::folder;
use crate::language::Language;
use crate::speech::Speech;

const EXAMPLES: &str = "Examples:
  belljar script.js                          run a script under the default limits
  belljar -p '1 + 2'                         print a value
  belljar -p 'script.args' one two           give the script arguments
  echo '[1, 2]' | belljar -p 'script.input.length' --input -
  belljar -e 'for (;;) {}' --max-cpu-ms 100  stop it after 100 ms of processor time: exit code 3
  belljar --rpc now='date +%s' -p 'await host.rpc(\"now\")'
  belljar snapshot rules.js -o rules.jar && belljar run --from rules.jar -p 'price(3)'
  echo '{\"eval\": \"1 + 2\"}' | belljar         answer JSON lines
  belljar                                    a prompt, when standard input is a terminal
  belljar bench script.js                    measure the script, and the instance around it

Exit codes: 0 done, 1 the script threw, 2 usage, 3 a limit, 4 cancelled, 5 internal";

/// Run untrusted JavaScript in a sealed jar: no files, no network, no environment, and limits that hold.
#[derive(Parser)]
#[command(name = "belljar", version, max_term_width = 110)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
    #[command(flatten)]
    pub(crate) run: Run,
}

impl Arguments {
    /// The arguments of this process.
    ///
    /// # Errors
    ///
    /// What clap prints instead, help and version included.
    pub(crate) fn read() -> Result<Arguments, clap::Error> {
        let read = command().try_get_matches().and_then(|matches| {
            let arguments = Arguments::from_arg_matches(&matches)?;
            arguments.check()?;
            Ok(arguments)
        });
        read.map_err(|mut error| {
            // Clap takes a second file for a task.
            if error.kind() == ErrorKind::ArgumentConflict && error.get(ContextKind::PriorArg).is_none_or(is_file) {
                let message = "there is one script at a time, and only belljar run gives it arguments";
                return clap::Error::raw(ErrorKind::ArgumentConflict, message).format(&mut command());
            }
            if error.kind() == ErrorKind::UnknownArgument {
                // An unknown flag is never meant as a file.
                error.remove(ContextKind::Suggested);
            }
            bounds::explained(error, &mut command())
        })
    }

    /// How an error of this task should say that a limit is raised.
    pub(crate) fn speech(&self) -> Speech {
        if self.jar().is_some() { Speech::Flags } else { Speech::Fixed }
    }

    /// How often -v was given.
    pub(crate) fn verbosity(&self) -> u8 {
        self.jar().map_or(0, |jar| jar.verbose)
    }

    /// How the task sets up its jars. None for a task that takes no limits.
    fn jar(&self) -> Option<&Jar> {
        match &self.task {
            Some(Task::Run(run)) => Some(&run.jar),
            Some(Task::Repl(repl)) => Some(&repl.jar),
            Some(Task::Snapshot(freeze)) => Some(&freeze.jar),
            Some(Task::Bench(bench)) => Some(&bench.jar),
            Some(Task::Json(json)) => Some(&json.jar),
            Some(_) => None,
            None => Some(&self.run.jar),
        }
    }

    /// Refuses limits that contradict each other.
    fn check(&self) -> Result<(), clap::Error> {
        let Some(jar) = self.jar() else { return Ok(()) };
        jar.bounds.check().map_err(|why| {
            let message = why.told(|name| format!("--{name}"));
            clap::Error::raw(ErrorKind::ValueValidation, message).format(&mut command())
        })
    }
}

/// The command. A flag that takes a number takes a negative one too, so that the error is about the number.
pub(crate) fn command() -> clap::Command {
    let numbers = |argument: clap::Arg| {
        let has_value = argument.get_action().takes_values() && !argument.is_positional();
        argument.allow_negative_numbers(has_value)
    };
    Arguments::command().mut_args(numbers).mut_subcommands(|task| task.mut_args(numbers))
}

fn is_file(argument: &ContextValue) -> bool {
    argument.to_string().contains("[FILE]")
}

/// The task that the first argument nearly names, when it is no file.
pub(crate) fn meant_first() -> Option<(PathBuf, String)> {
    let first = env::args_os().nth(1)?;
    let task = meant(&first).filter(|task| *task.as_str() != *first)?;
    Some((first.into(), task))
}

/// The task that a word names, or nearly names, when it is no file.
pub(crate) fn meant(word: &OsStr) -> Option<String> {
    let word = word.to_str().filter(|word| !word.starts_with('-') && !word.contains(['.', '/']))?;
    if Path::new(word).exists() {
        return None;
    }
    let command = command();
    let tasks = command.get_subcommands().map(clap::Command::get_name);
    let nearest = tasks.map(|task| (distance(word, task), task)).min()?;
    (nearest.0 <= 2).then(|| nearest.1.to_owned())
}

/// The Levenshtein distance of two words.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((above, pair), other) in row.iter().skip(1).zip(&row).zip(other.chars()) {
            let left = next.last().copied().unwrap_or_default();
            next.push((above + 1).min(left + 1).min(pair + usize::from(letter != other)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Whether standard output gets one JSON object and nothing else.
pub(crate) fn wants_json() -> bool {
    env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Run a script, or a program that `compile` wrote
    Run(Run),
    /// Type JavaScript at a prompt; without arguments on a terminal, belljar does this too
    Repl(Repl),
    /// Compile a script to a program that only this build of belljar runs
    Compile(Compile),
    /// Run a script, then write the jar with everything that the script left in it to a file
    Snapshot(Freeze),
    /// Describe a program or a snapshot, and say whether this build can run it
    Inspect(Inspect),
    /// Answer JSON lines from standard input on standard output
    Json(Json),
    /// Measure what instances cost on this machine, or what a script costs in them
    Bench(Bench),
    /// Check what this machine offers for speed and safety, and say how to get what is missing
    Doctor(Doctor),
    /// Print the manual page of belljar, or of one task, for man(1)
    Man {
        /// The task
        task: Option<String>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(crate) struct Script {
    /// The script; `-` reads it from standard input
    #[arg(value_name = "FILE", group = "script")]
    pub(crate) file: Option<PathBuf>,
    /// Run this code
    #[arg(short = 'e', long = "eval", value_name = "CODE", group = "script", allow_hyphen_values = true)]
    pub(crate) eval: Option<String>,
    /// The code of -e or of standard input is TypeScript, as that of a file is whose name ends in .ts or .mts
    #[arg(long)]
    ts: bool,
}

impl Script {
    /// The language that the flag names.
    pub(crate) fn language(&self) -> Option<Language> {
        self.ts.then_some(Language::TypeScript)
    }
}

#[derive(Args)]
pub(crate) struct Run {
    /// The script, or `-` for standard input, and then the arguments of the script, which it finds in script.args. With
    /// -e or -p there is no FILE, and every word is an argument. Flags of belljar come before the first word
    #[arg(value_names = ["FILE", "ARGUMENTS"], num_args = 1.., trailing_var_arg = true)]
    #[arg(value_hint = ValueHint::AnyPath)]
    words: Vec<OsString>,
    /// Run this code
    #[arg(short = 'e', long = "eval", value_name = "CODE", group = "script", allow_hyphen_values = true)]
    pub(crate) eval: Option<String>,
    /// Run this code and print its value: a string as it is, everything else as console.log shows it
    #[arg(short = 'p', long = "print", value_name = "CODE", group = "script", allow_hyphen_values = true)]
    pub(crate) print: Option<String>,
    /// The code of -e, -p or of standard input is TypeScript, as that of a file is whose name ends in .ts or .mts
    #[arg(long)]
    ts: bool,
    /// Give the script the JSON of a file as script.input; `-` reads standard input
    #[arg(long, value_name = "FILE", group = "data")]
    pub(crate) input: Option<PathBuf>,
    /// Give the script the text of a file as script.input; `-` reads standard input
    #[arg(long, value_name = "FILE", group = "data")]
    pub(crate) input_text: Option<PathBuf>,
    /// Start from a snapshot instead of an empty jar
    #[arg(long, value_name = "SNAPSHOT")]
    pub(crate) from: Option<PathBuf>,
    /// Print what the run has cost on standard error
    #[arg(long)]
    pub(crate) stats: bool,
    /// Print one JSON object instead: ok, value or error, logs, stats
    #[arg(long)]
    pub(crate) json: bool,
    /// Write each call that has no command as a line {"rpc": ...} to standard output, and read replies from standard
    /// input, as the JSON lines protocol does; it takes only `-`
    #[arg(long, value_name = "-", value_parser = ["-"], allow_hyphen_values = true)]
    pub(crate) rpc_all: Option<String>,
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) jar: Jar,
}

impl Run {
    pub(crate) fn has_script(&self) -> bool {
        self.eval.is_some() || self.print.is_some() || !self.words.is_empty()
    }

    /// The language that the flag names.
    pub(crate) fn language(&self) -> Option<Language> {
        self.ts.then_some(Language::TypeScript)
    }

    /// The code that was typed.
    pub(crate) fn code(&self) -> Option<&str> {
        self.eval.as_deref().or(self.print.as_deref())
    }

    /// The file of the script; None when its code was typed.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.words.first().filter(|_| self.code().is_none()).map(Path::new)
    }

    /// The arguments of the script.
    ///
    /// # Errors
    ///
    /// For a flag of belljar among them, which may be meant for belljar or for the script.
    pub(crate) fn arguments(&self) -> Result<Vec<&str>, Refusal> {
        let mut words = self.words.as_slice();
        // These words are the last ones. Clap drops a -- in front of all of them, and keeps one after the file.
        let mut is_told = env::args_os().nth_back(words.len()).is_some_and(|word| word == "--");
        if let (Some(_), [_, rest @ ..]) = (self.file(), words) {
            words = rest;
        }
        if let Some((first, rest)) = words.split_first()
            && first == "--"
            && !is_told
        {
            (words, is_told) = (rest, true);
        }
        let flags = Run::augment_args(clap::Command::new("run"));
        let texts = words.iter().map(|word| {
            let text =
                word.to_str().ok_or_else(|| Refusal::usage(format!("the argument {} is not UTF-8", word.display())));
            text.and_then(|text| if !is_told && is_flag(&flags, text) { Err(misplaced(text)) } else { Ok(text) })
        });
        texts.collect()
    }

    /// The arguments of the JSON lines protocol, which begins when no script was named.
    pub(crate) fn without_script(self) -> Result<Json, Refusal> {
        if self.from.is_some() || self.stats || self.json || self.ts || self.has_input() {
            return Err(Refusal::usage(
                "no script: --from, --stats, --json, --ts and --input need a file, -e CODE or -p CODE",
            ));
        }
        Ok(Json { jar: self.jar, rpc_all: self.rpc_all, key: self.key })
    }
}

impl Run {
    fn has_input(&self) -> bool {
        self.input.is_some() || self.input_text.is_some()
    }

    /// The arguments of the prompt, which begins on a terminal when no script was named.
    pub(crate) fn without_command(self) -> Result<Repl, Refusal> {
        if self.stats || self.json || self.ts || self.rpc_all.is_some() || self.has_input() {
            return Err(Refusal::usage(
                "no script: --stats, --json, --ts, --input and --rpc-all need a file, -e CODE or -p CODE",
            ));
        }
        Ok(Repl { from: self.from, jar: self.jar, key: self.key })
    }
}

/// Whether a word is one of these flags.
fn is_flag(flags: &clap::Command, word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    let is_long = |flag: &clap::Arg| flag.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
    let short = word.strip_prefix('-').and_then(|rest| rest.chars().next());
    let is_short = |flag: &clap::Arg| short.is_some() && flag.get_short() == short;
    matches!(name, "--help" | "--version" | "-h" | "-V")
        || flags.get_arguments().any(|flag| is_long(flag) || is_short(flag))
}

fn misplaced(flag: &str) -> Refusal {
    Refusal::usage(format!(
        "{flag} stands among the arguments of the script; put it before the script if it is for belljar, or put -- \
         in front of the arguments if it is for the script"
    ))
}

/// How the jar is set up.
#[derive(Args)]
pub(crate) struct Jar {
    /// Answer host.rpc('NAME', params) with a shell command. It gets params as JSON on its standard input, and its
    /// standard output is the JSON of the reply. When the command fails, the call is rejected
    #[arg(long = "rpc", value_name = "NAME=COMMAND")]
    pub(crate) routes: Vec<Route>,
    /// As --rpc, but the reply is the text that the command prints, without the line ends at its end
    #[arg(long = "rpc-text", value_name = "NAME=COMMAND")]
    pub(crate) text_routes: Vec<Route>,
    /// The import map of modules: a file of JSON. Scripts import files from the folder of the script and below it
    #[arg(long, value_name = "FILE")]
    pub(crate) import_map: Option<PathBuf>,
    /// Log every call and every handler that it calls, on standard error. The variable BELLJAR_LOG=debug does this too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    // This comes last: the help puts everything behind it under its heading.
    #[command(flatten)]
    pub(crate) bounds: Bounds,
}

impl Jar {
    /// What a script in this file can import; None for code that was typed.
    pub(crate) fn modules(&self, script: Option<&Path>) -> Result<Modules, Refusal> {
        folder::modules(script, self.import_map.as_deref(), self.bounds.limits().source_bytes)
    }
}

#[derive(Args)]
pub(crate) struct Key {
    /// A file with the key of sealed snapshots: 64 hexadecimal digits, readable by its owner only. The variable
    /// BELLJAR_KEY can hold the key instead
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Repl {
    /// Start from a snapshot instead of an empty jar
    #[arg(long, value_name = "SNAPSHOT")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) jar: Jar,
}

#[derive(Args)]
pub(crate) struct Compile {
    #[command(flatten)]
    pub(crate) script: Script,
    /// The import map of modules: a file of JSON. The program holds all that the script imports
    #[arg(long, value_name = "FILE")]
    pub(crate) import_map: Option<PathBuf>,
    /// The file that the program is written to; `-` is standard output
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct Freeze {
    #[command(flatten)]
    pub(crate) script: Script,
    /// The file that the snapshot is written to; `-` is standard output. It is sealed when there is a key. A new file
    /// has mode 600
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// A label, which `belljar inspect` shows
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) label: String,
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) jar: Jar,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// A program or a snapshot
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) key: Key,
}

#[derive(Args)]
pub(crate) struct Bench {
    /// A script or a program to measure instead of 1+2
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// How often each thing is measured
    #[arg(long, value_name = "COUNT", default_value_t = 2000)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000_000))]
    pub(crate) rounds: usize,
    /// Threads that make instances at once [default: one for each processor]
    #[arg(long, value_name = "COUNT", value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub(crate) threads: Option<usize>,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) jar: Jar,
}

#[derive(Args)]
pub(crate) struct Doctor {
    /// Print a JSON list instead
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Json {
    /// Write each call that has no command as a line {"rpc": ...} to standard output; it takes only `-`
    #[arg(long, value_name = "-", value_parser = ["-"], allow_hyphen_values = true)]
    pub(crate) rpc_all: Option<String>,
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) jar: Jar,
}
