//! The prompt as a person meets it: in a terminal of its own, key by key.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::support::{BELLJAR, NULL, device};

const CTRL_C: &str = "\u{3}";
pub(crate) const CTRL_D: &str = "\u{4}";
const UP: &str = "\u{1b}[A";

/// A prompt with nothing behind it yet. One that is only drawn again does not begin a line.
const FRESH: &str = "\n\r> ";

/// Long enough for a machine that does ten other things; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with belljar in it.
pub(crate) struct Terminal {
    keys: File,
    screen: Receiver<Vec<u8>>,
    /// What was shown and not yet asked about, without colours.
    shown: String,
    raw: Vec<u8>,
    /// Everything that was ever sent, with its commands.
    pub(crate) sent: Vec<u8>,
    child: Child,
    line: Option<OwnedFd>,
}

/// A folder of one test's own, which is the whole home of its belljar.
pub(crate) fn home(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that has seen enough leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    pub(crate) fn open(home: &Path, arguments: &[&str]) -> Terminal {
        Terminal::open_with(home, arguments, &[])
    }

    pub(crate) fn open_with(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Terminal {
        // A child that held the other end of its own terminal would never see it go.
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(OFlags::NOCTTY.bits().cast_signed())
                .open(&name)
                .unwrap()
        };
        let line = open();
        tcsetwinsize(&line, Winsize { ws_row: 40, ws_col: 1000, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(BELLJAR)
            .args(arguments)
            .current_dir(home)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TERM", "xterm-256color")
            .env("HOME", home)
            .envs(variables.iter().copied())
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .expect("setsid is installed");
        let keys = File::from(master);
        let mut reader = keys.try_clone().unwrap();
        let (sender, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            keys,
            screen,
            shown: String::new(),
            raw: Vec::new(),
            sent: Vec::new(),
            child,
            line: Some(line.into()),
        }
    }

    pub(crate) fn start(home: &Path) -> Terminal {
        let mut terminal = Terminal::open(home, &["repl"]);
        terminal.sees("> ");
        terminal
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is shown, and forgets everything up to there.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(text) {
                let before = self.shown[..at].to_owned();
                self.shown = self.shown.split_off(at + text.len());
                return before;
            }
            match self.screen.recv_timeout(PATIENCE) {
                Ok(bytes) => {
                    self.raw.extend_from_slice(&bytes);
                    self.sent.extend_from_slice(&bytes);
                    self.shown.push_str(&plain(&mut self.raw));
                }
                Err(error) => panic!("{text:?} is not shown ({error}): {:?}", self.shown),
            }
        }
    }

    /// Types a line, and waits for the next prompt; what was shown in between.
    #[track_caller]
    pub(crate) fn enter(&mut self, line: &str) -> String {
        self.press(line);
        self.press("\r");
        let shown = self.sees(FRESH);
        // The first line is what was typed, as often as it was drawn.
        shown.split_once('\n').map_or("", |(_, shown)| shown).replace('\r', "").trim_end().to_owned()
    }

    /// Everything that was sent, to the end of the command.
    pub(crate) fn all(&mut self) -> Vec<u8> {
        // The last copy of the terminal's other side; without it the end of the command is the end of what is sent.
        self.line = None;
        while let Ok(bytes) = self.screen.recv_timeout(PATIENCE) {
            self.sent.extend_from_slice(&bytes);
        }
        std::mem::take(&mut self.sent)
    }

    pub(crate) fn end(mut self) -> i32 {
        // Whoever does not read a terminal stops who writes to it.
        while self.screen.recv_timeout(Duration::from_millis(1)).is_ok() {}
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

/// The text of what a terminal was sent, without its commands. One that is not whole yet is left for the next time.
fn plain(raw: &mut Vec<u8>) -> String {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(error) => String::from_utf8_lossy(&raw[..error.valid_up_to()]).into_owned(),
    };
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        shown.push_str(&rest[..at]);
        let command = &rest[at..];
        let Some(end) = command.char_indices().skip(2).find(|(_, end)| ('@'..='~').contains(end)) else {
            let used = text.len() - command.len();
            raw.drain(..used);
            return shown;
        };
        rest = &command[end.0 + 1..];
    }
    shown.push_str(rest);
    raw.drain(..text.len());
    shown
}

#[test]
fn a_value_is_shown_and_kept() {
    let home = home("values");
    let mut terminal = Terminal::start(&home);
    assert_eq!(terminal.enter("1 + 2"), "3");
    assert_eq!(terminal.enter("_ * 2"), "6");
    assert_eq!(terminal.enter("let m = new Map([[1, 'x']]); m"), "Map { 1 => \"x\" }");
    assert_eq!(terminal.enter("_.get(1)"), "\"x\"");
    assert_eq!(terminal.enter("const f = n => n * 2"), "");
    assert_eq!(terminal.enter("f(4)"), "8");
    assert_eq!(terminal.enter("const f = n => n * 3; f(4)"), "12");
    assert_eq!(terminal.enter("await Promise.resolve({ a: [1n, -0] })"), "{ a: [ 1n, -0 ] }");
    assert_eq!(terminal.enter("undefined"), "undefined");
    assert_eq!(terminal.enter("if (true) 5"), "5");
    assert_eq!(terminal.enter("let kept = _; console.log('told')"), "told");
    assert_eq!(terminal.enter("_"), "5");
    // What can be an object is one, and no block with a label.
    assert_eq!(terminal.enter("{ a: 1 };"), "{ a: 1 }");
    assert_eq!(terminal.enter("{}"), "{}");
    assert_eq!(terminal.enter("{ let b = [2]; b }"), "[ 2 ]");
    assert_eq!(terminal.enter("'a\\n'"), "\"a\\n\"");
    assert_eq!(terminal.enter("() => 1"), "[Function]");
    // What a script does to the console is not done to the prompt.
    assert_eq!(terminal.enter("console.log = () => {}; globalThis.console = null; [1]"), "[ 1 ]");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn an_error_is_shown_where_it_was_typed_and_the_prompt_goes_on() {
    let home = home("errors");
    let mut terminal = Terminal::start(&home);
    let shown = terminal.enter("let a = 1; a + nothing");
    assert!(shown.contains("Uncaught ReferenceError: nothing is not defined\n"), "{shown}");
    assert!(shown.contains("--> <repl 1>:1:16\n"), "{shown}");
    let shown = terminal.enter("new Error('kept')");
    assert!(shown.contains("Error: kept") && shown.contains("(<repl 2>:1:5)"), "{shown}");
    let shown = terminal.enter("console.log(new Error('told').stack)");
    assert!(shown.contains("(<repl 3>:1:17)") && shown.ends_with("undefined"), "{shown}");
    assert!(terminal.enter("let = 5 5").contains("Uncaught SyntaxError"));
    // What was typed before, and is called now.
    assert_eq!(terminal.enter("fails = () => { null.x }"), "[Function: fails]");
    let shown = terminal.enter("1 + fails()");
    assert!(shown.contains("--> <repl 5>:1:17\n  |\n1 | fails = () => { null.x }\n"), "{shown}");
    assert!(shown.contains("at fails (<repl 5>:1:17)\n    at <eval> (<repl 6>:1:"), "{shown}");
    assert_eq!(terminal.enter(".on order p => p.a.b"), "undefined");
    assert!(terminal.enter(".dispatch order {}").contains("--> <repl 7>:1:"));
    assert_eq!(terminal.enter("a"), "1");
}

#[test]
fn a_line_that_is_not_whole_goes_on_in_the_next_one() {
    let home = home("lines");
    let mut terminal = Terminal::start(&home);
    terminal.press("function twice(n) {\r");
    terminal.press("  return 2 * n\r");
    terminal.press("}\r");
    terminal.sees(FRESH);
    assert_eq!(terminal.enter("twice(21)"), "42");
    terminal.press("`one\rtwo`\r");
    assert!(terminal.sees(FRESH).ends_with("\"one\\ntwo\"\r"));
    // Ctrl-C drops what was begun.
    terminal.press("f(\r");
    terminal.press(CTRL_C);
    terminal.sees("leaves)");
    terminal.sees(FRESH);
    assert_eq!(terminal.enter("'here'"), "\"here\"");
}

#[test]
fn ctrl_c_stops_the_script_and_not_the_prompt() {
    let home = home("interrupt");
    let mut terminal = Terminal::open(&home, &["--max-cpu-ms", "600000", "--max-wall-ms", "600000"]);
    terminal.sees("> ");
    for _ in 0..2 {
        terminal.press("var n = 7; console.log('runs'); for (;;) {}\r");
        terminal.sees("\nruns");
        terminal.press(CTRL_C);
        terminal.sees("the call was cancelled");
        terminal.sees(FRESH);
    }
    assert_eq!(terminal.enter("n"), "7");
    // A built-in does not listen; the jar is lost, and says how to get a new one.
    terminal.press("console.log('runs'); new Array(4294967295).join('')\r");
    terminal.sees("\nruns");
    terminal.press(CTRL_C);
    terminal.sees(".reset brings it back");
    terminal.sees(FRESH);
    assert!(terminal.enter("1").contains("reset"));
    assert_eq!(terminal.enter(".reset"), "");
    assert_eq!(terminal.enter("typeof n"), "\"undefined\"");
    terminal.press(CTRL_C);
    terminal.sees("(Ctrl-C again");
    // Between two prompts Ctrl-C is a signal, and ends the process as one.
    terminal.sees(FRESH);
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_signal_from_elsewhere_puts_the_terminal_back_as_it_was() {
    let home = home("signal");
    let mut terminal = Terminal::start(&home);
    assert!(
        !tcgetattr(terminal.line.as_ref().unwrap()).unwrap().local_modes.contains(LocalModes::ICANON),
        "the editor reads keys"
    );
    assert!(Command::new("kill").args(["-TERM", &terminal.child.id().to_string()]).status().unwrap().success());
    assert_eq!(terminal.child.wait().unwrap().code(), Some(4));
    let modes = tcgetattr(terminal.line.as_ref().unwrap()).unwrap().local_modes;
    assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO));

    let mut terminal = Terminal::start(&home);
    terminal.press("console.log('runs'); for (;;) {}\r");
    terminal.sees("\nruns");
    assert!(Command::new("kill").args(["-TERM", &terminal.child.id().to_string()]).status().unwrap().success());
    assert_eq!(terminal.child.wait().unwrap().code(), Some(4));
}

#[test]
fn names_are_completed_without_running_anything() {
    let home = home("completion");
    let mut terminal = Terminal::start(&home);
    terminal.press("enc\t");
    terminal.sees("encodeURI");
    terminal.press(CTRL_C);
    terminal.sees("leaves)");
    terminal.sees(FRESH);
    let code = "var ran = 0; let jar = { lid: { glass: 5 }, get open() { ran++; return { x1: 1 } }, \
        p: new Proxy({ hidden: 1 }, { get() { ran++ }, ownKeys() { ran++; return [] }, \
        getOwnPropertyDescriptor() { ran++ }, getPrototypeOf() { ran++; return null } }) }; ran";
    assert_eq!(terminal.enter(code), "0");
    assert_eq!(terminal.enter("jar.li\t.gla\t"), "5");
    assert_eq!(terminal.enter("let list = [3], text = 'abc'; class Lid { static size = 9 }"), "");
    assert_eq!(terminal.enter("list.len\t"), "1");
    assert_eq!(terminal.enter("text.toUpperC\t()"), "\"ABC\"");
    assert_eq!(terminal.enter("Lid?.siz\t"), "9");
    assert_eq!(terminal.enter("Array.prototype.conc\t.nam\t"), "\"concat\"");
    // Nothing is offered behind a getter or a Proxy, and neither is asked.
    terminal.press("jar.open.x\t");
    terminal.press("\u{15}jar.p.h\t");
    terminal.press("\u{15}");
    assert_eq!(terminal.enter("ran"), "0");
    assert_eq!(terminal.enter(".sta\t").lines().next(), Some("the newest script"));
}

#[test]
fn completion_gives_up_on_a_jar_that_does_not_answer() {
    let home = home("stubborn");
    let mut terminal = Terminal::open(&home, &["--max-cpu-ms", "600000", "--max-wall-ms", "600000"]);
    terminal.sees("> ");
    assert_eq!(terminal.enter("Object.getOwnPropertyNames = () => { for (;;); }; 1"), "1");
    assert_eq!(terminal.enter("Array.prototype.conc\t"), "undefined");
    assert_eq!(terminal.enter("1 + 1"), "2");
}

#[test]
fn history_is_kept_where_the_platform_keeps_it() {
    let home = home("history");
    let mut terminal = Terminal::start(&home);
    assert_eq!(terminal.enter("6 * 7"), "42");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), 0);
    let place = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
    let kept = fs::read_to_string(home.join(place).join("belljar/history")).unwrap();
    assert!(kept.contains("6 * 7"), "{kept}");
    let mut terminal = Terminal::start(&home);
    assert_eq!(terminal.enter(UP), "42");
}

