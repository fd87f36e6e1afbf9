//! The JSON lines protocol, by hand and through the clients that its page shows.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::BELLJAR;

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
    assert_eq!(lines[3], json!({ "id": "r", "result": null, "text": "reset" }));
    assert_eq!(lines[4]["result"], "undefined");
    assert_eq!(lines[5]["error"]["code"], "no_such_event");
}

#[test]
fn a_value_without_a_json_form_is_inspected() {
    let lines = answers(concat!(
        "{\"id\": 1, \"inspect\": \"await new Map([[1, () => 2]])\"}\n",
        "{\"inspect\": \"_.get(1)()\"}\n",
        "{\"inspect\": \"'two\\\\nlines'\"}\n",
        "{\"inspect\": \"null.x\", \"name\": \"rules.js\"}\n",
        "{\"eval\": \"_\"}\n",
        "{\"instance\": \"other\", \"eval\": \"typeof _\"}\n",
    ));
    assert_eq!((&lines[0]["text"], &lines[0]["result"]), (&json!("Map { 1 => [Function] }"), &json!(null)));
    assert!(lines[0]["stats"]["fuel"].as_u64().unwrap() > 0);
    assert_eq!((&lines[1]["text"], &lines[2]["text"]), (&json!("2"), &json!("two\nlines")));
    assert!(lines[3]["error"]["stack"].as_str().unwrap().contains("rules.js:1"), "{}", lines[3]);
    assert_eq!((&lines[4]["result"], &lines[5]["result"]), (&json!("two\nlines"), &json!("undefined")));
}

#[test]
fn jars_have_names_and_share_nothing() {
    let lines = answers(concat!(
        "{\"eval\": \"var n = 1\"}\n",
        "{\"instance\": \"other\", \"eval\": \"typeof n\"}\n",
        "{\"instance\": \"other\", \"eval\": \"var n = 2\"}\n",
        "{\"eval\": \"n\"}\n",
        "{\"instance\": \"other\", \"drop\": true}\n",
        "{\"instance\": \"other\", \"drop\": true}\n",
        "{\"instance\": \"other\", \"eval\": \"typeof n\"}\n",
    ));
    let results: Vec<_> = lines.iter().map(|line| line["result"].clone()).collect();
    assert_eq!(results[1], "undefined");
    assert_eq!(results[3], 1);
    assert_eq!((&lines[4]["text"], &lines[5]["text"]), (&json!("dropped"), &json!("there was none")));
    assert_eq!(results[6], "undefined");
}

#[test]
fn there_are_so_many_jars_and_no_more() {
    let input: String = (0..256).map(|number| format!("{{\"instance\": \"{number}\", \"eval\": \"1\"}}\n")).collect();
    let lines = answers(&(input + "{\"eval\": \"2\"}\n"));
    assert!(lines[..255].iter().all(|line| line["result"] == 1));
    assert!(lines[255]["error"]["message"].as_str().unwrap().contains("256 instances"), "{}", lines[255]);
    assert_eq!(lines[256]["result"], 2);
}

#[test]
fn a_limit_changes_and_the_state_of_the_jar_stays() {
    let lines = answers(concat!(
        "{\"eval\": \"var n = 7\"}\n",
        "{\"limits\": {\"maxFuel\": 1000000, \"maxCpuMs\": 50}}\n",
        "{\"eval\": \"for (;;) {}\"}\n",
        "{\"limits\": {\"maxFuel\": null}}\n",
        "{\"eval\": \"for (;;) {}\"}\n",
        "{\"eval\": \"n\"}\n",
        "{\"limits\": {\"maxCpuMs\": 0}}\n",
        "{\"limits\": {\"maxNonsense\": 1}}\n",
        "{\"reset\": true}\n",
        "{\"eval\": \"typeof n\"}\n",
        "{\"limits\": {}}\n",
    ));
    assert_eq!((&lines[1]["result"]["maxFuel"], &lines[1]["result"]["maxCpuMs"]), (&json!(1_000_000), &json!(50)));
    assert_eq!(lines[2]["error"]["code"], "fuel_limit_exceeded");
    let told = lines[2]["error"]["message"].as_str().unwrap();
    assert!(told.contains("{\"limits\": {\"maxFuel\": …}} (fuel) raises it"), "{told}");
    assert_eq!(lines[3]["result"]["maxFuel"], Value::Null);
    assert_eq!(lines[4]["error"]["code"], "cpu_limit_exceeded");
    assert_eq!(lines[5]["result"], 7);
    let told = lines[6]["error"]["message"].as_str().unwrap();
    assert!(told.starts_with("invalid value '0' for maxCpuMs: 0 is not in 1.."), "{told}");
    assert!(
        lines[7]["error"]["message"].as_str().unwrap().contains("no limit maxNonsense; there are maxCpuMs, "),
        "{}",
        lines[7]
    );
    assert_eq!(lines[9]["result"], "undefined");
    assert_eq!(lines[10]["result"]["maxCpuMs"], 50, "a reset keeps limits");
}

