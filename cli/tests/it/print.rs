//! What `-p` prints: any value, as the console shows it, and what that costs.

use crate::repl::{Terminal, home};
use crate::support::{belljar, end, folder, prints, refuses, run};

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
    prints(&["-p", "1; new RangeError('far')"], "RangeError: far\n    at <eval> ([eval]:1:8)\n");
    prints(&["-p", "console.log('a\\n'); 1"], "a\n\n1\n");
}

#[test]
fn the_value_printed_is_that_of_the_last_expression() {
    prints(&["-p", "let n = 20; n * 2 + 2; // and that is it"], "42\n");
    prints(&["-p", "var f = n => n * 2\nf(4)"], "8\n");
    prints(&["-p", "function f() { return 1 } f()"], "1\n");
    // These end in a statement, whose value the engine knows all the same.
    prints(&["-p", "if (true) 5"], "5\n");
    prints(&["-p", "if (false)\n1"], "undefined\n");
    prints(&["-p", "for (var i = 0; i < 3; i++)\ni"], "2\n");
    prints(&["-p", "class A {}"], "undefined\n");
    prints(&["-p", "1, 2"], "2\n");
    prints(&["-p", "var a = {} + 1\na"], "[object Object]1\n");
    prints(&["-p", "var a = String.raw\n`x`; [a]"], "[ \"x\" ]\n");
    prints(&["-p", &("var n = 0;".to_owned() + &"n++;".repeat(500) + "[n]")], "[ 500 ]\n");
    prints(&["-p", "({ a: 1, b: 2 })"], "{ a: 1, b: 2 }\n");
    for wrong in
        ["{ a: 1, b: }", "1), (2", "1)), console.log(3), (0, (2", "1], [2", "1 /* never closed", "1, ", "...[1]"]
    {
        refuses(&["-p", wrong], 1, "SyntaxError");
    }
}

#[test]
fn the_value_of_a_last_statement_is_printed_as_that_of_an_expression() {
    prints(&["-p", "try { new Map([[1, 2]]) } finally { 3 }"], "Map { 1 => 2 }\n");
    prints(&["-p", "try { await host.rpc('x') } catch (e) { [e.name] }"], "[ \"Error\" ]\n");
    prints(&["-p", "for (let i = 0; i < 3; i++) { [i] }"], "[ 2 ]\n");
    prints(&["-p", "if (false) 1n; else 2n"], "2n\n");
    prints(&["-p", "switch (2) { case 1: [1]; break; case 2: [2]; break }"], "[ 2 ]\n");
    prints(&["-p", "[1]; if (false) [2]"], "undefined\n");
    prints(&["-p", "[1]; let a = 2"], "[ 1 ]\n");
    prints(&["-p", "'use strict'; if (true) { (function () { return [this] })() }"], "[ undefined ]\n");
    let ended = run(&["-p", "if (true) {\n  1n; null.x\n}"]);
    assert!(ended.err.contains("--> [eval]:2:7\n"), "{}", ended.err);
}

#[test]
fn a_string_that_is_no_whole_text_is_printed_without_quotes() {
    prints(&["-p", "'\\ud800x'"], "\u{fffd}x\n");
}

#[test]
fn a_script_that_replaces_the_console_is_printed_all_the_same() {
    prints(&["-p", "console.log = () => {}; String.prototype.toWellFormed = null; [1]"], "[ 1 ]\n");
    prints(&["-p", "globalThis.console = null; 'text'"], "text\n");
    let out = folder("silent").join("silent.jar").to_str().unwrap().to_owned();
    prints(&["snapshot", "-e", "console.log = () => {}", "-o", &out], "");
    prints(&["--from", &out, "-p", "[{ a: 1n }]"], "[ { a: 1n } ]\n");
}

#[test]
fn printing_a_value_costs_what_showing_it_costs_and_the_script_nothing_else() {
    let fuel = |arguments: &[&str]| -> u64 {
        let told = run(&[&["--stats"], arguments].concat()).err;
        told.split_whitespace().nth(1).and_then(|fuel| fuel.parse().ok()).expect("the first row is fuel")
    };
    // The first new global takes the guest a copy of the names of all globals.
    for (code, showing) in [
        ("undefined", 0..=0),
        ("let a = 1; a += 2; if (a) void 0", 0..=0),
        ("1 + 2", 1..=20_000),
        ("await 7", 1..=20_000),
        ("for (let i = 0; i < 1000; i++) i", 1..=20_000),
    ] {
        let (evaluated, printed) = (fuel(&["-e", code]), fuel(&["-p", code]));
        assert!(showing.contains(&(printed - evaluated)), "{code}: {evaluated} and {printed}");
        let report: serde_json::Value = serde_json::from_str(&run(&["--json", "-p", code]).out).expect("it is JSON");
        assert_eq!(report["stats"]["fuel"], evaluated, "{code}");
    }
}

