//! Advice: what it names is there, and its numbers are in the unit of what it names.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{belljar, feed, folder, prints, run, write};

/// A script that hits a limit, and the flag that sets it low enough.
const HITS: [(&str, &str, &str, &str); 12] = [
    ("max-fuel", "100000", "100000 units", "for (;;) {}"),
    ("max-opcodes", "10000", "10000", "for (;;) {}"),
    ("max-cpu-ms", "10", "10 ms", "for (;;) {}"),
    ("max-wall-ms", "10", "10 ms", "for (;;) {}"),
    ("max-heap-mb", "2", "2 MB", "new ArrayBuffer(3e7)"),
    ("max-memory-mb", "4", "4 MB", "let a = []; for (;;) a.push(new Array(1000).fill(0))"),
    ("max-rpc", "1", "1", "await host.rpc('x'); await host.rpc('x')"),
    ("max-pending-rpc", "1", "1", "await Promise.all([host.rpc('x'), host.rpc('x')])"),
    ("max-message-mb", "1", "1 MB", "'x'.repeat(2e6)"),
    ("max-console-kb", "1", "1 KB", "for (;;) console.log('x'.repeat(99))"),
    ("max-source-mb", "1", "1 MB", "1"),
    ("max-stack-kb", "512", "", "function f() { f() } f()"),
];

/// Every word of a text that looks like a long flag.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    text.split(|c| !is_part(c)).filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

#[track_caller]
fn has_flags(task: &str, text: &str) {
    let known = flags(&run(&[task, "--help"]).out);
    assert!(!known.is_empty(), "{task}");
    let unknown: Vec<_> = flags(text).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "belljar {task} takes no {unknown:?}: {text}");
}

/// The name in the library of the limit that a flag sets.
fn field(flag: &str) -> &'static str {
    match flag {
        "max-cpu-ms" => "cpu_time",
        "max-wall-ms" => "wall_time",
        "max-fuel" => "fuel",
        "max-opcodes" => "opcodes",
        "max-heap-mb" => "js_heap_bytes",
        "max-memory-mb" => "memory_bytes",
        "max-stack-kb" => "stack_bytes",
        "max-rpc" => "rpc_calls",
        "max-pending-rpc" => "pending_rpcs",
        "max-message-mb" => "message_bytes",
        "max-source-mb" => "source_bytes",
        _ => "console_bytes",
    }
}

#[test]
fn a_limit_that_was_hit_names_a_flag_that_the_task_has_and_a_number_in_its_unit() {
    let folder = folder("advice_flags");
    let out = folder.join("out").to_str().unwrap().to_owned();
    let long = write(&folder, "long.js", format!("1 //{}", "x".repeat(2 << 20)));
    for (name, value, number, code) in HITS {
        let code = write(&folder, "code.js", code);
        let script = if name == "max-source-mb" { &long } else { &code };
        let flag = format!("--{name}");
        for task in ["run", "snapshot", "bench"] {
            let more: &[&str] = match task {
                "snapshot" => &["-o", &out],
                "bench" => &["--rounds", "1", "--threads", "1"],
                _ => &[],
            };
            let ended = run(&[&[task, &flag, value, "--rpc", "x=cat"], more, &[script]].concat());
            assert_ne!(ended.code, 0, "{task} {flag}");
            let says = if number.is_empty() {
                flag.clone()
            } else {
                format!("is limited to {number}; {flag} ({}) raises it", field(name))
            };
            assert!(ended.err.contains(&says), "{task}: {says:?}: {}", ended.err);
            has_flags(task, &ended.err);
        }
    }
}

#[test]
fn a_task_without_flags_for_limits_names_none() {
    let folder = folder("advice_compile");
    let out = folder.join("out").to_str().unwrap().to_owned();
    let cases = [
        (
            format!("var a = [{}]", "1,".repeat(5_000_000)),
            "memory_limit_exceeded: the heap of the script is limited to 32 MB",
        ),
        ("x".repeat(11 << 20), "source_too_large: one script is limited to 10 MB"),
        ("[".repeat(20_000), "Maximum call stack size exceeded"),
    ];
    for (source, says) in cases {
        let script = write(&folder, "script.js", source);
        let ended = run(&["compile", &script, "-o", &out]);
        assert!(matches!(ended.code, 1 | 3), "{}", ended.err);
        assert!(ended.err.contains(says), "{says:?}: {}", ended.err);
        assert_eq!(flags(&ended.err), BTreeSet::new(), "{}", ended.err);
        assert!(ended.err.contains("split the script") || says.starts_with("Maximum"), "{}", ended.err);
        has_flags("compile", &ended.err);
    }
    // And without them one is compiled.
    prints(&["compile", "-e", "1", "-o", &out], "");
}

