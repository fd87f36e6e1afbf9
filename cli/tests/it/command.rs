//! Scripts as people run them: arguments in; exit code, standard output and standard error out.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{BELLJAR, belljar, end, feed, folder, golden, prints, refuses, run, secret, write};

#[test]
fn a_frame_points_at_what_failed_and_not_into_its_arguments() {
    for (code, place) in [
        ("throw new Error('x')", "1:11"),
        ("throw new Error(1 + 2)", "1:11"),
        ("throw Error('x')", "1:7"),
        ("let a = 1; throw new Error(a + a)", "1:22"),
        (";\nthrow new TypeError('a' + String(5))", "2:11"),
        ("class Bad extends Error {}\nthrow new Bad(`a${1 + 2}`)", "2:11"),
        ("let a = {}; a.b(1)", "1:15"),
        (";\nlet a = {}; a.b(1 + 2, 'x', a.c)", "2:15"),
        ("  [1].x()", "1:7"),
        ("const o = {}; throw new Error(o.a.b)", "1:31"),
        ("'abc'.x.y", "1:1"),
        ("JSON.parse('{')", "1:6"),
        ("new Error(1); let f = () => { null.x }; new Error(f(2))", "1:31"),
    ] {
        let ended = run(&["-e", code]);
        assert!(ended.err.contains(&format!("--> [eval]:{place}\n")), "{code}: {}", ended.err);
        assert!(ended.err.contains(&format!("([eval]:{place})\n")), "{code}: {}", ended.err);
    }
}

#[test]
fn a_rejected_call_is_shown_where_it_was_made_and_with_its_code() {
    for (code, place, word) in [
        ("1;\nawait host.rpc('nope', 1)", "2:12", "code: unknown_method"),
        ("await host.rpc('fails'); host.rpc('other')", "1:12", "code: command_failed"),
    ] {
        let ended = run(&["-e", code, "--rpc", "fails=exit 3"]);
        assert_eq!(ended.code, 1);
        assert!(ended.err.contains(&format!("--> [eval]:{place}\n")), "{code}: {}", ended.err);
        assert!(ended.err.contains(word), "{code}: {}", ended.err);
    }
    let ended = run(&["--json", "-e", "await host.rpc('fails')", "--rpc", "fails=exit 3"]);
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(report["error"]["call"], serde_json::json!({ "method": "fails", "code": "command_failed" }));
    // The stack tells which of two calls it was, and who made it.
    let ended = run(&["-e", "const ask = name => host.rpc(name); host.rpc('b').catch(e => 0); await ask('b')"]);
    assert!(ended.err.contains("at ask ([eval]:1:") && ended.err.contains("--rpc b=COMMAND"), "{}", ended.err);
    // What was thrown while no script ran has no place.
    let ended = run(&["-e", "await import('fs')"]);
    let told = "Uncaught Error: cannot import \"fs\" from \"[eval]\": there is no such package; ";
    assert!(ended.err.starts_with(told), "{}", ended.err);
    // An error that only looks like one has no code.
    let ended = run(&["-e", "throw new Error('no handler is registered for \"a\"')"]);
    assert!(!ended.err.contains("code:"), "{}", ended.err);
}

#[test]
fn a_script_comes_from_a_file_or_from_standard_input() {
    let folder = folder("sources");
    let file = write(&folder, "hello.js", "\u{feff}console.log(await 'hello')");
    prints(&[&file], "hello\n");
    prints(&["run", &file], "hello\n");
    assert_eq!(feed(&["-"], b"console.log(6 * 7)").out, "42\n");
    let shebang = write(&folder, "tool", "#!/usr/bin/env belljar\nconsole.log('tool')");
    prints(&[&shebang], "tool\n");
}

#[test]
fn the_console_has_two_streams() {
    let ended = run(&["-e", "for (const level of ['log', 'info', 'debug', 'warn', 'error']) console[level](level)"]);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "log\ninfo\ndebug\n", "warn\nerror\n"));
}

#[test]
fn a_thrown_error_is_shown_where_it_happened() {
    let folder = folder("frames");
    write(&folder, "price.js", "function price(n) {\n\treturn n.cents.total\n}\nprice({})\n");
    let mut command = belljar();
    command.current_dir(&folder).arg("price.js");
    let ended = end(command);
    assert_eq!(ended.code, 1);
    golden("thrown.txt", &ended.err);
}

