//! The prompt: it runs what is typed, shows the value, and has commands that begin with a dot.
//!
//! It owns the session: the jar, the inputs, and the names that they declare. It must never know how a line is edited.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use belljar::{Error, LimitKind, Router, Runtime, Shown, Snapshot, Stats, Status, Value};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use crate::arguments;
use crate::artefact;
use crate::bounds;
use crate::cost;
use crate::ending::{Ending, Refusal};
use crate::executor::block_on;
use crate::inputs::Inputs;
use crate::interrupt::Interrupt;
use crate::jar::{self, Jar};
use crate::key::{self, Key};
use crate::language::Language;
use crate::outfile::{self, Readers};
use crate::prompt::{self, Prompt};
use crate::screen::{Screen, Stream};
use crate::source::Source;
use crate::speech::{self, Speech};
use crate::{completion, layout, run, source, syntax, system};

/// The commands: the name, its arguments, and what it does.
pub(crate) const COMMANDS: [(&str, &str, &str); 10] = [
    (".dispatch", "NAME [JSON]", "call the handler of an event"),
    (".exit", "", "leave; Ctrl-D does too"),
    (".help", "", "this list"),
    (".limits", "[NAME VALUE]", "show the limits, or change one; what is in the jar stays"),
    (".load", "FILE.js", "run a script here"),
    (".on", "[NAME FUNCTION]", "register a handler of an event; alone: the events that have one"),
    (".open", "FILE", "go on from a snapshot"),
    (".reset", "", "back to how the jar began"),
    (".save", "FILE", "freeze the jar to a snapshot"),
    (".stats", "", "what the newest script has cost, and all of them since the jar began"),
];

const KEYS: &str = "
Tab completes, Ctrl-R searches the history, the arrows walk it.
Enter runs a complete script, and begins a new line in an incomplete one.
Ctrl-C drops the line, or stops the script that runs.
`_` is the last value. A promise is awaited, and so are the calls that the script made.
";

/// The longest part of a string that is shown.
const MOST_SHOWN: usize = 10_000;

/// How long the list of names may take. It takes no time unless a script has replaced a built-in.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where console lines go at the moment.
#[derive(Clone, Default)]
struct Console {
    /// What was printed while lines are kept and not shown.
    kept: Arc<Mutex<Option<String>>>,
}

impl Console {
    fn register(&self, screen: Screen, interrupt: &Interrupt) -> Router {
        let (console, interrupt) = (self.clone(), interrupt.clone());
        Router::new().on_console(move |_, level, line| {
            if let Some(kept) = console.kept.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                kept.push_str(line);
                return;
            }
            if let Err(error) = screen.print(run::stream(level), line) {
                interrupt.output_lost(&error);
            }
        })
    }

    fn keep(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(String::new());
    }

    /// What was kept since it was last taken.
    fn take(&self) -> String {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn show_again(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

pub(crate) struct Session {
    pub(crate) runtime: Runtime,
    jar: Jar,
    console: Console,
    screen: Screen,
    interrupt: Interrupt,
    key: Option<Key>,
    cost: Option<Stats>,
    /// The names that `let`, `const` and `class` declared. They are no properties of an object.
    declared: BTreeSet<String>,
    /// How many scripts have been typed.
    count: usize,
    inputs: Inputs,
}

/// Whether there is a next line.
enum Then {
    GoOn,
    End,
}

pub(crate) fn perform(arguments: arguments::Repl, screen: &Screen, interrupt: &Interrupt) -> Result<Ending, Refusal> {
    let key = key::read(&arguments.key)?;
    let origin = match &arguments.from {
        Some(path) => Some(artefact::thaw(path, key.as_ref())?),
        None => None,
    };
    let session = Rc::new(RefCell::new(Session::new(&arguments, origin, key, screen, interrupt)?));
    let colours = if screen.has_colour(Stream::Out) { ColorMode::Enabled } else { ColorMode::Disabled };
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .color_mode(colours)
        .history_ignore_space(true)
        .history_ignore_dups(true)
        .and_then(|config| config.max_history_size(10_000))
        .map_err(broken)?
        .build();
    let mut editor: Editor<Prompt, FileHistory> = Editor::with_config(config).map_err(broken)?;
    editor.set_helper(Some(Prompt::new(session.clone())));
    let mut history = if io::stdin().is_terminal() { history() } else { None };
    if let Some(path) = &history {
        // The first session finds no history.
        let _ = editor.load_history(path);
    }
    if io::stdin().is_terminal() {
        if let Some(put_back) = system::terminal_modes() {
            interrupt.before_the_end(put_back);
        }
        screen.write_bytes(format!("belljar {}: .help says more\n", env!("CARGO_PKG_VERSION")).as_bytes())?;
    }
    let mut is_leaving = false;
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) if is_leaving => return Ok(Ending::Done),
            Err(ReadlineError::Interrupted) => {
                is_leaving = true;
                screen.write_bytes(b"(Ctrl-C again, Ctrl-D or .exit leaves)\n")?;
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(Ending::Done),
            Err(error) => return Err(broken(error)),
        };
        is_leaving = false;
        if line.trim().is_empty() {
            continue;
        }
        if editor.add_history_entry(line.as_str()).is_ok_and(|is_new| is_new)
            && let Some(path) = &history
            && let Err(error) = editor.append_history(path)
        {
            screen.complain(&format!("{} keeps no history: {error}", path.display()));
            history = None;
        }
        let then = session.borrow_mut().enter(&line)?;
        interrupt.check_output()?;
        if interrupt.is_told_to_end() {
            return Ok(Ending::Cancelled);
        }
        if interrupt.is_pipe_closed() || matches!(then, Then::End) {
            return Ok(Ending::Done);
        }
        interrupt.forget();
    }
}