/// What bench compiles is under the library's own limits, whatever the flags allow the script.
#[test]
fn a_bench_that_cannot_compile_a_script_does_not_advise_what_it_was_given() {
    let script = write(&folder("advice_bench"), "script.js", format!("1 //{}", "x".repeat(11 << 20)));
    let ended = run(&["bench", &script, "--rounds", "1", "--threads", "1", "--max-source-mb", "20"]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(
        ended.err.contains("one script is limited to 10 MB; no flag raises it, so split the script"),
        "{}",
        ended.err
    );
}

#[test]
fn a_line_of_the_protocol_names_a_limit_that_it_has() {
    let known = feed(&["json"], b"{\"limits\": {}}").out;
    let known: Value = serde_json::from_str(&known).unwrap();
    let camel = |name: &str| {
        let mut parts = name.split('-');
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |all, part| all + &part[..1].to_uppercase() + &part[1..])
    };
    let mut input = String::new();
    for (name, value, _, code) in HITS {
        let code = if name == "max-source-mb" { format!("1 //{}", "x".repeat(2 << 20)) } else { code.to_owned() };
        let code = serde_json::to_string(&code).unwrap();
        input += &format!("{{\"limits\": {{\"{}\": {value}}}, \"instance\": \"{name}\"}}\n", camel(name));
        input += &format!("{{\"eval\": {code}, \"instance\": \"{name}\"}}\n");
    }
    let ended = feed(&["json", "--rpc", "x=cat"], input.as_bytes());
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2 * HITS.len());
    for ((flag, _, number, _), line) in HITS.iter().zip(lines.iter().skip(1).step_by(2)) {
        let message = line["error"]["message"].as_str().unwrap();
        let name = camel(flag);
        assert!(!known["result"][&name].is_null() || name == "maxFuel" || name == "maxOpcodes", "{known}");
        let says = format!("is limited to {number}; {{\"limits\": {{\"{name}\": …}}}} ({}) raises it", field(flag));
        assert!(number.is_empty() || message.contains(&says), "{says:?}: {message}");
        assert_eq!(flags(message), BTreeSet::new(), "{message}");
    }
    // A program is compiled under limits of its own, which no line changes.
    let source = serde_json::to_string(&format!("var a = [{}]", "1,".repeat(4_500_000))).unwrap();
    let input = format!("{{\"limits\": {{\"maxHeapMb\": 1000}}}}\n{{\"compile\": {source}}}\n");
    let ended = feed(&["json"], input.as_bytes());
    let line: Value = serde_json::from_str(ended.out.lines().nth(1).unwrap()).unwrap();
    let message = line["error"]["message"].as_str().unwrap();
    assert_eq!(line["error"]["code"], "memory_limit_exceeded");
    assert!(
        message.contains(" MB; `limits` does not apply to compile, so split the script") && !message.contains("max"),
        "{message}"
    );
}