#[test]
fn what_was_thrown_and_its_causes_are_told() {
    let ended = run(&["-e", "throw { code: 7 }"]);
    assert_eq!((ended.code, ended.err.as_str()), (1, "Uncaught {\"code\":7}\n"));
    refuses(&["-e", "throw new Error('a', { cause: new RangeError('b') })"], 1, "Caused by RangeError: b");
    refuses(&["-e", "let let = 3"], 1, "Uncaught SyntaxError");
    refuses(&["-e", "console.log(1\n"], 1, " --> [eval]:1:14\n  |\n1 | console.log(1\n");
    refuses(&["-e", "Promise.reject(new Error('lost')); 0"], 1, "Uncaught Error: lost");
    prints(&["-p", "Promise.reject(new Error('found')).catch(e => e.message)"], "found\n");
    let ended = run(&["--json", "-p", "10n"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("not_serializable"), "{}", ended.out);
    refuses(&["-e", "await new Promise(() => {})"], 1, "nothing can settle");
}

#[test]
fn what_a_script_expects_of_node_is_told_not_to_be_there() {
    for (code, advice) in [
        ("const fs = require('fs')", "what it needs of require it can call with host.rpc"),
        ("setTimeout(() => {}, 1)", "what it needs of setTimeout"),
        ("process.argv[2]", "its arguments as script.args"),
        ("Deno.args[0]", "its arguments as script.args"),
        ("import fs from 'fs'", "there is no such package"),
        ("await import('fs')", "there is no such package"),
        ("  import fs from 'fs'", "at the beginning of a line"),
    ] {
        refuses(&["-e", code], 1, advice);
    }
    assert!(!run(&["-e", "price()"]).err.contains("belljar:"));
}

#[test]
fn a_limit_ends_with_three_and_names_the_flag_that_raises_it() {
    refuses(&["-e", "for (;;) {}", "--max-cpu-ms", "20"], 3, "--max-cpu-ms");
    refuses(&["-e", "for (;;) {}", "--max-wall-ms", "20"], 3, "--max-wall-ms");
    refuses(&["-e", "for (;;) {}", "--max-fuel", "1000000"], 3, "--max-fuel");
    refuses(&["-e", "new ArrayBuffer(3e7)", "--max-heap-mb", "2"], 3, "--max-heap-mb");
    refuses(&["-e", "await host.rpc('x'); await host.rpc('x')", "--rpc", "x=cat", "--max-rpc", "1"], 3, "--max-rpc");
    refuses(&["-p", "'x'.repeat(2e6)", "--max-message-mb", "1"], 3, "--max-message-mb");
    let ended = run(&["-e", "for (;;) console.log('x'.repeat(99))", "--max-console-kb", "1"]);
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("--max-console-kb"), "{}", ended.err);
}

#[test]
fn time_and_chance_can_be_fixed() {
    prints(&["-p", "new Date().toISOString()", "--clock", "2024-02-29T12:00:00Z"], "2024-02-29T12:00:00.000Z\n");
    prints(&["-p", "Date.now()", "--clock", "1709208000000"], "1709208000000\n");
    let seeded = || run(&["-p", "Math.random()", "--seed", "7"]).out;
    assert_eq!(seeded(), seeded());
    refuses(&["-e", "new Function('return 1')", "--no-codegen"], 1, "Uncaught");
}

#[test]
fn one_json_object_says_everything() {
    let ended = run(&["--json", "-p", "console.warn('w'); ({ a: 1 })"]);
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!((&report["ok"], &report["value"]["a"]), (&true.into(), &1.into()));
    assert_eq!(report["logs"], serde_json::json!([{ "level": "warn", "text": "w" }]));
    assert!(report["stats"]["fuel"].as_u64().unwrap() > 0);
    let shape: Vec<_> = report["stats"].as_object().unwrap().keys().map(String::as_str).collect();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/JSON-PROTOCOL.md")).unwrap();
    assert_eq!(shape.len(), 13);
    assert!(shape.iter().all(|name| page.contains(&format!("`{name}`"))), "{shape:?}");

    let ended = run(&["--json", "-e", "null.x"]);
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!((ended.code, ended.err.as_str()), (1, ""));
    let error = &report["error"];
    assert_eq!(
        (&error["code"], &error["name"], &error["blame"]),
        (&"js_error".into(), &"TypeError".into(), &"script".into())
    );
    assert!(error["stack"].as_str().unwrap().contains("[eval]:1"));

    let ended = run(&["--json", "-e", "for (;;) {}", "--max-cpu-ms", "20"]);
    assert_eq!(ended.code, 3);
    assert!(ended.out.contains("\"cpu_limit_exceeded\""), "{}", ended.out);
}