#[test]
fn every_command_does_what_help_says() {
    let home = home("commands");
    fs::write(home.join("price.js"), "const price = n => n * 2.5").unwrap();
    fs::write(home.join("broken.js"), "let = =").unwrap();
    let mut terminal = Terminal::start(&home);
    let help = terminal.enter(".help");
    for command in [".dispatch", ".on", ".reset", ".stats", ".limits", ".save", ".open", ".load", ".help", ".exit"] {
        assert!(help.contains(command), "{help}");
    }
    assert_eq!(terminal.enter("host.on('greet', p => `hi ${p.name}`)"), "undefined");
    assert_eq!(terminal.enter(".on twice n => 2 * n"), "undefined");
    assert_eq!(terminal.enter(".on").replace('\n', " "), "greet twice");
    assert_eq!(terminal.enter(".dispatch greet {\"name\": \"Ada\"}"), "\"hi Ada\"");
    assert_eq!(terminal.enter(".dispatch twice 4"), "8");
    assert_eq!(terminal.enter("_"), "8");
    assert!(terminal.enter(".dispatch nobody").contains("nobody"));
    assert!(terminal.enter(".dispatch greet {").contains("not JSON"));
    assert!(terminal.enter(".dispatch").contains("NAME [JSON]"));
    assert_eq!(terminal.enter(".load price.js"), "");
    assert_eq!(terminal.enter("price(3)"), "7.5");
    assert!(terminal.enter(".load broken.js").contains("--> broken.js:1:7"));
    assert!(terminal.enter(".load missing.js").contains("cannot be read"));
    assert!(terminal.enter(".stats").contains("since the jar began"));
    assert!(terminal.enter(".limits").contains("max-cpu-ms        5000          cpu_time"));
    assert_eq!(terminal.enter(".limits max-cpu-ms 20"), "");
    assert!(terminal.enter("for (;;) {}").contains("; .limits max-cpu-ms VALUE (cpu_time) raises it"));
    assert!(terminal.enter(".limits max-cpu-ms 0").contains("invalid value '0' for max-cpu-ms: 0 is not in 1.."));
    assert_eq!(terminal.enter("price(4)"), "10");
    assert!(terminal.enter(".save rules.jar").ends_with(" bytes"));
    assert_eq!(terminal.enter(".reset"), "");
    assert_eq!(terminal.enter("typeof price"), "\"undefined\"");
    assert_eq!(terminal.enter(".open rules.jar"), "");
    assert_eq!(terminal.enter("price(2)"), "5");
    assert!(terminal.enter(".open price.js").contains("belljar: price.js: this is no snapshot"));
    fs::write(home.join("damaged.prog"), "belljarP").unwrap();
    assert!(
        terminal
            .enter(".load damaged.prog")
            .contains("belljar: damaged.prog: not a program of this build: it is shorter")
    );
    assert!(terminal.enter(".nonsense").contains("there is no .nonsense; .help"));
    terminal.press(".exit\r");
    assert_eq!(terminal.end(), 0);
    let output =
        Command::new(BELLJAR).args(["--from", "rules.jar", "-p", "price(6)"]).current_dir(&home).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "15\n");
}