/// What a first process answers is sent to a second one.
#[test]
fn a_program_and_a_snapshot_go_from_one_process_to_another() {
    let lines = answers(concat!(
        "{\"name\": \"sum.js\", \"compile\": \"var n = 20; await (n += 2)\"}\n",
        "{\"compile\": \"let = =\"}\n",
        "{\"eval\": \"let n = 40; host.on('more', m => n += m)\"}\n",
        "{\"snapshot\": {\"label\": \"forty\"}}\n",
    ));
    let (program, snapshot) = (lines[0]["result"].as_str().unwrap(), lines[3]["result"].as_str().unwrap());
    assert_eq!(lines[1]["error"]["name"], "SyntaxError");
    assert_eq!(lines[0].get("stats"), None);
    let lines = answers(&format!(
        concat!(
            "{{\"run\": \"{0}\"}}\n{{\"run\": \"{0}\"}}\n",
            "{{\"restore\": \"{1}\"}}\n{{\"dispatch\": {{\"name\": \"more\", \"params\": 2}}}}\n",
            "{{\"reset\": true}}\n{{\"eval\": \"n\"}}\n",
            "{{\"restore\": \"{0}\"}}\n{{\"run\": \"{1}\"}}\n{{\"run\": \"***\"}}\n{{\"restore\": \"\"}}\n"
        ),
        program, snapshot
    ));
    assert_eq!((&lines[0]["result"], &lines[1]["result"]), (&json!(22), &json!(22)));
    assert_eq!((&lines[2]["text"], &lines[3]["result"]), (&json!("restored"), &json!(42)));
    assert_eq!(lines[5]["result"], 40, "a reset goes back to the snapshot");
    let codes: Vec<_> = lines[6..].iter().map(|line| line["error"]["code"].clone()).collect();
    assert_eq!(codes, ["invalid_snapshot", "invalid_program", "invalid_input", "invalid_snapshot"]);
}

#[test]
fn stats_count_opcodes() {
    let lines = answers("{\"eval\": \"for (let i = 0; i < 100000; i++);\"}\n");
    let opcodes = lines[0]["stats"]["opcodes"].as_u64().unwrap();
    assert!(opcodes >= 100_000 && opcodes.is_multiple_of(10_000), "{opcodes}");
}