#[test]
fn the_cost_goes_to_standard_error() {
    let ended = run(&["--stats", "-p", "1"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "1\n"));
    let names: Vec<_> = ended.err.lines().map(|line| line.get(..18).unwrap().trim_end()).collect();
    assert_eq!(
        names,
        [
            "fuel",
            "opcodes",
            "processor time",
            "wall-clock time",
            "time in handlers",
            "calls of handlers",
            "bytes in, out",
            "heap now, at most",
            "memory"
        ]
    );
}

#[test]
fn commands_answer_calls() {
    let echo = ["--rpc", "echo=cat", "--rpc", "none=true", "--rpc", "bad=echo no", "--rpc", "fails=exit 3"];
    let with = |code| run(&[&["-p", code], &echo[..]].concat()).out;
    assert_eq!(with("await host.rpc('echo', { q: [1, 'x'] })"), "{ q: [ 1, \"x\" ] }\n");
    assert_eq!(with("host.rpcSync('echo', 'sync')"), "sync\n");
    assert_eq!(with("(await Promise.all([1, 2, 3].map(n => host.rpc('echo', n)))).join()"), "1,2,3\n");
    assert_eq!(with("String(await host.rpc('none'))"), "undefined\n");
    assert_eq!(with("await host.rpc('bad').catch(e => e.code)"), "invalid_reply\n");
    assert_eq!(with("await host.rpc('fails').catch(e => e.message)"), "fails: the command ended with exit status: 3\n");
    // More than a pipe holds, in both directions at once.
    assert_eq!(with("(await host.rpc('echo', 'x'.repeat(1e6))).length"), "1000000\n");
}

#[test]
fn a_command_that_hangs_is_killed_with_what_it_started() {
    // The pipe of standard error stays open as long as a process of the command lives, and `run` waits for its end.
    refuses(
        &["-e", "await host.rpc('x')", "--rpc", "x=sleep 1000 & sleep 1000", "--max-wall-ms", "50"],
        3,
        "--max-wall-ms",
    );
}

#[test]
fn a_signal_stops_the_script() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        stops(signal);
    }
}

