//! What a line of the protocol may make of itself, and how much of them may wait.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::BELLJAR;

/// A process that is talked to line by line.
pub(crate) struct Talk {
    child: std::process::Child,
    answers: std::io::BufReader<std::process::ChildStdout>,
}

impl Talk {
    pub(crate) fn begin(arguments: &[&str]) -> Talk {
        let mut child =
            Command::new(BELLJAR).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = std::io::BufReader::new(child.stdout.take().unwrap());
        Talk { child, answers }
    }

    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.write_all(b"\n")).unwrap();
    }

    pub(crate) fn hear(&mut self) -> Value {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut self.answers, &mut line).unwrap();
        serde_json::from_str(&line).expect("lines are JSON")
    }

    pub(crate) fn ask(&mut self, line: &str) -> Value {
        self.say(line);
        self.hear()
    }

    /// The most memory that the process has held, in megabytes.
    #[cfg(target_os = "linux")]
    fn most_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() >> 10
    }

    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code()
    }
}

/// The bytes of a snapshot that stands for so many megabytes and weighs a hundredth of them.
#[cfg(target_os = "linux")]
fn bomb(sound: &[u8], megabytes: usize) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let (header, body) = (&sound[..44], &sound[76..]);
    let length = usize::try_from(u64::from_le_bytes(body[..8].try_into().unwrap())).unwrap();
    let mut index: Value = serde_json::from_slice(&body[8..8 + length]).unwrap();
    let pages = megabytes << 8;
    index["memory_bytes"] = (pages << 12).into();
    index["pages"] = (0..pages).collect::<Vec<_>>().into();
    let index = serde_json::to_vec(&index).unwrap();
    let left = (pages << 12) - 1 - 19 - 5;
    let mut packed = vec![0x1f, 0, 1, 0];
    packed.resize(4 + left / 255, 255);
    packed.extend([(left % 255) as u8, 0x50, 0, 0, 0, 0, 0]);
    let body = [&(index.len() as u64).to_le_bytes(), index.as_slice(), packed.as_slice()].concat();
    let checksum = Sha256::new().chain_update(header).chain_update(&body).finalize();
    [header, checksum.as_slice(), body.as_slice()].concat()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hostile_line_makes_little_of_itself() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    const LINE: usize = 10 << 20;
    let mut talk = Talk::begin(&["json"]);
    assert_eq!(talk.ask(r#"{"eval": "var a = 1"}"#)["result"], Value::Null);
    let sound = talk.ask(r#"{"snapshot": true}"#)["result"].as_str().unwrap().to_owned();
    let bomb = base64.encode(bomb(&base64.decode(sound).unwrap(), 700));
    assert!((LINE / 3..LINE - 100).contains(&bomb.len()), "{} bytes", bomb.len());
    let names = (0..LINE / 12).map(|n| format!("\"{n:x}\":1")).collect::<Vec<_>>().join(",");
    let lines = [
        ("a list for a label", format!(r#"{{"snapshot": [{}1]}}"#, "1,".repeat(LINE / 2 - 20))),
        ("objects for a label", format!(r#"{{"snapshot": {{"label": [{}{{}}]}}}}"#, "{},".repeat(LINE / 3 - 20))),
        ("many limits", format!(r#"{{"limits": {{{names}}}}}"#)),
        ("a limit with a long name", format!(r#"{{"limits": {{"{}": 1}}}}"#, "x".repeat(LINE - 100))),
        ("an instance with a long name", format!(r#"{{"instance": "{}", "eval": "1"}}"#, "x".repeat(LINE - 100))),
        (
            "answers to many calls",
            format!(
                r#"{{"resume": {{"answers": [{}{{"id": 1}}]}}}}"#,
                r#"{"id":"00c0ffee00c0ffee-7"},"#.repeat(LINE / 28 - 20)
            ),
        ),
        ("a field with a long name", format!(r#"{{"{}": 1}}"#, "x".repeat(LINE - 100))),
        ("a snapshot that is larger than it looks", format!(r#"{{"restore": "{bomb}"}}"#)),
    ];
    for (what, line) in &lines {
        let before = talk.most_megabytes();
        let answer = talk.ask(line);
        let expected = if line.contains("restore") { "limit_too_low" } else { "invalid_input" };
        assert_eq!(answer["error"]["code"], expected, "{what}");
        assert!(answer.to_string().len() < 1000, "{what}: {} bytes", answer.to_string().len());
        let taken = talk.most_megabytes() - before;
        assert!(taken < 64, "{what}: {taken} MB");
    }
    // What is asked for within bounds is done.
    assert_eq!(talk.ask(r#"{"limits": {"maxCpuMs": 100, "maxFuel": null}}"#)["result"]["maxCpuMs"], 100);
    assert!(talk.ask(r#"{"snapshot": {"label": "x", "other": [1]}}"#)["result"].is_string());
    assert!(talk.ask(r#"{"snapshot": 7}"#)["error"].is_object());
    let name = "x".repeat(1024);
    assert_eq!(talk.ask(&format!(r#"{{"instance": "{name}", "eval": "1 + 2"}}"#))["result"], 3);
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn requests_over_what_may_wait_are_refused_at_once_and_the_reply_behind_them_is_found() {
    let mut talk = Talk::begin(&["json", "--rpc-all", "-"]);
    assert_eq!(talk.ask(r#"{"id": "first", "eval": "await host.rpc('ask')"}"#)["rpc"]["method"], "ask");
    let large = "A".repeat(10_000_000);
    for id in 0..8 {
        talk.say(&format!(r#"{{"id": {id}, "restore": "{large}"}}"#));
    }
    // Six of ten megabytes may wait; the others hear so while the first is still at work.
    for id in [6, 7] {
        let refused = talk.hear();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!("invalid_input")));
        assert!(refused["error"]["message"].as_str().unwrap().contains("64 MiB"), "{refused}");
    }
    talk.say(r#"{"rpc_response": {"id": 1, "result": 7}}"#);
    let first = talk.hear();
    assert_eq!((&first["id"], &first["result"]), (&json!("first"), &json!(7)));
    for id in 0..6 {
        let answer = talk.hear();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!("invalid_snapshot")), "{answer}");
    }
    // They wait no longer, so there is room.
    assert_eq!(talk.ask(r#"{"eval": "1 + 2"}"#)["result"], 3);
    assert_eq!(talk.end(), Some(0));
}
