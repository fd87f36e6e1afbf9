//! What the command says about itself and about the machine: help, manual, completions, doctor, bench.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{BELLJAR, belljar, end, folder, golden, refuses, run, write};

#[test]
fn completions_name_the_tasks_in_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(script.out.contains("snapshot") && script.out.contains("max-cpu-ms"), "{shell}");
    }
    refuses(&["completions", "tcsh"], 2, "tcsh");
}

#[test]
fn a_reader_that_leaves_early_is_no_failure_of_any_task() {
    for arguments in [&["man"][..], &["completions", "bash"], &["doctor"], &["--help"], &["bench", "--rounds", "1"]] {
        let mut child = belljar()
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn help_is_what_it_was() {
    golden("help.txt", &run(&["--help"]).out);
}

/// Each example of the help runs, and ends as it says.
#[test]
fn the_examples_of_the_help_run() {
    let folder = folder("help");
    write(&folder, "script.js", "console.log(1)");
    write(&folder, "rules.js", "const price = n => n * 2.5");
    let bin = std::path::Path::new(BELLJAR).parent().unwrap().to_str().unwrap();
    let help = run(&["--help"]).out;
    let examples = help.split("Examples:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut count = 0;
    for example in examples.lines() {
        let (command, says) = example.trim().split_once("  ").unwrap_or((example.trim(), ""));
        let quick = command.replace("belljar bench", "belljar bench --rounds 5");
        let mut shell = Command::new("sh");
        shell.args(["-c", &quick]).current_dir(&folder).stdin(std::process::Stdio::null());
        shell.env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()));
        let ended = end(shell);
        let expected = if says.contains("exit code 3") { 3 } else { 0 };
        assert_eq!(ended.code, expected, "{command}: {}", ended.err);
        count += 1;
    }
    assert!(count >= 8, "{examples}");
}

#[test]
fn every_task_has_a_manual_page() {
    for task in ["run", "repl", "compile", "snapshot", "inspect", "json", "bench", "doctor", "man", "completions"] {
        let page = run(&["man", task]);
        assert_eq!(page.code, 0);
        assert!(page.out.contains(&format!(".TH belljar-{task} 1  \"belljar 0.1.0\"")), "{}", page.out);
    }
    let page = run(&["man"]).out;
    assert!(page.contains(".TH belljar 1") && page.contains("max\\-cpu\\-ms") && page.contains("Exit codes"), "{page}");
    assert!(page.contains("[\\-\\-max\\-cpu\\-ms MS]") && page.contains("[\\-e CODE]"), "{page}");
    assert!(page.contains("[FILE [ARGUMENTS]...]"), "{page}");
    assert!(run(&["man", "snapshot"]).out.contains("belljar snapshot\\fR \\-o OUT [\\-e CODE]"));
    refuses(&["man", "nothing"], 2, "there is no task nothing");
}

#[test]
fn the_doctor_says_what_each_finding_means() {
    let ended = run(&["doctor", "--json"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let findings: Vec<Value> = serde_json::from_str(&ended.out).expect("it is JSON");
    let names: Vec<_> = findings.iter().map(|finding| finding["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "belljar",
            "guest",
            "build",
            "engine",
            "JavaScript",
            "processor",
            "address space",
            "pooling",
            "fresh memory",
            "copy-on-write",
            "kernel"
        ]
    );
    for finding in &findings {
        assert!(!finding["value"].as_str().unwrap().is_empty() && !finding["means"].as_str().unwrap().is_empty());
        // Who is told that something is missing is told how to get it.
        assert_eq!(finding["state"] == "poor", finding.get("advice").is_some(), "{finding}");
    }
    // What works was tried out, and not read off the version of the kernel.
    let fresh = findings.iter().find(|finding| finding["name"] == "fresh memory").unwrap();
    assert!(!cfg!(target_os = "linux") || fresh["value"].as_str().unwrap().contains("tried out"), "{fresh}");
    let guest = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime-guest/guest.wasm")).unwrap();
    let checksum: String =
        <sha2::Sha256 as sha2::Digest>::digest(guest).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(findings[1]["value"], checksum);
    let page = run(&["doctor"]).out;
    assert!(names.iter().all(|name| page.contains(name)) && page.contains(&checksum), "{page}");
}

#[test]
fn the_doctor_sees_that_address_space_is_short() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 20000000 && \"$0\" doctor", BELLJAR]);
    let ended = end(shell);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.contains("limited to 0.0 TB, room for 4 instances at once")
            && ended.out.contains("To get it: ulimit -v"),
        "{}",
        ended.out
    );
}

#[test]
fn the_bench_measures_every_part_of_a_jar() {
    let ended = run(&["bench", "--json", "--rounds", "30", "--threads", "2"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "a progress bar is for terminals");
    let report: Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let names: Vec<_> = report["times"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["cold start", "create", "eval", "drop", "warm eval", "rpc", "rpc, async", "dispatch"]);
    for row in report["times"].as_array().unwrap() {
        assert_eq!(row["rounds"], 30, "{row}");
        let number = |name: &str| row[name].as_u64().unwrap();
        assert!(number("minNs") <= number("medianNs") && number("medianNs") <= number("p99Ns"), "{row}");
        let counted: u64 = row["histogram"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(counted, 30);
    }
    assert_eq!(report["throughput"][1]["threads"], 2);
    assert!(report["fuel"].as_u64().unwrap() > 0);
    let table = run(&["bench", "--rounds", "5", "--threads", "1"]).out;
    assert!(table.starts_with("                 median        p99"), "{table}");
    assert!(table.contains("\nmemory of an instance") && table.contains("1 thread: "), "{table}");
}

#[test]
fn the_bench_takes_a_script_of_ones_own() {
    let folder = folder("bench");
    let script = write(&folder, "rules.js", "var m = new Map(); await host.rpc('echo', 1); m");
    let program = folder.join("rules.jar").to_str().unwrap().to_owned();
    assert_eq!(run(&["compile", &script, "-o", &program]).code, 0);
    for file in [&script, &program] {
        let ended = run(&["bench", "--json", "--rounds", "2", "--rpc", "echo=cat", file]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        let report: Value = serde_json::from_str(&ended.out).expect("it is JSON");
        assert_eq!((&report["script"], &report["times"][4]["name"]), (&Value::from(file.as_str()), &"compiled".into()));
    }
    let bad = write(&folder, "bad.js", "null.x");
    refuses(&["bench", &bad], 1, "bad.js:1:1");
    refuses(&["bench", &bad, "--rounds", "0"], 2, "--rounds");
    refuses(&["bench", "/nowhere.js"], 2, "cannot be read");
}

#[test]
fn whoever_wants_to_watch_is_told_of_calls() {
    let quiet = run(&["-e", "1"]);
    assert_eq!(quiet.err, "");
    let told = run(&["-v", "-e", "await host.rpc('x', 'secret')", "--rpc", "x=cat"]);
    assert!(told.err.contains("op=Eval") && told.err.contains("method=\"x\""), "{}", told.err);
    assert!(!told.err.contains("secret"), "values stay out of it: {}", told.err);
    let mut command = belljar();
    command.args(["-e", "1"]).env("BELLJAR_LOG", "debug");
    assert!(end(command).err.contains("code=\"ok\""));
    let mut command = belljar();
    command.args(["-e", "1"]).env("BELLJAR_LOG", "loud");
    assert_eq!(end(command).code, 2);
}
