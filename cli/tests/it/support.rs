//! What every theme needs: the command started, fed and looked at.
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};

pub(crate) const BELLJAR: &str = env!("CARGO_BIN_EXE_belljar");

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn belljar() -> Command {
    let mut command = Command::new(BELLJAR);
    command
        .env_remove("BELLJAR_KEY")
        .env_remove("BELLJAR_LOG")
        .env_remove("CLICOLOR_FORCE")
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

pub(crate) fn end(mut command: Command) -> Ended {
    let output = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) fn run(arguments: &[&str]) -> Ended {
    let mut command = belljar();
    command.args(arguments);
    end(command)
}

pub(crate) fn feed(arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = belljar();
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder of one test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

pub(crate) fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, contents).expect("the file can be written");
    path.to_str().expect("the path is UTF-8").to_owned()
}

/// A file that only its owner can read.
pub(crate) fn secret(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = write(folder, name, contents);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the mode can be set");
    path
}

/// A device in a folder of the test. A defect that replaces a device must not reach those of the machine. None where a
/// device cannot be made, which takes root, or opened.
pub(crate) fn device(folder: &Path, name: &str, (major, minor): (u32, u32)) -> Option<String> {
    let path = folder.join(name);
    let device = rustix::fs::makedev(major, minor);
    mknodat(CWD, &path, FileType::CharacterDevice, Mode::from_raw_mode(0o666), device).ok()?;
    fs::OpenOptions::new().read(true).write(true).open(&path).ok()?;
    Some(path.to_str().expect("the path is UTF-8").to_owned())
}

pub(crate) const NULL: (u32, u32) = (1, 3);
pub(crate) const FULL: (u32, u32) = (1, 7);

/// A link to standard output in a folder of the test, for the same reason.
pub(crate) fn stdout_link(folder: &Path) -> String {
    let path = folder.join("stdout");
    let _ = fs::remove_file(&path);
    std::os::unix::fs::symlink("/proc/self/fd/1", &path).expect("the link can be made");
    path.to_str().expect("the path is UTF-8").to_owned()
}

#[track_caller]
pub(crate) fn prints(arguments: &[&str], expected: &str) {
    let ended = run(arguments);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, expected, ""), "{arguments:?}");
}

#[track_caller]
pub(crate) fn refuses(arguments: &[&str], code: i32, word: &str) {
    let ended = run(arguments);
    assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{arguments:?}: {}", ended.err);
    assert!(ended.err.contains(word), "{arguments:?} should say {word:?}: {}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

/// Compares a text with the file that says what it should be. With the variable BELLJAR_BLESS set, it writes that file
/// instead; then read the difference.
#[track_caller]
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("BELLJAR_BLESS").is_some() {
        fs::write(&path, text).expect("the file can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs", path.display());
}

/// The command without root's right to ignore modes and owners of files. None where that cannot be given up.
pub(crate) fn without_rights() -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        return Some(belljar());
    }
    let drops = "--bounding-set=-chown,-dac_override,-dac_read_search,-fowner";
    let can = Command::new("setpriv").args([drops, "true"]).stderr(Stdio::null()).status();
    let mut command = Command::new("setpriv");
    command.args([drops, BELLJAR]).env_remove("BELLJAR_KEY").stdin(Stdio::null());
    can.is_ok_and(|status| status.success()).then_some(command)
}

/// The command as a user who may have this many processes and threads. None where the system cannot limit them. A test
/// run by a user other than root has processes already, so the command can start none.
pub(crate) fn with_threads(most: u32) -> Option<Command> {
    static USER: AtomicU32 = AtomicU32::new(0);
    // The system counts per user, so every command gets a user that nobody else has.
    let user = 2_000_000_000 + (std::process::id() << 8) % 1_000_000_000 + USER.fetch_add(1, Ordering::Relaxed) % 256;
    let (user, limit) = (format!("--ruid={user}"), format!("--nproc={most}"));
    let mut words = vec!["prlimit", &limit];
    if rustix::process::geteuid().is_root() {
        words.splice(..0, ["setpriv", &user, "--bounding-set=-sys_resource,-sys_admin"]);
    }
    let starts = |program: &str| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(program).env_remove("BELLJAR_KEY").stdin(Stdio::null());
        command
    };
    let can = starts("true").stderr(Stdio::null()).status();
    can.is_ok_and(|status| status.success()).then(|| starts(BELLJAR))
}
