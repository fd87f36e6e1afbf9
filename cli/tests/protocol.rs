//! The JSON lines protocol, by hand and through the clients that its page shows.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs, reason = "what cannot be started is a failed test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const BELLJAR: &str = env!("CARGO_BIN_EXE_belljar");

/// Everything in, everything out, and how it ended.
fn talk(arguments: &[&str], input: &[u8]) -> (Option<i32>, Vec<Value>) {
    let mut child = Command::new(BELLJAR)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let lines = String::from_utf8(output.stdout).expect("lines are UTF-8");
    (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).expect("lines are JSON")).collect())
}

fn answers(input: &str) -> Vec<Value> {
    let (code, lines) = talk(&["json"], input.as_bytes());
    assert_eq!(code, Some(0));
    lines
}

#[test]
fn it_begins_by_itself_when_no_script_is_named() {
    let (code, lines) = talk(&[], b"{\"eval\": \"1 + 2\"}");
    assert_eq!((code, lines.len(), &lines[0]["result"]), (Some(0), 1, &json!(3)));
    assert!(lines[0]["stats"]["fuel"].as_u64().unwrap() > 0);
    assert_eq!(talk(&["--max-cpu-ms", "20"], b"{\"eval\": \"for (;;) {}\"}").1[0]["error"]["blame"], "limits");
    assert_eq!(talk(&[], b""), (Some(0), vec![]));
}

#[test]
fn one_jar_answers_in_order_and_repeats_the_id() {
    let lines = answers(concat!(
        "{\"id\": 1, \"eval\": \"let n = 1; host.on('add', m => n += m)\"}\n",
        "{\"id\": {\"any\": [\"thing\"]}, \"dispatch\": {\"name\": \"add\", \"params\": 4}}\n\n",
        "{\"eval\": \"console.warn('w'); await n\"}\n",
        "{\"id\": \"r\", \"reset\": true}\n",
        "{\"eval\": \"typeof n\"}\n",
        "{\"dispatch\": {\"name\": \"add\"}}\n",
    ));
    assert_eq!(lines.len(), 6);
    assert_eq!((&lines[0]["id"], &lines[1]["id"]), (&json!(1), &json!({ "any": ["thing"] })));
    assert_eq!((&lines[1]["result"], &lines[2]["result"]), (&json!(5), &json!(5)));
    assert_eq!(lines[2]["logs"], json!([{ "level": "warn", "text": "w" }]));
    assert_eq!(lines[3], json!({ "id": "r", "result": null }));
    assert_eq!(lines[4]["result"], "undefined");
    assert_eq!(lines[5]["error"]["errorCode"], "no_such_event");
}

#[test]
fn a_script_that_throws_gets_its_error_back() {
    let lines = answers("{\"name\": \"a.js\", \"eval\": \"null.x\"}\n");
    let error = &lines[0]["error"];
    assert_eq!(
        (&error["errorCode"], &error["name"], &error["blame"]),
        (&json!("js_error"), &json!("TypeError"), &json!("script"))
    );
    assert!(error["stack"].as_str().unwrap().contains("a.js:1"));
}

#[test]
fn a_bad_line_gets_an_error_and_the_stream_goes_on() {
    let bad: [&[u8]; 8] = [
        b"nonsense",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"{\"eval\": 5}",
        b"{\"eval\": \"1\", \"reset\": true}",
        b"{\"unknown\": 1}",
        b"{\"rpc_response\": {\"id\": 9, \"result\": 1}}",
    ];
    let input = [&bad.join(&b'\n')[..], b"\n{\"eval\": \"1 + 2\"}\n{\"eval\": \"1 +"].concat();
    let (code, lines) = talk(&["json"], &input);
    assert_eq!((code, lines.len()), (Some(0), bad.len() + 2));
    for line in lines.iter().take(bad.len()).chain(lines.last()) {
        assert_eq!(line["error"]["errorCode"], "invalid_input", "{line}");
    }
    assert_eq!(lines[bad.len()]["result"], 3);
}

#[test]
fn a_line_may_have_ten_megabytes_and_not_a_byte_more() {
    let line = |length: usize| {
        let frame = "{\"eval\": \"''\"}".len();
        format!("{{\"eval\": \"'{}'\"}}\n", "x".repeat(length - frame))
    };
    let input = [line((10 << 20) + 1), "{\"eval\": \"1 + 2\"}\n".into()].concat();
    let lines = answers(&input);
    assert_eq!((&lines[0]["error"]["errorCode"], &lines[1]["result"]), (&json!("invalid_input"), &json!(3)));
    let lines = answers(&line(10 << 20));
    assert!(lines[0]["result"].as_str().unwrap().len() > 10_000_000);
}

#[test]
fn a_call_that_the_client_leaves_without_a_reply_fails() {
    let (code, lines) = talk(&["json", "--rpc-all", "-"], b"{\"eval\": \"host.rpc('ask', [1]).catch(e => e.code)\"}\n");
    assert_eq!((code, &lines[0]), (Some(0), &json!({ "rpc": { "id": 1, "method": "ask", "params": [1] } })));
    assert_eq!(lines[1]["result"], "client_gone");
}

#[test]
fn replies_are_found_behind_other_requests_and_in_any_order() {
    let input = concat!(
        "{\"eval\": \"(await Promise.all([host.rpc('a'), host.rpc('b').catch(e => e.code), host.rpc('own', 4)])).join()\"}\n",
        "{\"id\": 2, \"eval\": \"2\"}\n",
    );
    let mut child = Command::new(BELLJAR)
        .args(["json", "--rpc-all", "-", "--rpc", "own=cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()))
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(lines.next().unwrap()["rpc"]["method"], "a");
    assert_eq!(lines.next().unwrap()["rpc"]["method"], "b");
    stdin.write_all(b"{\"rpc_response\": {\"id\": 2, \"error\": {\"code\": \"no\", \"message\": \"n\"}}}\n").unwrap();
    stdin.write_all(b"{\"rpc_response\": {\"id\": 1, \"result\": 1}}\n").unwrap();
    assert_eq!(lines.next().unwrap()["result"], "1,no,4");
    assert_eq!(lines.next().unwrap()["id"], 2);
    drop(stdin);
    assert_eq!((lines.next(), child.wait().unwrap().code()), (None, Some(0)));
}

/// Runs a block of the protocol's page with an interpreter.
fn example(fence: &str, interpreter: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/JSON-PROTOCOL.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let code = page.split(&format!("```{fence}\n")).nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let flag = if interpreter == "node" { "-e" } else { "-c" };
    let bin = Path::new(BELLJAR).parent().unwrap().to_str().unwrap();
    let output = Command::new(interpreter)
        .args([flag, code])
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
        .output()
        .expect("the interpreter is installed");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn the_python_client_of_the_page_works() {
    assert_eq!(example("python", "python3"), "3\ncpu_limit_exceeded\n0\n");
}

#[test]
fn the_node_client_of_the_page_works() {
    assert_eq!(example("js", "node"), "3\ncpu_limit_exceeded\n0\n");
}