fn stops(signal: &str) {
    let mut child = belljar()
        .args(["-e", "await host.rpc('up'); for (;;) {}", "--rpc", "up=echo up >&2", "--max-cpu-ms", "60000"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command shares standard error with belljar, so that its line says that the script runs.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let mut err = String::new();
    stderr.read_to_string(&mut err).unwrap();
    // The signal may come before the answer of the command.
    let err = err.strip_suffix("belljar: cut off without an answer: up\n").unwrap_or(&err);
    assert_eq!(err, "belljar: the call was cancelled\n");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = belljar()
        .args(["-e", "for (;;) console.log('y'.repeat(999))"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn colour_is_for_those_who_want_it() {
    let with = |name: &str| {
        let mut command = belljar();
        command.args(["-e", "null.x"]).env(name, "1");
        end(command).err
    };
    assert!(with("CLICOLOR_FORCE").contains("\u{1b}["));
    assert!(!with("NO_COLOR").contains('\u{1b}'));
}

#[test]
fn a_program_is_compiled_once_and_run_again() {
    let folder = folder("programs");
    let script = write(&folder, "sum.js", "console.log(await [1, 2, 3].reduce((a, b) => a + b))");
    let out = folder.join("sum.jar").to_str().unwrap().to_owned();
    prints(&["compile", &script, "-o", &out], "");
    prints(&["run", &out], "6\n");
    prints(&[&out], "6\n");
    let about = run(&["inspect", &out]);
    assert!(about.out.contains("program\n") && about.out.contains("this one"), "{}", about.out);
    let bad = write(&folder, "bad.js", "let = = 3");
    refuses(&["compile", &bad, "-o", &out], 1, "bad.js:1");
    prints(&["run", &out], "6\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "nothing is left beside what was asked for");

    let mut damaged = fs::read(&out).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    refuses(&[&write(&folder, "damaged.jar", damaged)], 2, "checksum");
    refuses(&["compile", &script, "-o", "/nowhere/at/all"], 2, "cannot be written");
}

#[test]
fn a_snapshot_goes_on_where_it_was_taken() {
    let folder = folder("snapshots");
    let script = write(&folder, "rules.js", "let n = 20; const price = m => m * n; price");
    let out = folder.join("rules.jar").to_str().unwrap().to_owned();
    prints(&["snapshot", &script, "-o", &out, "--label", "of a test"], "");
    prints(&["run", "--from", &out, "-p", "price(3)"], "60\n");
    prints(&["--from", &out, "-p", "++n"], "21\n");
    let about = run(&["inspect", &out]);
    assert!(about.out.contains("of a test") && about.out.contains("nothing\n"), "{}", about.out);
    refuses(&["run", &out], 2, "--from");
    prints(&["snapshot", "-e", "var a = new Array(1e6).fill(1)", "-o", &out], "");
    refuses(&["--from", &out, "-p", "1", "--max-memory-mb", "3"], 2, "; --max-memory-mb (memory_bytes) raises it");
    prints(&["snapshot", &script, "-o", &out, "--label", "of a test"], "");
    let about: serde_json::Value = serde_json::from_str(&run(&["inspect", "--json", &out]).out).expect("it is JSON");
    assert_eq!((&about["kind"], &about["isThisBuild"]), (&"snapshot".into(), &true.into()));
    assert_eq!(about["bytes"], fs::metadata(&out).unwrap().len());
    assert_eq!(
        (&about["snapshot"]["label"], &about["snapshot"]["pending"]),
        (&"of a test".into(), &serde_json::json!([]))
    );
}

/// Only a program can make one that waits; the command can say what for.
#[test]
fn a_snapshot_that_waits_for_calls_is_told_and_not_run() {
    use belljar::{Call, Limits, Reply, Router, Runtime, Turn};
    let router = Router::new().handle("approve", |_: &Call, _: u32| Reply::pause());
    let mut jar = Runtime::new().unwrap().instance(&router, &Limits::default()).unwrap();
    let mut turn = std::pin::pin!(jar.step_eval_async("await host.rpc('approve', 100)"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let turn = loop {
        if let std::task::Poll::Ready(turn) = turn.as_mut().poll(&mut context) {
            break turn;
        }
    };
    let Ok(Turn::Paused(paused)) = turn else { panic!("nobody has answered: {turn:?}") };
    let file = write(&folder("paused"), "paused.jar", paused.snapshot().clone().labelled("two\nlines").to_bytes());
    let about = run(&["inspect", &file]).out;
    assert!(about.contains("waits for  approve\n") && about.contains("two\\nlines\n"), "{about}");
    let about: serde_json::Value = serde_json::from_str(&run(&["inspect", "--json", &file]).out).expect("it is JSON");
    let call = &about["snapshot"]["pending"][0];
    assert_eq!((&call["method"], &call["params"]), (&"approve".into(), &100.into()));
    assert!(call["madeAt"].as_u64().unwrap() > 1_700_000_000_000, "{call}");
    refuses(&["--from", &file, "-p", "1"], 2, "waits for 1 calls; a program or the JSON line resume");
}

#[test]
fn a_sealed_snapshot_wants_its_key() {
    let folder = folder("sealed");
    let key = secret(&folder, "key", "0123456789abcdef".repeat(4) + "\n");
    let other = secret(&folder, "other", "f".repeat(64));
    let short = secret(&folder, "short", "abc");
    let out = folder.join("sealed.jar").to_str().unwrap().to_owned();
    prints(&["snapshot", "-e", "const secret = 'marmalade'", "-o", &out, "--key-file", &key], "");
    let bytes = fs::read(&out).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"marmalade"));
    assert!(run(&["inspect", &out]).out.contains("BELLJAR_KEY opens it"));
    assert!(run(&["inspect", &out, "--key-file", &key]).out.contains("waits for"));
    let about: serde_json::Value = serde_json::from_str(&run(&["inspect", "--json", &out]).out).expect("it is JSON");
    assert_eq!((&about["kind"], about.get("snapshot")), (&"sealed snapshot".into(), None));
    prints(&["run", "--from", &out, "-p", "secret", "--key-file", &key], "marmalade\n");
    refuses(&["run", "--from", &out, "-p", "secret"], 2, "BELLJAR_KEY");
    refuses(&["run", "--from", &out, "-p", "secret", "--key-file", &other], 2, "the key");
    refuses(&["run", "--from", &out, "-p", "secret", "--key-file", &short], 2, "64 hexadecimal digits");
    let mut command = belljar();
    command.args(["run", "--from", &out, "-p", "secret"]).env("BELLJAR_KEY", "0123456789ABCDEF".repeat(4));
    assert_eq!(end(command).out, "marmalade\n");
}

#[test]
fn a_key_refuses_what_anybody_can_have_made() {
    let folder = folder("plain_with_key");
    let script = write(&folder, "rules.js", "const secret = 'marmalade'");
    let plain = folder.join("plain.jar").to_str().unwrap().to_owned();
    assert_eq!(run(&["snapshot", &script, "-o", &plain]).code, 0);
    let mut command = belljar();
    command.args(["run", "--from", &plain, "-p", "secret"]).env("BELLJAR_KEY", "0123456789ABCDEF".repeat(4));
    let ended = end(command);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("the snapshot is not sealed"), "{}", ended.err);
}

#[test]
fn a_script_whose_value_nobody_asked_for_may_end_in_anything() {
    for code in ["() => 1", "1n", "Symbol()", "const a = []; a.push(a); a"] {
        assert_eq!(run(&["-e", code]).code, 0, "{code}");
    }
}

/// Types a line at a shell that finds the command, and gives all that it prints.
fn typed(line: &str, folder: &Path) -> String {
    let bin = Path::new(BELLJAR).parent().unwrap().to_str().unwrap();
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
        .output()
        .unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// In a block of a page that uses the command, each line is a command with a part of what it prints after `#`, or a
/// comment.
#[test]
fn the_commands_of_the_pages_print_what_they_say() {
    for (path, least) in [("README.md", 3), ("docs/command.md", 9)] {
        let page = page(path);
        let blocks = page.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        let folder = folder(&path.replace('/', "-"));
        let mut count = 0;
        for block in blocks.filter(|block| block.lines().any(|line| line.starts_with("belljar "))) {
            for line in block.lines().filter(|line| !line.starts_with('#')) {
                let (command, said) = line.rsplit_once(" # ").expect("each line says what it prints");
                let shown = typed(command, &folder);
                assert!(shown.contains(said.trim()), "{path}: {command}: {shown}");
                count += 1;
            }
        }
        assert!(count >= least, "{path} has {count} commands");
    }
}

/// The picture of the README is a terminal: commands, and below each what it prints. The file that it shows is the one
/// that it runs.
#[test]
fn the_picture_of_the_readme_shows_what_a_terminal_would() {
    let picture = page("docs/terminal.svg");
    let folder = folder("picture");
    let (mut command, mut shown, mut count) = (String::new(), String::new(), 0);
    for text in picture.split("<text ").skip(1) {
        let (attributes, text) = text.split_once('>').unwrap();
        let text = text.split_once("</text>").unwrap().0;
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        if attributes.ends_with("class=\"typed\"") {
            shown = typed(&text, &folder);
            command = text;
            count += 1;
        } else if attributes.ends_with("class=\"said\"") || attributes.ends_with("class=\"fault\"") {
            if let Some(file) = command.strip_prefix("cat ") {
                let file = folder.join(file);
                let before = fs::read_to_string(&file).unwrap_or_default();
                fs::write(file, format!("{before}{text}\n")).unwrap();
            } else {
                assert!(shown.lines().any(|line| line == text), "{command}: {shown}");
            }
        }
    }
    assert!(count >= 4, "{count} commands");
}
