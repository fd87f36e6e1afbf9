//! Calls that a script makes and does not await: they are waited for, and those that a limit cuts off are named.

use serde_json::{Value, json};

use crate::lines::Talk;
use crate::support::{feed, folder, run};

const SENDS: &str = "host.rpc('send', 1); host.rpc('send', 2); 'done'";

/// Longer than any test waits.
const HANGS: &str = "send=sleep 1000";

#[test]
fn a_call_that_nobody_awaits_is_run_to_its_end() {
    let sent = folder("dropped_not").join("sent");
    let send = format!("send=sleep 0.2; cat >> '{}'; echo 1", sent.display());
    let ended = run(&["-p", SENDS, "--rpc", &send]);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "done\n", ""));
    let mut sent: Vec<_> = std::fs::read_to_string(&sent).unwrap().lines().map(str::to_owned).collect();
    sent.sort_unstable();
    assert_eq!(sent, ["1", "2"]);
    let report: Value = serde_json::from_str(&run(&["--json", "-p", SENDS, "--rpc", "send=cat"]).out).unwrap();
    assert_eq!((&report["value"], report.get("droppedCalls")), (&json!("done"), None));
    assert_eq!((&report["stats"]["rpcCalls"], &report["stats"]["droppedCalls"]), (&json!(2), &json!(0)));
}

#[test]
fn a_call_that_a_limit_cuts_off_is_named() {
    let flags = ["--rpc", HANGS, "--max-wall-ms", "100"];
    let out = folder("dropped_named").join("out").to_str().unwrap().to_owned();
    for task in [&["-p"][..], &["-e"], &["snapshot", "-o", &out, "-e"]] {
        let ended = run(&[task, &[SENDS], &flags].concat());
        assert_eq!((ended.code, ended.out.as_str()), (3, ""), "{task:?}");
        assert!(ended.err.contains("--max-wall-ms (wall_time) raises it\n"), "{}", ended.err);
        assert!(ended.err.ends_with("\nbelljar: cut off without an answer: send, send\n"), "{}", ended.err);
    }
    let ended = run(&[&["--stats", "-e", SENDS], &flags[..]].concat());
    assert!(ended.err.contains("calls of handlers  2, 2 of them cut off\n"), "{}", ended.err);
    let ended = run(&[&["--json", "-e", SENDS], &flags[..]].concat());
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.code, ended.err.as_str()), (3, ""));
    assert_eq!((&report["droppedCalls"], &report["stats"]["droppedCalls"]), (&json!(["send", "send"]), &json!(2)));
    // What was answered is not named, nor is what an earlier call left.
    let input = format!("{SENDS}\nawait host.rpc('cat', 1)\n1 + 2\n");
    let ended = feed(&[&["repl", "--rpc", "cat=cat"], &flags[..]].concat(), input.as_bytes());
    assert_eq!(ended.err.matches("belljar: cut off without an answer: send, send\n").count(), 1, "{}", ended.err);
    assert_eq!(ended.out, "1\n3\n");
}

/// The script chooses the name, and a terminal would obey it.
#[test]
fn the_name_of_a_call_that_was_cut_off_is_escaped() {
    let mut talk = Talk::begin(&["json", "--rpc-all", "-", "--max-wall-ms", "300"]);
    let line = talk.ask(r#"{"eval": "host.rpc('\\x1b[2J\\n'); 1"}"#);
    assert_eq!(line["rpc"]["method"], "\u{1b}[2J\n");
    let line = talk.hear();
    let name = line["droppedCalls"][0].as_str().unwrap();
    assert!(name.contains("[2J") && !name.contains(char::is_control), "{line}");
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn an_answer_of_json_lines_names_what_was_cut_off() {
    let mut talk = Talk::begin(&["json", "--rpc", HANGS, "--rpc", "cat=cat", "--max-wall-ms", "100"]);
    let line = talk.ask(&json!({ "id": 1, "eval": SENDS }).to_string());
    assert_eq!(line["error"]["code"], "wall_limit_exceeded");
    assert_eq!((&line["droppedCalls"], &line["stats"]["droppedCalls"]), (&json!(["send", "send"]), &json!(2)));
    let line = talk.ask(&json!({ "eval": "host.rpc('cat', 1); 'done'" }).to_string());
    assert_eq!((&line["result"], line.get("droppedCalls")), (&json!("done"), None));
    assert_eq!(talk.end(), Some(0));
}