fn broken(error: ReadlineError) -> Refusal {
    Refusal::internal(format!("the prompt does not work here: {error}"))
}

/// The file that keeps the history. None where the platform has no folder for it.
fn history() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let states = if cfg!(target_os = "macos") {
        folder("HOME")?.join("Library/Application Support")
    } else {
        folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?
    };
    let ours = states.join("belljar");
    system::create_private_folder(&ours).ok()?;
    let history = ours.join("history");
    // The editor would block on a pipe and change the mode of a device. A link to /dev/null means no history.
    fs::metadata(&history).map_or(true, |about| about.is_file()).then_some(history)
}

impl Session {
    fn new(
        arguments: &arguments::Repl,
        origin: Option<Snapshot>,
        key: Option<Key>,
        screen: &Screen,
        interrupt: &Interrupt,
    ) -> Result<Session, Refusal> {
        let runtime = jar::runtime()?;
        let console = Console::default();
        let router = jar::router(console.register(*screen, interrupt), &arguments.jar)?;
        Ok(Session {
            jar: Jar::open(&runtime, &router, &arguments.jar.bounds, &arguments.jar.modules(None)?, origin)
                .map_err(|refusal| refusal.of_start(arguments.from.as_deref()))?,
            runtime,
            console,
            screen: *screen,
            interrupt: interrupt.clone(),
            key,
            cost: None,
            declared: BTreeSet::new(),
            count: 0,
            inputs: Inputs::default(),
        })
    }

    fn enter(&mut self, line: &str) -> Result<Then, Refusal> {
        let line = line.trim();
        if !line.starts_with('.') {
            self.count += 1;
            let name = format!("<repl {}>", self.count);
            self.run(line, &name, Language::JavaScript)?;
            return Ok(Then::GoOn);
        }
        let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if command == ".exit" {
            return Ok(Then::End);
        }
        match self.command(command, rest.trim()) {
            Ok(text) => drop(self.screen.write_bytes(text.as_bytes())?),
            Err(refusal) => self.screen.complain(&refusal.told(Speech::Prompt)),
        }
        Ok(Then::GoOn)
    }