#[test]
fn what_begins_with_a_brace_is_an_object_if_it_can_be_one() {
    prints(&["-p", "{ a: 1 }"], "{ a: 1 }\n");
    prints(&["-p", "{a: 1, b: 2}"], "{ a: 1, b: 2 }\n");
    prints(&["-p", " { a: await 1, [2]: `}` };\n"], "{ 2: \"}\", a: 1 }\n");
    prints(&["-p", "{}"], "{}\n");
    prints(&["-p", "{ a: 1 }.a"], "1\n");
    // Blocks stay blocks.
    prints(&["-p", "{ let a = 2; a + 1 }"], "3\n");
    prints(&["-p", "{ a: 1 } 5"], "5\n");
    prints(&["-p", "{ }; 7"], "7\n");
    prints(&["-e", "{ console.log(1) }"], "1\n");
    let report: serde_json::Value = serde_json::from_str(&run(&["--json", "-p", "{ a: 1 }"]).out).expect("it is JSON");
    assert_eq!(report["value"]["a"], 1);
    let ended = run(&["-p", "{ a: null.x }"]);
    assert!(ended.code == 1 && ended.err.contains("1 | ({ a: null.x }"), "{}", ended.err);
}

#[test]
fn a_long_value_is_broken_into_lines_as_node_does_it() {
    let code = "{ name: 'n'.repeat(30), numbers: Array.from({ length: 30 }, (_, i) => i * i), list: ['a', { b: 1 }] }";
    let out = run(&["-p", code]).out;
    let node = std::process::Command::new("node").args(["-p", &format!("({code})")]).env("NO_COLOR", "1").output();
    let node = String::from_utf8(node.expect("node is installed").stdout).expect("it prints text");
    assert_eq!(out.replace('"', "'"), node);
    assert!(out.lines().count() > 6 && out.lines().all(|line| line.len() <= 80), "{out}");
    // A string is what it is, and a stack has its own lines.
    prints(&["-p", "'{ a: 1, '.repeat(20)"], &("{ a: 1, ".repeat(20) + "\n"));
    let out = run(&["-p", "[new Error('x'), 'y'.repeat(90)]"]).out;
    assert!(out.starts_with("[ Error: x\n"), "{out}");
}

#[test]
fn a_value_has_colours_on_a_terminal_and_nowhere_else() {
    let home = home("print");
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        let sent = Terminal::open_with(&home, arguments, variables).all();
        String::from_utf8(sent).expect("what is sent is UTF-8")
    };
    let code = "({ a: 1, b: 'x' })";
    let painted = shown(&["-p", code], &[]);
    assert!(painted.contains("\u{1b}[33m1\u{1b}[0m") && painted.contains("\u{1b}[32m\"x\""), "{painted:?}");
    for plain in [shown(&["-p", code], &[("NO_COLOR", "1")]), shown(&["-p", code], &[("TERM", "dumb")])] {
        assert_eq!(plain, "{ a: 1, b: \"x\" }\r\n");
    }
    assert_eq!(shown(&["-p", "'1 + 2'"], &[]), "1 + 2\r\n", "a string is as it is");
    let hostile = shown(&["-p", "['\\x9b31m\\x1b]0;t\\x07']"], &[]);
    assert!(!hostile.contains('\u{9b}') && !hostile.contains("\u{1b}]"), "{hostile:?}");
    for variable in ["CLICOLOR_FORCE", "FORCE_COLOR"] {
        let mut command = belljar();
        command.args(["-p", code]).env(variable, "1");
        assert_eq!(end(command).out, "{ a: 1, b: \"x\" }\n", "{variable}");
    }
}

#[test]
fn limits_hold_while_a_value_is_printed() {
    let code = "let a = {}; for (let i = 0; i < 3e5; i++) a['k' + i] = i; ";
    let made = run(&["--stats", "-e", &format!("{code}void 0")]).err;
    let fuel = made.split_whitespace().nth(1).expect("the first row is fuel").to_owned();
    assert_eq!(run(&["-e", &format!("{code}void 0"), "--max-fuel", &fuel]).code, 0);
    refuses(&["-p", &format!("{code}a"), "--max-fuel", &fuel], 3, "--max-fuel");
}

#[test]
fn a_script_whose_value_is_printed_throws_where_it_was_typed() {
    for (code, place) in [("1;\n let a = 1; a + foo.bar", "2:17"), ("foo", "1:1"), ("null.x", "1:1")] {
        let ended = run(&["-p", code]);
        assert!(ended.err.contains(&format!("--> [eval]:{place}\n")), "{code}: {}", ended.err);
        assert!(ended.err.ends_with(&format!("[eval]:{place})\n")), "{code}: {}", ended.err);
    }
}
