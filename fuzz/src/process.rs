//! The JSON-lines protocol of the command: any bytes as its input.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The path of the command. Build it with `cargo build --package belljar-cli`, or set `BELLJAR` to its path.
fn command() -> PathBuf {
    std::env::var_os("BELLJAR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/debug/belljar")), PathBuf::from)
}

/// Checks that the process ends by itself with a documented exit code, and that every line of its output is JSON.
pub fn protocol(data: &[u8]) {
    let mut belljar = Command::new(command())
        .args(["--max-cpu-ms", "20"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command belljar is built");
    let mut input = belljar.stdin.take().expect("it has an input");
    let mut output = belljar.stdout.take().expect("it has an output");
    let mut answers = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // The process may end before it has read all of its input.
            let _ = input.write_all(data);
        });
        output.read_to_end(&mut answers).expect("its output can be read");
    });
    let ended = belljar.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(matches!(ended.status.code(), Some(0..=5)), "{}: {said}", ended.status);
    assert!(!said.contains("panicked"), "{said}");
    for line in String::from_utf8(answers).expect("its output is UTF-8").lines() {
        serde_json::from_str::<&serde_json::value::RawValue>(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}
