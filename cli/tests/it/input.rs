//! Input that cannot be: a clear message, the right exit code, and no stack of Rust.

use std::fs;

use sha2::{Digest as _, Sha256};

use crate::support::{belljar, end, folder, golden, prints, refuses, run, secret, write};

#[test]
fn what_cannot_be_is_refused() {
    let folder = folder("bad");
    let text = folder.to_str().unwrap();
    let binary = write(&folder, "binary", [0xff, 0xfe, 0]);
    let program = write(&folder, "program", b"belljarP and then nothing");
    let snapshot = write(&folder, "snapshot", b"belljarS and then nothing");
    refuses(&[&format!("{text}/missing.js")], 2, "cannot be read");
    refuses(&[text], 2, "is a folder");
    refuses(&[&binary], 2, "not UTF-8");
    refuses(&[&program], 2, "program: not a program of this build: it is shorter");
    refuses(&["inspect", &program], 2, "program: not a program of this build: it is shorter");
    refuses(&["inspect", &binary], 2, "neither");
    refuses(&["run", "--from", &snapshot, "-e", "1"], 2, "snapshot: not a snapshot of this build: it is shorter");
    refuses(&["-p", "1", "--max-fuel", "0"], 2, "--max-fuel");
    refuses(&["-p", "1", "--max-heap-mb", "1000000"], 2, "--max-heap-mb");
    refuses(&["-p", "1", "--nonsense"], 2, "--nonsense");
    refuses(&["-p", "1", "-e", "2"], 2, "cannot be used with");
    refuses(&["-p", "1", "--clock", "tomorrow"], 2, "1970");
    refuses(&["-p", "1", "--rpc", "nothing"], 2, "NAME=COMMAND");
    refuses(&["-p", "1", "--rpc", "a=cat", "--rpc", "a=cat"], 2, "twice");
    refuses(&["--stats"], 2, "no script");
    refuses(&["run"], 2, "no script");
    refuses(&["-e", "1", "--rpc-all", "-"], 2, "--json");
    let ended = run(&["--json", "--rpc-all", "-", "-"]);
    assert!(ended.code == 2 && ended.out.contains("standard input"), "{}", ended.out);
    refuses(&["-e", "1", "--rpc-all", "elsewhere"], 2, "possible values: -");
}

#[test]
fn every_limit_keeps_to_its_range() {
    for flag in [
        "max-cpu-ms",
        "max-wall-ms",
        "max-fuel",
        "max-opcodes",
        "max-heap-mb",
        "max-memory-mb",
        "max-stack-kb",
        "max-rpc",
        "max-pending-rpc",
        "max-message-mb",
        "max-source-mb",
        "max-console-kb",
    ] {
        for value in ["0", "-1", "99999999999999999999999", "1.5", "many", ""] {
            refuses(&["-p", "1", &format!("--{flag}={value}")], 2, &format!("--{flag}"));
        }
        let program = run(&["-p", "1", &format!("--{flag}=1")]);
        assert_ne!(program.code, 5, "one, or less than is allowed: {}", program.err);
        assert!(!program.err.contains("panicked"), "{}", program.err);
    }
}

/// What users get wrong most, word for word.
#[test]
fn a_refusal_says_what_to_do() {
    let cases: [&[&str]; 22] = [
        &["missing.js"],
        &["-p", "1", "-e", "2"],
        &["-p", "1", "--max-cpu-ms", "0"],
        &["-p", "1", "--max-heap-mb", "99999"],
        &["-p", "1", "--nonsense"],
        &["-p", "1", "--max-cpu"],
        &["-p", "1", "--rpc", "add"],
        &["-p", "1", "--clock", "tomorrow"],
        &["-p", "for (;;) {}", "--max-cpu-ms", "10"],
        &["-e", "throw 'a string'"],
        &["-e", "await new Promise(() => {})"],
        &["--json", "run"],
        &["compile", "-e", "1"],
        &["bench", "--rounds", "0"],
        &["snapsot", "rules.js", "-o", "rules.jar"],
        &["one.js", "two.js"],
        &["-p", "1", "--max-cpu-ms", "-5"],
        &["-p", "1", "--max-stack-kb", "15"],
        &["-p", "1", "--key-file", "missing"],
        &["-e", "await host.rpc('a'); await host.rpc('a')", "--rpc", "a=cat", "--max-rpc", "1"],
        &["-e", "await host.rpc('a')"],
        &["-p", "1 +"],
    ];
    let mut text = String::new();
    for arguments in cases {
        let ended = run(arguments);
        text += &format!("$ belljar {}\n{}{}exit code {}\n\n", arguments.join(" "), ended.out, ended.err, ended.code);
    }
    golden("refusals.txt", &text);
}