    /// Carries out a command; the text is for standard output.
    fn command(&mut self, command: &str, rest: &str) -> Result<String, Refusal> {
        match (command, rest) {
            (".help", _) => {
                Ok(COMMANDS.map(|(name, with, what)| format!("{:<26}{what}\n", format!("{name} {with}"))).concat()
                    + KEYS)
            }
            (".dispatch" | ".load" | ".open" | ".save", "") => {
                let with = COMMANDS.iter().find(|(name, _, _)| *name == command).map_or("", |(_, with, _)| with);
                Err(Refusal::usage(format!("{command} wants {with}")))
            }
            (".dispatch", rest) => {
                let (name, params) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let params = if params.trim().is_empty() { Value::UNDEFINED } else { Value::from_json(params.trim())? };
                let handle = self.jar.instance.cancel_handle();
                let interrupt = self.interrupt.clone();
                let result = interrupt.guard(handle, || block_on(self.jar.instance.dispatch_async(name, &params)));
                self.end(result)?;
                Ok(String::new())
            }
            (".on", "") => {
                let events = self.events()?;
                Ok(events.iter().map(|name| format!("{}\n", self.screen.painted(name, str::to_owned))).collect())
            }
            (".on", rest) => {
                let Some((name, function)) = rest.split_once(char::is_whitespace) else {
                    return Err(Refusal::usage(".on wants NAME FUNCTION, as in: .on greet p => `hi ${p.name}`"));
                };
                let quoted = Value::of(name)?;
                self.count += 1;
                let origin = format!("<repl {}>", self.count);
                self.run(&format!("host.on({quoted}, {function}\n)"), &origin, Language::JavaScript)?;
                Ok(String::new())
            }
            (".reset", _) => {
                self.jar.reset()?;
                self.forget();
                Ok(String::new())
            }
            (".stats", _) => {
                let all = cost::table(&self.jar.instance.stats());
                let newest = self.cost.as_ref().map_or_else(|| "nothing has run yet\n".into(), cost::table);
                Ok(format!("the newest script\n{newest}\nsince the jar began\n{all}"))
            }
            (".limits", rest) => self.change_limits(rest),
            (".load", path) => {
                match Source::of_file(Path::new(path))? {
                    Source::Script { name, text, language } => self.run(&text, &name, language)?,
                    Source::Program { program, .. } => {
                        let handle = self.jar.instance.cancel_handle();
                        let interrupt = self.interrupt.clone();
                        let result = interrupt.guard(handle, || block_on(self.jar.instance.run_async(&program)));
                        self.end(result)?;
                    }
                }
                Ok(String::new())
            }
            (".save", path) => {
                let bytes = artefact::freeze(&mut self.jar.instance, "", self.key.as_ref())?;
                outfile::write(Path::new(path), &bytes, Readers::Owner, &self.interrupt)?;
                Ok(format!("{} bytes\n", bytes.len()))
            }
            (".open", path) => {
                let path = Path::new(path);
                let snapshot = artefact::thaw(path, self.key.as_ref())?;
                self.jar.restore(snapshot).map_err(|refusal| refusal.of_start(Some(path)))?;
                self.forget();
                Ok(String::new())
            }
            _ => Err(Refusal::usage(format!("there is no {command}; .help lists what there is"))),
        }
    }

    /// The events that have a handler.
    pub(crate) fn events(&mut self) -> Result<Vec<String>, Refusal> {
        Ok(self.jar.instance.events()?)
    }

    /// The names that `.limits` takes.
    pub(crate) fn limits(&self) -> [&'static str; 13] {
        self.jar.bounds().settings().map(|(name, _)| name)
    }

    fn change_limits(&mut self, rest: &str) -> Result<String, Refusal> {
        if rest.is_empty() {
            let settings = self.jar.bounds().settings();
            let value = |value: Option<u64>| value.map_or("none".into(), |value| value.to_string());
            let field =
                |name| bounds::KINDS.into_iter().find(|kind| bounds::setting(*kind) == name).map(LimitKind::field);
            let row = |(name, set)| format!("{name:<18}{:<14}{}", value(set), field(name).unwrap_or_default());
            return Ok(settings.map(row).map(|row| format!("{}\n", row.trim_end())).concat());
        }
        let Some((name, value)) = rest.split_once(char::is_whitespace) else {
            return Err(Refusal::usage(".limits wants NAME VALUE, as in: .limits max-cpu-ms 100"));
        };
        let value = Some(value.trim().to_owned()).filter(|value| value != "none");
        let bounds = self
            .jar
            .bounds()
            .with(&[(name.trim_start_matches('-'), value)])
            .map_err(|why| Refusal::usage(why.told(str::to_owned)))?;
        self.jar.set_bounds(bounds)?;
        Ok(String::new())
    }

