//! The command as its users meet it: arguments in; exit code, standard output and standard error out.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs, reason = "what cannot be started is a failed test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BELLJAR: &str = env!("CARGO_BIN_EXE_belljar");

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn belljar() -> Command {
    let mut command = Command::new(BELLJAR);
    command.env_remove("BELLJAR_KEY").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

fn end(mut command: Command) -> Ended {
    let output = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

fn run(arguments: &[&str]) -> Ended {
    let mut command = belljar();
    command.args(arguments);
    end(command)
}

fn feed(arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = belljar();
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder of one test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, contents).expect("the file can be written");
    path.to_str().expect("the path is UTF-8").to_owned()
}

#[track_caller]
fn prints(arguments: &[&str], expected: &str) {
    let ended = run(arguments);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, expected, ""), "{arguments:?}");
}

#[track_caller]
fn refuses(arguments: &[&str], code: i32, word: &str) {
    let ended = run(arguments);
    assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{arguments:?}: {}", ended.err);
    assert!(ended.err.contains(word), "{arguments:?} should say {word:?}: {}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

#[test]
fn a_value_is_printed_as_it_is() {
    prints(&["-p", "1 + 2"], "3\n");
    prints(&["-p", "'hi'"], "hi\n");
    prints(&["-p", "({ a: [1, null] })"], "{ a: [ 1, null ] }\n");
    prints(&["-p", "undefined"], "undefined\n");
    prints(&["-p", "-1"], "-1\n");
    prints(&["-p", "await Promise.resolve(7)"], "7\n");
    prints(&["-p", "'x'.repeat(100000)"], &("x".repeat(100_000) + "\n"));
    prints(&["-e", "1 + 2"], "");
}

#[test]
fn a_value_without_a_json_form_is_printed_as_the_console_shows_it() {
    prints(&["-p", "10n"], "10n\n");
    prints(&["-p", "-0"], "-0\n");
    prints(&["-p", "Symbol('s')"], "Symbol(s)\n");
    prints(&["-p", "(function f() {})"], "[Function: f]\n");
    prints(&["-p", "new Map([[1, { a: new Set(['b']) }]])"], "Map { 1 => { a: Set { \"b\" } } }\n");
    prints(&["-p", "const a = []; a.push(a); a"], "[ [Circular] ]\n");
    assert!(run(&["-p", "new RangeError('far')"]).out.starts_with("RangeError: far\n    at "));
}

#[test]
fn the_value_printed_is_that_of_the_last_expression() {
    prints(&["-p", "let n = 20; n * 2 + 2; // and that is it"], "42\n");
    prints(&["-p", "var f = n => n * 2\nf(4)"], "8\n");
    prints(&["-p", "function f() { return 1 } f()"], "1\n");
    prints(&["-p", "{ a: 1 }"], "{ a: 1 }\n");
    // These end in a statement, whose value the engine knows all the same.
    prints(&["-p", "if (true) 5"], "5\n");
    prints(&["-p", "if (false)\n1"], "undefined\n");
    prints(&["-p", "for (var i = 0; i < 3; i++)\ni"], "2\n");
    prints(&["-p", "class A {}"], "undefined\n");
}

#[test]
fn a_wrapped_expression_throws_where_it_was_typed() {
    for (code, place) in [("1;\n let a = 1; a + foo.bar", "2:17"), ("foo", "1:1"), ("null.x", "1:1")] {
        let ended = run(&["-p", code]);
        assert!(ended.err.contains(&format!("--> [eval]:{place}\n")), "{code}: {}", ended.err);
        assert!(ended.err.ends_with(&format!("[eval]:{place})\n")), "{code}: {}", ended.err);
    }
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
    assert_eq!(ended.err, include_str!("golden/thrown.txt"));
}

#[test]
fn what_was_thrown_and_its_causes_are_told() {
    let ended = run(&["-e", "throw { code: 7 }"]);
    assert_eq!((ended.code, ended.err.as_str()), (1, "Uncaught {\"code\":7}\n"));
    refuses(&["-e", "throw new Error('a', { cause: new RangeError('b') })"], 1, "Caused by RangeError: b");
    refuses(&["-e", "let let = 3"], 1, "Uncaught SyntaxError");
    let ended = run(&["--json", "-p", "10n"]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("not_serializable"), "{}", ended.out);
    refuses(&["-e", "await new Promise(() => {})"], 1, "nothing can settle");
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
fn what_cannot_be_is_refused() {
    let folder = folder("bad");
    let text = folder.to_str().unwrap();
    let binary = write(&folder, "binary", [0xff, 0xfe, 0]);
    let program = write(&folder, "program", b"belljarP and then nothing");
    let snapshot = write(&folder, "snapshot", b"belljarS and then nothing");
    refuses(&[&format!("{text}/missing.js")], 2, "cannot be read");
    refuses(&[text], 2, "is a folder");
    refuses(&[&binary], 2, "not UTF-8");
    refuses(&[&program], 2, "not a program of this build");
    refuses(&["inspect", &program], 2, "not a program of this build");
    refuses(&["inspect", &binary], 2, "neither");
    refuses(&["run", "--from", &snapshot, "-e", "1"], 2, "not a snapshot of this build");
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
    refuses(&["--json", "--rpc-all", "-", "-"], 2, "standard input");
    refuses(&["-e", "1", "--rpc-all", "elsewhere"], 2, "possible values: -");
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
    assert!(ended.err.starts_with("fuel ") && ended.err.contains("\nmemory "), "{}", ended.err);
}

#[test]
fn commands_answer_calls() {
    let echo = ["--rpc", "echo=cat", "--rpc", "none=true", "--rpc", "bad=echo no", "--rpc", "fails=exit 3"];
    let with = |code| run(&[&["-p", code], &echo[..]].concat()).out;
    assert_eq!(with("await host.rpc('echo', { q: [1, 'x'] })"), "{ q: [ 1, \"x\" ] }\n");
    assert_eq!(with("host.rpcSync('echo', 'sync')"), "sync\n");
    assert_eq!(with("(await Promise.all([1, 2, 3].map(n => host.rpc('echo', n)))).join()"), "1,2,3\n");
    assert_eq!(with("String(await host.rpc('none'))"), "null\n");
    assert_eq!(with("await host.rpc('bad').catch(e => e.code)"), "invalid_reply\n");
    assert_eq!(with("await host.rpc('fails').catch(e => e.message)"), "fails: the command ended with exit status: 3\n");
    // More than a pipe holds, in both directions at once.
    assert_eq!(with("(await host.rpc('echo', 'x'.repeat(1e6))).length"), "1000000\n");
}

#[test]
fn a_command_that_hangs_is_killed_with_what_it_started() {
    // The pipe of standard error stays open for as long as anybody of the command's lives, so that `run` returns proves it.
    refuses(
        &["-e", "await host.rpc('x')", "--rpc", "x=sleep 1000 & sleep 1000", "--max-wall-ms", "50"],
        3,
        "--max-wall-ms",
    );
}

#[test]
fn a_signal_stops_the_script() {
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
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let mut err = String::new();
    stderr.read_to_string(&mut err).unwrap();
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
}

#[test]
fn a_sealed_snapshot_wants_its_key() {
    let folder = folder("sealed");
    let key = write(&folder, "key", "0123456789abcdef".repeat(4) + "\n");
    let other = write(&folder, "other", "f".repeat(64));
    let short = write(&folder, "short", "abc");
    let out = folder.join("sealed.jar").to_str().unwrap().to_owned();
    prints(&["snapshot", "-e", "const secret = 'marmalade'", "-o", &out, "--key-file", &key], "");
    let bytes = fs::read(&out).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"marmalade"));
    prints(&["run", "--from", &out, "-p", "secret", "--key-file", &key], "marmalade\n");
    refuses(&["run", "--from", &out, "-p", "secret"], 2, "BELLJAR_KEY");
    refuses(&["run", "--from", &out, "-p", "secret", "--key-file", &other], 2, "the key");
    refuses(&["run", "--from", &out, "-p", "secret", "--key-file", &short], 2, "64 hexadecimal digits");
    let mut command = belljar();
    command.args(["run", "--from", &out, "-p", "secret"]).env("BELLJAR_KEY", "0123456789ABCDEF".repeat(4));
    assert_eq!(end(command).out, "marmalade\n");
}

#[test]
fn completions_name_the_tasks() {
    let script = run(&["completions", "bash"]);
    assert_eq!(script.code, 0);
    assert!(script.out.contains("snapshot") && script.out.contains("--max-cpu-ms"));
}

/// Each line of the README's block is a command, and after `#` what it prints.
#[test]
fn the_commands_of_the_readme_print_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let section = readme.split("\n## Command line\n").nth(1).expect("the README has the section");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it has a block");
    let folder = folder("readme");
    write(&folder, "rules.js", "const price = n => n * 2.5");
    let bin = Path::new(BELLJAR).parent().unwrap().to_str().unwrap();
    let mut count = 0;
    for line in block.lines() {
        let (command, said) = line.rsplit_once(" # ").expect("each line says what it prints");
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&folder)
            .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
            .output()
            .unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains(said.trim()), "{command}: {shown}");
        count += 1;
    }
    assert!(count >= 5);
}