#[test]
fn a_number_below_zero_is_told_from_a_flag() {
    for flag in ["--max-cpu-ms", "--max-heap-mb", "--seed"] {
        let ended = run(&["-p", "1", flag, "-5"]);
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains(&format!("invalid value '-5' for '{flag}")), "{}", ended.err);
        assert!(!ended.err.contains("-- -5"), "{}", ended.err);
    }
    refuses(&["bench", "--rounds", "-5"], 2, "--rounds");
}

#[test]
fn a_word_that_is_nearly_a_task_is_told_from_a_missing_file() {
    refuses(&["snapsot"], 2, "did you mean the task: belljar snapshot");
    refuses(&["compil", "a.js", "-o", "b"], 2, "did you mean the task: belljar compile");
    refuses(&["snapsot.js"], 2, "cannot be read");
    refuses(&["--stats", "doctor"], 2, "a task comes before the flags: belljar doctor");
    let folder = folder("words");
    write(&folder, "benc", "console.log('a file')");
    let mut command = belljar();
    command.current_dir(&folder).arg("benc");
    assert_eq!(end(command).out, "a file\n");
}

#[test]
fn a_json_report_tells_what_did_not_begin_too() {
    let folder = folder("reports");
    let damaged = write(&folder, "damaged", b"belljarS and then nothing");
    for (arguments, code, word) in [
        (&["--json", "missing.js"][..], "usage", "missing.js cannot be read"),
        (&["--json", folder.to_str().unwrap()], "usage", "is a folder"),
        (&["-p", "1", "--max-cpu-ms", "0"], "usage", "--max-cpu-ms"),
        (&["-p", "1", "--nonsense"], "usage", "--nonsense"),
        (&["-p", "1", "--from", &damaged], "invalid_snapshot", "damaged: "),
        (&["-p", "1", "--key-file", "missing"], "usage", "missing cannot be read"),
        (&["inspect", "missing"], "usage", "missing cannot be read"),
        (&["bench", "missing"], "usage", "missing cannot be read"),
    ] {
        let flag: &[&str] = if arguments.contains(&"--json") { &[] } else { &["--json"] };
        let ended = run(&[arguments, flag].concat());
        assert_eq!((ended.code, ended.err.as_str()), (2, ""), "{arguments:?}");
        let report: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
        assert_eq!((&report["ok"], &report["error"]["code"]), (&false.into(), &code.into()), "{report}");
        assert_eq!(report["error"]["blame"], "caller");
        assert!(report["error"]["message"].as_str().unwrap().contains(word), "{report}");
    }
    let bad = write(&folder, "bad.js", "null.x");
    let ended = run(&["bench", "--json", &bad]);
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!((ended.code, &report["error"]["code"]), (1, &"js_error".into()));
}

#[test]
fn a_stack_that_runs_out_names_its_flag() {
    refuses(&["-e", "function f() { f() } f()"], 1, "belljar: --max-stack-kb (stack_bytes) raises the stack");
    refuses(&["-p", "1", "--max-stack-kb", "1"], 2, "1 is not in 16..=4096");
    refuses(&["-p", "1", "--max-memory-mb", "2"], 2, "2 is not in 3..=4096");
    prints(&["-p", "[2, 1].sort((a, b) => a - b).map(String)", "--max-stack-kb", "16"], "[ \"1\", \"2\" ]\n");
}

#[test]
fn short_address_space_is_told_with_what_a_shell_can_do() {
    for arguments in ["-p 1", "bench"] {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("ulimit -v 400000 && \"$0\" {arguments}"), crate::support::BELLJAR]);
        let ended = end(shell);
        assert_eq!(ended.code, 5, "{}", ended.err);
        assert!(ended.err.contains("ulimit -v") && !ended.err.contains("on_demand"), "{}", ended.err);
    }
}