#[test]
fn the_prompt_names_limits_that_it_has() {
    let folder = folder("advice_prompt");
    write(&folder, "long.js", format!("1 //{}", "x".repeat(2 << 20)));
    let (mut input, mut limits) = (".limits\n".to_owned(), Vec::new());
    for (name, value, number, code) in HITS {
        let code = if name == "max-source-mb" { ".load long.js" } else { code };
        input += &format!(".limits {name} {value}\n{code}\n");
        // Back to what it was, or what allows all that comes.
        let most = match name {
            "max-memory-mb" | "max-heap-mb" | "max-fuel" | "max-opcodes" => "none",
            "max-source-mb" | "max-message-mb" => "10",
            "max-stack-kb" => "512",
            _ => "10000",
        };
        input += &format!(".reset\n.limits {name} {most}\n");
        limits.push(if number.is_empty() {
            format!(".limits {name} VALUE (stack_bytes) raises the stack")
        } else {
            format!("is limited to {number}; .limits {name} VALUE ({}) raises it", field(name))
        });
    }
    // What an error about a file names is there too.
    input += "var a = new Array(1e6).fill(1)\n.save large\n.reset\n";
    input += ".limits max-memory-mb 3\n.open large\n";
    let mut command = belljar();
    command.args(["repl", "--rpc", "x=cat"]).current_dir(&folder).env("HOME", &folder);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    for says in &limits {
        assert!(err.contains(says), "{says:?}: {err}");
    }
    for (name, ..) in HITS {
        assert!(out.contains(&format!("\n{name} ")) || out.starts_with(name), "{name}: {out}");
    }
    let told = err.lines().find(|line| line.contains("large: the memory of the jar is limited to 3 MB, and ")).unwrap();
    assert!(told.ends_with(" MB are needed; .limits max-memory-mb VALUE (memory_bytes) raises it"), "{told}");
    assert_eq!(flags(&err), BTreeSet::new(), "{err}");
}

#[test]
fn a_snapshot_that_does_not_fit_is_told_with_the_flag_that_makes_room() {
    let out = folder("advice_snapshot").join("out").to_str().unwrap().to_owned();
    prints(&["snapshot", "-e", "var a = new Array(1e6).fill(1)", "-o", &out], "");
    let ended = run(&["--from", &out, "-p", "1", "--max-memory-mb", "3"]);
    assert_eq!(ended.code, 2);
    let says = format!("belljar: {out}: the memory of the jar is limited to 3 MB, and ");
    let rest = ended.err.strip_prefix(&says).expect(&ended.err);
    let (needed, rest) = rest.split_once(' ').unwrap();
    assert_eq!(rest, "MB are needed; --max-memory-mb (memory_bytes) raises it\n");
    // What it says is enough, and a megabyte less is not.
    let with = |megabytes: u64| run(&["--from", &out, "-p", "1", "--max-memory-mb", &megabytes.to_string()]).code;
    let needed: u64 = needed.parse().unwrap();
    assert_eq!((with(needed), with(needed - 1)), (0, 2));
}

#[test]
fn a_heap_above_the_memory_is_refused_with_the_names_that_the_reader_knows() {
    let refused = "32 is above --max-memory-mb 16, and the heap is a part of the memory";
    let out = folder("advice_contradiction").join("out").to_str().unwrap().to_owned();
    for task in [&["-p", "1"][..], &["snapshot", "-e", "1", "-o", &out], &["json"], &["repl"], &["bench"]] {
        let ended = run(&[task, &["--max-heap-mb", "32", "--max-memory-mb", "16"]].concat());
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{task:?}");
        assert!(ended.err.starts_with(&format!("error: --max-heap-mb {refused}\n")), "{task:?}: {}", ended.err);
    }
    let ended = run(&["--json", "-p", "1", "--max-heap-mb", "32", "--max-memory-mb", "16"]);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["error"]["message"], format!("--max-heap-mb {refused}"));
    // Where only the memory was set, the heap follows it.
    prints(&["-p", "1", "--max-memory-mb", "16"], "1\n");
    let input = concat!(
        "{\"limits\": {\"maxMemoryMb\": 16}}\n{\"limits\": {\"maxHeapMb\": 17}}\n",
        "{\"eval\": \"1 + 2\"}\n{\"limits\": {\"maxMemoryMb\": null}}\n"
    );
    let ended = feed(&["json"], input.as_bytes());
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["result"]["maxHeapMb"], &lines[3]["result"]["maxHeapMb"]), (&16.into(), &32.into()));
    let refused = "maxHeapMb 17 is above maxMemoryMb 16, and the heap is a part of the memory";
    assert_eq!(lines[1]["error"]["message"], refused);
    assert_eq!(lines[2]["result"], 3, "the limits are as they were");
    let prompt = feed(&["repl"], b".limits max-memory-mb 16\n.limits max-heap-mb 17\n.limits\n");
    assert!(prompt.err.contains("belljar: max-heap-mb 17 is above max-memory-mb 16, and "), "{}", prompt.err);
    assert!(prompt.out.contains("max-heap-mb       16            js_heap_bytes\n"), "{}", prompt.out);
}