#[test]
fn a_script_cannot_command_the_terminal() {
    let home = home("control");
    let mut terminal = Terminal::start(&home);
    let shown = terminal.enter("console.log('a\\x1b[2Jb'); ['\\x1b]0;t\\x07']");
    assert_eq!(shown, "a\\u{1b}[2Jb\n[ \"\\u001b]0;t\\u0007\" ]");
}

#[test]
fn a_terminal_gets_colours_unless_its_owner_wants_none() {
    let home = home("colours");
    for (variables, is_coloured) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let mut terminal = Terminal::open_with(&home, &["repl"], variables);
        terminal.sees("> ");
        assert_eq!(terminal.enter("const text = 'red'; [text, 7, null]"), "[ \"red\", 7, null ]");
        assert!(terminal.enter("null.x").contains("Uncaught TypeError"));
        let sent = String::from_utf8_lossy(&terminal.sent).into_owned();
        for colour in ["\u{1b}[35mconst", "\u{1b}[32m\"red\"", "\u{1b}[33m7", "\u{1b}[1m\u{1b}[31mUncaught"] {
            assert_eq!(sent.contains(colour), is_coloured, "{colour:?} {sent:?}");
        }
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn the_bench_shows_how_far_it_is() {
    let home = home("progress");
    let mut terminal = Terminal::open(&home, &["bench", "--rounds", "2000", "--threads", "1"]);
    terminal.sees("cold start");
    terminal.sees(" %");
    terminal.sees("instances per second, 1 thread");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn what_is_no_terminal_gets_values_and_no_prompt() {
    let mut child = Command::new(BELLJAR).arg("repl").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"let n = [\n1\n]\nn\n.exit\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), "[ 1 ]\n"));
}

/// A link to /dev/null is how somebody says that there should be no history.
#[test]
fn a_history_that_is_no_file_is_left_as_it_is() {
    let home = home("no_history");
    let place = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
    let ours = home.join(place).join("belljar");
    fs::create_dir_all(&ours).unwrap();
    let history = ours.join("history");
    if let Some(null) = device(&home, "null", NULL) {
        std::os::unix::fs::symlink(&null, &history).unwrap();
        let mode = || std::os::unix::fs::MetadataExt::mode(&fs::metadata(&null).unwrap());
        let before = mode();
        let mut terminal = Terminal::start(&home);
        assert_eq!(terminal.enter("6 * 7"), "42");
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), 0);
        assert_eq!(mode(), before);
        assert!(fs::symlink_metadata(&history).unwrap().is_symlink());
        fs::remove_file(&history).unwrap();
    }
    // Nobody would ever write to this one.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &history,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let mut terminal = Terminal::start(&home);
    assert_eq!(terminal.enter("6 * 7"), "42");
}
