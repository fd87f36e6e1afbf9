//! What can be typed after `belljar`.
//!
//! It owns names and help texts. It must never know what becomes of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::bounds::Bounds;
use crate::commands::Route;
use crate::ending::Refusal;

const EXAMPLES: &str = "Examples:
  belljar script.js                          run a script under the default limits
  belljar -p '1 + 2'                         print a value
  belljar -e 'for (;;) {}' --max-cpu-ms 100  stop it after 100 ms of processor time: exit code 3
  belljar --rpc now='date +%s' -p 'await host.rpc(\"now\")'
  belljar snapshot rules.js -o rules.jar && belljar run --from rules.jar -p 'price(3)'
  echo '{\"eval\": \"1 + 2\"}' | belljar       answer JSON lines

Exit codes: 0 done, 1 the script threw, 2 usage, 3 a limit, 4 cancelled, 5 internal";

/// Run untrusted JavaScript in a sealed jar: no files, no network, no environment, and limits that hold.
#[derive(Parser)]
#[command(name = "belljar", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Run a script, or a program that `compile` wrote
    Run(Run),
    /// Type JavaScript at a prompt; without arguments on a terminal, belljar does this too
    Repl(Repl),
    /// Compile a script to a program that only this build of belljar runs
    Compile(Compile),
    /// Run a script, then freeze the jar with everything that it left there
    Snapshot(Freeze),
    /// Say what a program or a snapshot is, how big, and whether this build can run it
    Inspect(Inspect),
    /// Answer JSON lines from standard input on standard output
    Json(Json),
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
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) script: Script,
    /// Run this code and print its value: a string as it is, everything else as console.log shows it
    #[arg(short = 'p', long = "print", value_name = "CODE", group = "script", allow_hyphen_values = true)]
    pub(crate) print: Option<String>,
    /// Start from a snapshot instead of an empty jar
    #[arg(long, value_name = "SNAPSHOT")]
    pub(crate) from: Option<PathBuf>,
    /// Say on standard error what the run has cost
    #[arg(long)]
    pub(crate) stats: bool,
    /// Print one JSON object instead: ok, value or error, logs, stats
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) jar: Jar,
    /// Send every call without a command of its own as a line {"rpc": ...} to standard output, and read replies from standard
    /// input, as the JSON lines protocol does; `-` is the only place it can go
    #[arg(long, value_name = "-", value_parser = ["-"], allow_hyphen_values = true)]
    pub(crate) rpc_all: Option<String>,
    #[command(flatten)]
    pub(crate) key: Key,
}

impl Run {
    pub(crate) fn has_script(&self) -> bool {
        self.script.file.is_some() || self.script.eval.is_some() || self.print.is_some()
    }

    /// The arguments of the JSON lines protocol, which begins when no script was named.
    pub(crate) fn without_script(self) -> Result<Json, Refusal> {
        if self.from.is_some() || self.stats || self.json {
            return Err(Refusal::usage("no script: --from, --stats and --json need a file, -e CODE or -p CODE"));
        }
        Ok(Json { jar: self.jar, rpc_all: self.rpc_all, key: self.key })
    }
}

impl Run {
    /// The arguments of the prompt, which begins on a terminal when no script was named.
    pub(crate) fn without_command(self) -> Result<Repl, Refusal> {
        if self.stats || self.json || self.rpc_all.is_some() {
            return Err(Refusal::usage("no script: --stats, --json and --rpc-all need a file, -e CODE or -p CODE"));
        }
        Ok(Repl { from: self.from, jar: self.jar, key: self.key })
    }
}

/// How the jar is set up.
#[derive(Args)]
pub(crate) struct Jar {
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    /// Answer host.rpc('NAME', params) with a shell command: params as JSON on its standard input, JSON from its standard
    /// output; when it fails, the call is rejected
    #[arg(long = "rpc", value_name = "NAME=COMMAND")]
    pub(crate) routes: Vec<Route>,
}

#[derive(Args)]
pub(crate) struct Key {
    /// A file with the key of sealed snapshots: 64 hexadecimal digits; the variable BELLJAR_KEY does as well
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Repl {
    /// Start from a snapshot instead of an empty jar
    #[arg(long, value_name = "SNAPSHOT")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) jar: Jar,
    #[command(flatten)]
    pub(crate) key: Key,
}

#[derive(Args)]
pub(crate) struct Compile {
    #[command(flatten)]
    pub(crate) script: Script,
    /// Where the program goes
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
pub(crate) struct Freeze {
    #[command(flatten)]
    pub(crate) script: Script,
    /// Where the snapshot goes: sealed when there is a key, plain otherwise
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// A word about it, for whoever inspects it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) label: String,
    #[command(flatten)]
    pub(crate) jar: Jar,
    #[command(flatten)]
    pub(crate) key: Key,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// A program or a snapshot
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: Key,
}

#[derive(Args)]
pub(crate) struct Json {
    #[command(flatten)]
    pub(crate) jar: Jar,
    /// Forward every call without a command of its own as a line {"rpc": ...}; `-` is the only place it can go
    #[arg(long, value_name = "-", value_parser = ["-"], allow_hyphen_values = true)]
    pub(crate) rpc_all: Option<String>,
    #[command(flatten)]
    pub(crate) key: Key,
}