/// What the engine does not say, the source line tells.
#[test]
fn a_syntax_error_is_told_with_what_it_points_at() {
    for (code, advice) in [
        (
            "let price: number = 5",
            "this looks like TypeScript; rename the file to .ts, or give --ts where the code is no file",
        ),
        (
            "interface Order { id: string }",
            "this looks like TypeScript; rename the file to .ts, or give --ts where the code is no file",
        ),
        ("```js\n1 + 2\n```", "the script is inside a Markdown code fence; delete the lines that begin with ```"),
        ("const n = (1 + 2));", "this ) closes nothing; delete it, or open it before"),
        ("function f() { await 1 }", "`await` works at the top level and in async functions; make this function async"),
        ("console.log(1,", "the script ends here, and something that it began is not complete"),
        ("`one ${2} three", "the script ends here, and something that it began is not complete"),
    ] {
        let ended = run(&["-e", code]);
        assert_eq!(ended.code, 1, "{code}");
        assert!(ended.err.ends_with(&format!("\nbelljar: {advice}\n")), "{code}: {}", ended.err);
    }
    for code in ["let let = 3", "throw new SyntaxError('unexpected end of string')", "'abc"] {
        assert!(!run(&["-e", code]).err.contains("belljar:"), "{code}");
    }
}

#[test]
fn an_expression_that_failed_is_named() {
    let code = "const orders = [];\norders.lenght()";
    let ended = run(&["-e", code]);
    assert!(ended.err.starts_with("Uncaught TypeError: orders.lenght is not a function\n"), "{}", ended.err);
    let report: Value = serde_json::from_str(&run(&["--json", "-e", code]).out).unwrap();
    let frame = serde_json::json!({ "line": 2, "column": 8, "text": "orders.lenght()", "expression": "orders.lenght" });
    assert_eq!((&report["error"]["message"], &report["error"]["frame"]), (&"not a function".into(), &frame));
    let lines = feed(&["json"], b"{\"eval\": \"const orders = [];\\norders.lenght()\"}\n").out;
    assert_eq!(serde_json::from_str::<Value>(&lines).unwrap()["error"]["frame"], frame);
}

#[test]
fn an_event_without_a_handler_is_told_with_those_that_have_one() {
    let input = ".dispatch nobody\nhost.on('order', () => 1)\n.dispatch nobody\n";
    let ended = feed(&["repl"], input.as_bytes());
    assert!(ended.err.contains("\"nobody\", nor for any other; .on NAME FUNCTION registers one\n"), "{}", ended.err);
    assert!(ended.err.contains("\"nobody\"; there are handlers for order\n"), "{}", ended.err);
    let input = concat!(
        "{\"dispatch\": {\"name\": \"nobody\"}}\n{\"eval\": \"host.on('order', () => 1)\"}\n",
        "{\"dispatch\": {\"name\": \"nobody\"}}\n"
    );
    let ended = feed(&["json"], input.as_bytes());
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let message = |line: &Value| line["error"]["message"].as_str().unwrap().to_owned();
    assert!(message(&lines[0]).ends_with("nor for any other; host.on('NAME', FUNCTION) in a script registers one"));
    assert_eq!((&lines[0]["error"]["blame"], &lines[2]["error"]["blame"]), (&"script".into(), &"caller".into()));
    assert!(message(&lines[2]).ends_with("there are handlers for order"), "{}", lines[2]);
}

/// Somebody pastes it into a shell.
#[test]
fn advice_for_a_shell_holds_nothing_that_a_script_made_up() {
    let advises = |method: &str| run(&["-e", &format!("await host.rpc({})", serde_json::json!(method))]).err;
    assert!(advises("orders.list").contains("belljar: --rpc orders.list=COMMAND answers this call\n"));
    for method in ["$(touch trap)", "a; touch trap #", "a\nbelljar: type this", "", "-x y", &"x".repeat(1000)] {
        let err = advises(method);
        assert!(err.ends_with("belljar: --rpc NAME=COMMAND answers this call\n"), "{err}");
    }
}
