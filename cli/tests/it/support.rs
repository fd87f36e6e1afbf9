//! What every theme needs: the command started, fed and looked at.
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Compares a text with the file that says what it should be. With the variable BELLJAR_BLESS set it writes that file instead, for
/// whoever has changed the text and looks at the difference.
#[track_caller]
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("BELLJAR_BLESS").is_some() {
        fs::write(&path, text).expect("the file can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs", path.display());
}