    fn forget(&mut self) {
        self.declared.clear();
        self.cost = None;
    }

    /// Runs a script that was typed, and shows its value.
    fn run(&mut self, text: &str, name: &str, language: Language) -> Result<(), Refusal> {
        let source = source::as_typed(text, language, &self.runtime);
        self.inputs.add(name, &source);
        let script = language.script(name, &source);
        self.declared.extend(script.iter().flat_map(|script| syntax::declared(script.source())));
        let result = script.and_then(|script| run::inspect(&mut self.jar.instance, &script, &self.interrupt));
        self.cost = Some(self.jar.instance.call_stats());
        match result {
            Ok(shown) if shown.is_undefined() && syntax::declares(text) => Ok(()),
            Ok(shown) => self.show(&shown),
            Err(error) => {
                self.complain(&error);
                Ok(())
            }
        }
    }

    /// Shows the result of an event or a program. If it is JSON, it becomes the last value.
    fn end(&mut self, result: belljar::Result<Value>) -> Result<(), Refusal> {
        self.cost = Some(self.jar.instance.call_stats());
        match result {
            Ok(value) if value.is_undefined() => Ok(()),
            Ok(value) => {
                if let Some(json) = value.as_json() {
                    let _ = run::inspect(&mut self.jar.instance, &format!("({json})").into(), &self.interrupt);
                }
                self.print(&value)
            }
            Err(error) => {
                self.complain(&error);
                Ok(())
            }
        }
    }

    fn complain(&self, error: &Error) {
        match error {
            _ if self.interrupt.is_pipe_closed() => {}
            Error::Js(js) => {
                let input = self.inputs.at_fault(js.stack.as_deref().unwrap_or_default());
                run::tell_thrown(&self.screen, js, &input, Speech::Prompt);
            }
            error => self.screen.complain(&speech::words(error, Speech::Prompt)),
        }
        if !self.interrupt.is_pipe_closed() {
            run::name_dropped(&self.screen, &self.jar.instance);
        }
        if self.jar.instance.status() == Status::Poisoned {
            self.screen
                .explain("The script was stopped inside a built-in. The jar takes no more; .reset brings it back.\n");
        }
    }

    /// Shows a value. A string has quotes here, so that it does not look like another value.
    fn show(&self, value: &Shown) -> Result<(), Refusal> {
        let is_string = value.is_string();
        if is_string { self.print(&Value::of(value.as_str())?) } else { self.write(&layout::broken(value.as_str())) }
    }

    /// Shows a value that came as JSON. Of a long one it shows the beginning.
    fn print(&self, value: &Value) -> Result<(), Refusal> {
        let text = value.as_str();
        match text.char_indices().nth(MOST_SHOWN) {
            Some((end, _)) => self.write(&format!("{}…", text.get(..end).unwrap_or_default())),
            None => self.write(text),
        }
    }

    fn write(&self, text: &str) -> Result<(), Refusal> {
        self.screen.write_bytes(format!("{}\n", self.screen.painted(text, prompt::paint_value)).as_bytes()).map(drop)
    }

    /// The names that complete a path.
    pub(crate) fn complete(&mut self, path: &[&str]) -> Vec<String> {
        let handle = self.jar.instance.cancel_handle();
        let (is_done, done) = mpsc::channel::<()>();
        // The editor reads Ctrl-C as a key, so this thread stops what takes too long, each time that it begins again.
        let watch = move || {
            let mut patience = PATIENCE;
            while done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                handle.cancel();
                patience = Duration::from_millis(1);
            }
        };
        // Without this thread, a script could block the prompt for ever.
        let Ok(watch) = thread::Builder::new().spawn(watch) else { return Vec::new() };
        self.console.keep();
        let console = self.console.clone();
        let names = completion::names(&mut self.jar.instance, path, &self.declared, &|| console.take());
        self.console.show_again();
        drop(is_done);
        let _ = watch.join();
        names
    }
}
