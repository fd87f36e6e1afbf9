//! What the machine refuses: threads, room, a standard output. Told as an error, with an exit code that says so.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{BELLJAR, belljar, end, folder, run, with_threads, write};

#[test]
fn where_no_thread_can_be_started_every_task_says_so() {
    let folder = folder("scarce_threads");
    let out = folder.join("out").to_str().unwrap().to_owned();
    let program = write(&folder, "script.js", "1");
    for arguments in [
        &["-p", "1"][..],
        &["compile", "-e", "1", "-o", &out],
        &["snapshot", "-e", "1", "-o", &out],
        &["bench", "--rounds", "1", &program],
        &["doctor"],
        &["json"],
        &["repl"],
    ] {
        let Some(mut command) = with_threads(1) else { return };
        command.args(arguments);
        let ended = end(command);
        assert!(!ended.err.contains("panicked"), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.code, 5, "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("no thread can be started: "), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("ulimit -u"), "{arguments:?}: {}", ended.err);
    }
    let Some(mut command) = with_threads(1) else { return };
    command.args(["--json", "-p", "1"]);
    let report: serde_json::Value = serde_json::from_str(&end(command).out).unwrap();
    assert_eq!((&report["ok"], &report["error"]["blame"]), (&false.into(), &"host".into()));
}

/// One after the other is refused: the thread that listens to signals, then the one that a call waits for, and so on.
#[test]
fn where_some_threads_can_be_started_nothing_panics_and_nothing_hangs() {
    let folder = folder("scarce_some");
    let script = write(&folder, "script.js", "1");
    for most in 1..=6 {
        for (arguments, input) in [
            (&["--rpc", "x=cat", "-p", "host.rpcSync('x', 7)"][..], ""),
            (&["--rpc", "x=cat", "-p", "await host.rpc('x', 7)"], ""),
            (&["bench", "--rounds", "1", "--threads", "4", &script], ""),
            (&["json", "--rpc-all", "-"], "{\"eval\": \"1\"}\n"),
            (&["--json", "--rpc-all", "-", "-p", "1"], ""),
        ] {
            let Some(mut command) = with_threads(most) else { return };
            let mut child = command
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            let output = child.wait_with_output().unwrap();
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(!err.contains("panicked"), "{most} threads, {arguments:?}: {err}");
            assert!(output.status.code().is_some(), "{most} threads, {arguments:?}: {err}");
        }
    }
}

/// A command that was started before its threads could be is not left behind.
#[test]
fn a_call_whose_thread_cannot_be_started_is_a_rejection_with_a_reason() {
    // The threads of belljar and its shell, and no more.
    for most in 2..=6 {
        let Some(mut command) = with_threads(most) else { return };
        let code = "const e = await host.rpc('x').catch(e => e); e.code ? `${e.code}: ${e.message}` : `ok ${e}`";
        command.args(["--rpc", "x=exec cat", "-p", code]);
        let ended = end(command);
        assert!(!ended.err.contains("panicked"), "{most}: {}", ended.err);
        // The library has a thread to start too, and a reason of its own when it cannot.
        let is_told = ended.out.starts_with("command_failed: x: no ") || ended.out == "ok null\n";
        assert!(is_told || ended.code > 0, "{most}: {} {}", ended.out, ended.err);
    }
}

/// What every task that prints says, with nothing to say it on.
const PRINTS: [&[&str]; 12] = [
    &["-p", "1"],
    &["-p", "[1]"],
    &["-e", "console.log(1)"],
    &["-e", "for (;;) console.log(1)"],
    &["--json", "-p", "1"],
    &["--json", "missing.js"],
    &["--help"],
    &["--version"],
    &["man"],
    &["completions", "bash"],
    &["doctor"],
    &["bench", "--rounds", "1", "--threads", "1"],
];

#[test]
fn a_standard_output_that_is_closed_is_an_error() {
    for arguments in PRINTS {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" >&-", BELLJAR]).args(arguments).stdin(Stdio::null());
        let ended = end(command);
        assert!(matches!(ended.code, 2 | 5), "{arguments:?}: {} {}", ended.code, ended.err);
        assert!(ended.code == 5 || arguments.contains(&"missing.js"), "{arguments:?}: {}", ended.err);
        let says = if arguments.contains(&"missing.js") { "missing.js cannot be read" } else { "cannot be written" };
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
        assert!(ended.code == 2 || ended.err.contains("Bad file descriptor"), "{arguments:?}: {}", ended.err);
    }
    for (input, arguments) in [("{\"eval\": \"1\"}\n", &["json"][..]), ("1 + 1\n", &["repl"])] {
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" >&-", BELLJAR])
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"), "{arguments:?}");
    }
}

#[test]
fn a_standard_output_that_is_full_is_an_error() {
    // Only Linux has a device that is always full.
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else { return };
    for arguments in PRINTS {
        let output = belljar().args(arguments).stdout(full.try_clone().unwrap()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        let is_missing = arguments.contains(&"missing.js");
        assert_eq!(output.status.code(), Some(if is_missing { 2 } else { 5 }), "{arguments:?}: {err}");
        assert!(err.contains(if is_missing { "cannot be read" } else { "cannot be written" }), "{arguments:?}: {err}");
    }
}

/// That a closed output is told from one that somebody throws away, in whichever way.
#[test]
fn an_output_that_is_thrown_away_is_no_error() {
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script, BELLJAR]).stdin(Stdio::null());
        let ended = end(command);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{script}");
    };
    shell("exec \"$0\" -p 1 > /dev/null");
    // As Python, Node and a daemon open it.
    shell("exec \"$0\" -p 1 <> /dev/null >&0");
    shell("exec \"$0\" -p 1 1<> /dev/null");
    // Nothing to print, and nothing that it could be printed on.
    shell("exec \"$0\" -e 1 >&-");
    let out = folder("scarce_quiet").join("out");
    shell(&format!("exec \"$0\" compile -e 1 -o '{}' >&-", out.to_str().unwrap()));
    shell(&format!("exec \"$0\" snapshot -e 1 -o '{}' >&- <&-", out.to_str().unwrap()));
    let python = "import subprocess as s, sys\nsys.exit(s.call([sys.argv[1], '-p', '1'], stdout=s.DEVNULL))";
    assert!(Command::new("python3").args(["-c", python, BELLJAR]).status().expect("python3 is installed").success());
}

#[test]
fn a_standard_input_that_is_closed_is_no_empty_script() {
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" - <&-", BELLJAR]);
    let ended = end(command);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("standard input cannot be read: Bad file descriptor"), "{}", ended.err);
    assert_eq!(run(&["-"]).code, 0, "one that is empty is an empty script");
}