#[test]
fn calls_of_one_script_are_forwarded_too() {
    let script = "console.log('one'); await host.rpc('add', [1, 2]) + host.rpcSync('add', [3, 4])";
    let mut child = Command::new(BELLJAR)
        .args(["--json", "--rpc-all", "-", "-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()))
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    for _ in 0..2 {
        let call = lines.next().unwrap()["rpc"].clone();
        let sum = call["params"][0].as_i64().unwrap() + call["params"][1].as_i64().unwrap();
        let reply = json!({ "rpc_response": { "id": call["id"], "result": sum } });
        stdin.write_all(format!("nonsense\n{reply}\n").as_bytes()).unwrap();
    }
    let report = lines.next().unwrap();
    assert_eq!((&report["value"], &report["logs"][0]["text"]), (&json!(10), &json!("one")));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("a line is no rpc_response"));
}

/// Neither a client that dies in the middle of a line nor one that stops reading leaves a process behind.
#[test]
fn a_client_that_dies_mid_line_ends_the_process() {
    let client = "import subprocess, sys, os, signal\n\
        jar = subprocess.Popen([sys.argv[1], 'json'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n\
        jar.stdin.write(b'{\"eval\": \"1\"}\\n{\"eval\": \"2'); jar.stdin.flush()\n\
        jar.stdout.readline()\n\
        print(jar.pid, flush=True)\n\
        os.kill(os.getpid(), signal.SIGKILL)\n";
    let output = Command::new("python3").args(["-c", client, BELLJAR]).output().expect("python3 is installed");
    assert_eq!(output.status.code(), None, "the client was killed");
    let pid = String::from_utf8(output.stdout).unwrap().trim().parse::<i32>().expect("the client started a jar");
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // The process ends by itself, so the test waits for that. It gives up after a minute.
    let given_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while rustix::process::test_kill_process(pid).is_ok_and(|()| !is_zombie(pid)) {
        assert!(std::time::Instant::now() < given_up, "the jar outlived its client");
        std::thread::yield_now();
    }
}

/// Whether a process has ended and nobody has asked how. Where there is no such file, there is a parent that asks.
fn is_zombie(pid: rustix::process::Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

#[test]
fn a_signal_answers_the_script_at_work_and_ends_the_stream() {
    for signal in ["-INT", "-TERM"] {
        let mut child = Command::new(BELLJAR)
            .args(["json", "--rpc-all", "-", "--max-cpu-ms", "60000"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"{\"eval\": \"host.rpc('up'); for (;;) {}\"}\n{\"eval\": \"1\"}\n").unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        assert!(lines.next().unwrap().unwrap().contains("\"up\""), "the call says that the script runs");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert!(lines.next().unwrap().unwrap().contains("\"cancelled\""));
        assert!(lines.next().is_none());
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
}

#[test]
fn a_script_that_throws_gets_its_error_back() {
    let lines = answers("{\"name\": \"a.js\", \"eval\": \"null.x\"}\n");
    let error = &lines[0]["error"];
    assert_eq!(
        (&error["code"], &error["name"], &error["blame"]),
        (&json!("js_error"), &json!("TypeError"), &json!("script"))
    );
    assert_eq!(error["errorCode"], error["code"], "its old name is kept");
    assert!(error["stack"].as_str().unwrap().contains("a.js:1"));
}

#[test]
fn a_bad_line_gets_an_error_and_the_stream_goes_on() {
    let bad: [&[u8]; 9] = [
        b"nonsense",
        b"[1, 2]",
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
        assert_eq!(line["error"]["code"], "invalid_input", "{line}");
    }
    assert_eq!(lines[bad.len()]["result"], 3);
    assert!(lines[1].get("id").is_none(), "{}", lines[1]);
    let lines = answers("{\"id\": 9, \"unknown\": 1}\n{\"id\": null, \"name\": \"a\", \"reset\": true}\n");
    assert_eq!((lines[0].get("id"), lines[1].get("id")), (Some(&json!(9)), Some(&json!(null))));
    assert!(lines.iter().all(|line| line["error"]["code"] == "invalid_input"));
}

#[test]
fn a_line_may_have_ten_megabytes_and_not_a_byte_more() {
    let line = |length: usize| {
        let frame = "{\"eval\": \"''\"}".len();
        format!("{{\"eval\": \"'{}'\"}}\n", "x".repeat(length - frame))
    };
    let input = [line((10 << 20) + 1), "{\"eval\": \"1 + 2\"}\n".into()].concat();
    let lines = answers(&input);
    assert_eq!((&lines[0]["error"]["code"], &lines[1]["result"]), (&json!("invalid_input"), &json!(3)));
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
        "{\"eval\": \"(await Promise.all([host.rpc('a'), host.rpc('b').catch(e => e.code), ",
        "host.rpc('own', 4)])).join()\"}\n",
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

#[test]
fn a_line_may_begin_with_the_mark_of_its_encoding() {
    assert_eq!(answers("\u{feff}{\"eval\": \"1 + 2\"}\n")[0]["result"], 3);
}

#[test]
fn what_ran_nothing_has_cost_nothing() {
    let input = concat!(
        "{\"eval\": \"1\"}\n{\"run\": \"AAAA\"}\n{\"restore\": \"AAAA\"}\n",
        "{\"eval\": \"new Array(4294967295).join()\"}\n{\"eval\": \"1\"}\n",
    );
    let (_, lines) = talk(&["json", "--max-cpu-ms", "20"], input.as_bytes());
    let told: Vec<_> = lines.iter().map(|line| line.get("stats").is_some()).collect();
    assert_eq!(told, [true, false, false, true, false]);
    assert_eq!(lines[4]["error"]["code"], "poisoned");
    assert!(lines[4]["error"]["message"].as_str().unwrap().contains("{\"reset\": true}"), "{}", lines[4]);
}

/// A block of the protocol's page.
fn example(fence: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/JSON-PROTOCOL.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    page.split(&format!("```{fence}\n")).nth(1).and_then(|rest| rest.split("```").next()).unwrap().to_owned()
}

fn interpret(interpreter: &str, code: &str) -> String {
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
fn a_client_of_the_page_is_short() {
    for fence in ["python", "js"] {
        assert!((20..=38).contains(&example(fence).lines().count()), "{fence}: {}", example(fence).lines().count());
    }
}

#[test]
fn the_python_client_of_the_page_works() {
    assert_eq!(interpret("python3", &example("python")), "3\ncpu_limit_exceeded\n0\n");
}

#[test]
fn the_node_client_of_the_page_works() {
    assert_eq!(interpret("node", &example("js")), "3\ncpu_limit_exceeded\n0\n");
}

/// A script that calls methods which a client has not registered, and tells the code that each call ends with.
const HOSTILE: &str = r#"
    const names = ['constructor', '__proto__', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'then',
        '__class__', '__init__', '__getitem__', 'get', 'has', 'keys', '', ' ', 'add ', '\u0000', '0', 'm'.repeat(1e6)];
    const told = [];
    for (const name of names) {
        told.push(await host.rpc(name, [1, 2]).then(value => name + ' gave ' + value, error => error.code));
    }
    told.push(await host.rpc('add', { __proto__: null, constructor: 5 }).catch(error => error.code));
    told.push(await host.rpc('odd').catch(error => error.code));
    told.push(await host.rpc('add', [3, 4]));
    [...new Set(told)].join()
"#;

#[test]
fn a_client_of_the_page_answers_no_method_that_was_not_registered() {
    let script = serde_json::to_string(HOSTILE).unwrap();
    let page = example("python");
    let class = page.split("\njar = ").next().unwrap();
    // A result without a JSON form, and one that Python would write as something else than JSON.
    for odd in ["object()", "float('nan')"] {
        let code = format!(
            "jar = Jar({{'add': lambda pair: pair[0] + pair[1], 'odd': lambda _: {odd}}})\n\
             print(jar.ask({{'eval': {script}}})['result'])\nprint(jar.ask({{'eval': '1 + 2'}})['result'])\n"
        );
        assert_eq!(interpret("python3", &format!("{class}\n{code}")), "unknown_method,failed,7\n3\n");
    }
    let page = example("js");
    let class = page.split("\n(async ").next().unwrap();
    for odd in ["() => 1n", "() => { throw null }", "async () => { throw new Error('no') }"] {
        let code = format!(
            "(async () => {{ const jar = new Jar({{ add: ([a, b]) => a + b, odd: {odd} }});\n\
             console.log((await jar.ask({{ eval: {script} }})).result);\n\
             console.log((await jar.ask({{ eval: '1 + 2' }})).result);\n\
             jar.process.stdin.end(); }})();"
        );
        assert_eq!(interpret("node", &format!("{class}\n{code}")), "unknown_method,failed,7\n3\n");
    }
}

/// Python reads a thousand levels, and a script can make more.
#[test]
fn a_value_that_is_nested_too_deeply_ends_the_python_client_in_an_orderly_way() {
    let script = "let a = []; for (let i = 0; i < 3000; i++) a = [a]; await host.rpc('add', a); 'answered'";
    let page = example("python");
    let class = page.split("\njar = ").next().unwrap();
    let code = format!(
        "jar = Jar({{'add': lambda _: 1}})\n\
         try:\n    print(jar.ask({{'eval': \"{script}\"}})['result'])\n\
         except ConnectionError:\n    print('ended', jar.process.wait())\n"
    );
    // A Python that reads it answers.
    let told = interpret("python3", &format!("{class}\n{code}"));
    assert!(["ended -9\n", "answered\n"].contains(&told.as_str()), "{told}");
}

/// A reply that is longer than a line gets an error line, which answers no request.
#[test]
fn a_client_of_the_page_gives_each_request_its_own_answer() {
    let script = "let s = 'x'.repeat(6e6); await host.rpc('twice', s).catch(() => 0)";
    let page = example("python");
    let class = page.split("\njar = ").next().unwrap();
    let code = format!(
        "jar = Jar({{'twice': lambda text: text + text}}, '--max-wall-ms', '1500')\n\
         print(jar.ask({{'eval': \"{script}\"}})['error']['code'])\nprint(jar.ask({{'eval': '1 + 2'}})['result'])\n"
    );
    assert_eq!(interpret("python3", &format!("{class}\n{code}")), "wall_limit_exceeded\n3\n");
    let page = example("js");
    let class = page.split("\n(async ").next().unwrap();
    let code = format!(
        "(async () => {{ const jar = new Jar({{ twice: (text) => text + text }}, '--max-wall-ms', '1500');\n\
         console.log((await jar.ask({{ eval: \"{script}\" }})).error.code);\n\
         console.log((await jar.ask({{ eval: '1 + 2' }})).result);\n\
         jar.process.stdin.end(); }})();"
    );
    assert_eq!(interpret("node", &format!("{class}\n{code}")), "wall_limit_exceeded\n3\n");
}

/// The clients of the page with other work to do: a jar that is killed while they answer one of its calls.
#[test]
fn a_client_hears_that_the_jar_has_died() {
    let page = example("python");
    let class = page.split("\njar = ").next().unwrap();
    let code = "jar = Jar({'die': lambda _: jar.process.kill()})\n\
        try:\n    jar.ask({'eval': \"await host.rpc('die')\"})\n\
        except ConnectionError:\n    print('gone', jar.process.wait())\n";
    assert_eq!(interpret("python3", &format!("{class}\n{code}")), "gone -9\n");

    let page = example("js");
    let class = page.split("\n(async ").next().unwrap();
    let code = "const jar = new Jar({ die: () => jar.process.kill('SIGKILL') });\n\
        jar.ask({ eval: \"await host.rpc('die')\" }).then((line) => console.log(line.error.code));\n";
    assert_eq!(interpret("node", &format!("{class}\n{code}")), "ended\n");
}