#[test]
fn a_file_of_another_build_is_told_from_a_damaged_one() {
    let folder = folder("builds");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    prints(&["compile", "-e", "1", "-o", &path("program")], "");
    prints(&["snapshot", "-e", "1", "-o", &path("snapshot")], "");

    // Another identity, and a checksum that fits it: what another build would have written.
    let mut program = fs::read(path("program")).unwrap();
    program[16] ^= 1;
    let checksum = Sha256::new().chain_update(&program[..56]).chain_update(&program[88..]).finalize();
    program[56..88].copy_from_slice(&checksum);
    let program = write(&folder, "other-program", program);
    refuses(&[&program], 2, "other-program: not a program of this build: it was compiled for the guest ");
    assert!(run(&["inspect", &program]).out.contains("another one: it does not run here"));
    let mut snapshot = fs::read(path("snapshot")).unwrap();
    snapshot[12] ^= 1;
    let checksum = Sha256::new().chain_update(&snapshot[..44]).chain_update(&snapshot[76..]).finalize();
    snapshot[44..76].copy_from_slice(&checksum);
    let snapshot = write(&folder, "other-snapshot", snapshot);
    refuses(
        &["--from", &snapshot, "-p", "1"],
        2,
        "other-snapshot: not a snapshot of this build: it was taken from the guest ",
    );
    assert!(run(&["inspect", &snapshot]).out.contains("another one: it does not run here"));

    for (name, arguments) in [("program", &["run"][..]), ("snapshot", &["-p", "1", "--from"][..])] {
        let whole = fs::read(path(name)).unwrap();
        for length in [8, 20, 60, 90, whole.len() - 1] {
            let cut = write(&folder, "cut", &whole[..length]);
            refuses(&[arguments, &[cut.as_str()]].concat(), 2, "cut: not a ");
        }
        for at in [9, 50, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            let damaged = write(&folder, "damaged", bytes);
            refuses(&[arguments, &[damaged.as_str()]].concat(), 2, "damaged: not a ");
        }
    }
}

#[test]
fn a_command_that_cannot_answer_is_a_rejection_with_a_reason() {
    let reason = |command: &str| {
        let route = format!("x={command}");
        let code = "const e = await host.rpc('x', 1).catch(e => e); `${e.code}: ${e.message}`";
        let ended = run(&["-p", code, "--rpc", &route, "--max-message-mb", "1"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.out
    };
    assert_eq!(reason("no-such-command 2>&-"), "command_failed: x: the shell does not find the command\n");
    assert_eq!(reason("exit 7"), "command_failed: x: the command ended with exit status: 7\n");
    assert_eq!(reason("kill -9 $$"), "command_failed: x: the command ended with signal: 9 (SIGKILL)\n");
    assert!(reason("echo nonsense").starts_with("invalid_reply: x: the command did not print JSON: "));
    assert!(reason("echo 1 2").starts_with("invalid_reply: "));
    assert!(reason("printf '\\377'").starts_with("invalid_reply: "));
    assert!(reason("head -c 2000000 /dev/zero").starts_with("message_too_large: "));
    refuses(&["-e", "await host.rpc('y')", "--rpc", "x=cat"], 1, "y");
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full");
    for arguments in
        [&["-e", "for (;;) console.log(1)"][..], &["-p", "'text'"], &["-p", "[1]"], &["--json", "-p", "1"], &["man"]]
    {
        // Only Linux has a device that is always full.
        let Ok(full) = full() else { return };
        let output = std::process::Command::new(crate::support::BELLJAR).args(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"), "{arguments:?}");
    }
}

#[test]
fn a_key_that_is_none_is_refused() {
    let folder = folder("keys");
    for key in ["", "short", &"g".repeat(64), &"a".repeat(66)] {
        let file = secret(&folder, "key", key);
        refuses(&["snapshot", "-e", "1", "-o", "never", "--key-file", &file], 2, "64 hexadecimal digits");
    }
    refuses(&["snapshot", "-e", "1", "-o", "never", "--key-file", "/nowhere"], 2, "cannot be read");
    // Even where none is needed.
    refuses(&["-p", "1", "--key-file", "/nowhere"], 2, "cannot be read");
    let mut command = belljar();
    command.args(["-p", "1"]).env("BELLJAR_KEY", "short");
    assert!(end(command).err.contains("BELLJAR_KEY holds no key"));
    assert!(run(&["--help"]).out.to_lowercase().contains("belljar_key") && !run(&["--help"]).out.contains("--key "));
}
