//! What reaches a terminal: nothing that a script, a file or a name says may command it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::repl::{CTRL_D, Terminal, home};
use crate::support::{device, feed, folder, prints, run, stdout_link, write};

/// The terminal of whoever opens it.
const TTY: (u32, u32) = (5, 0);

/// Every character that commands a terminal, and some that stand next to them.
fn hostile() -> String {
    let marks =
        ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'];
    ('\0'..=' ').chain('\u{7e}'..='\u{a1}').chain(marks).chain(['é', '日', '😀', '\u{2027}', '\u{202f}']).collect()
}

/// The same as an expression of JavaScript, in plain letters.
fn expression() -> String {
    let numbers: Vec<_> = hostile().chars().map(|character| u32::from(character).to_string()).collect();
    format!("String.fromCodePoint({})", numbers.join(","))
}

fn commands(text: &str) -> Vec<char> {
    let is_mark =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| (c.is_control() && *c != '\n') || is_mark(*c)).collect()
}

#[track_caller]
fn is_clean_json(text: &str) -> Vec<Value> {
    assert_eq!(commands(text), [], "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_report_as_json_says_everything_and_commands_nothing() {
    let (text, code) = (hostile(), expression());
    let report = |arguments: &[&str]| {
        let ended = run(&[&["--json"], arguments].concat());
        assert_eq!(commands(&ended.err), []);
        let mut lines = is_clean_json(&ended.out);
        assert_eq!(lines.len(), 1, "{}", ended.out);
        lines.remove(0)
    };
    let told = report(&["-p", &format!("console.log({code}); ({{ [{code}]: [{code}] }})")]);
    assert_eq!(told["value"], json!({ text.as_str(): [text.as_str()] }));
    assert_eq!(told["logs"][0]["text"], text.as_str());
    let thrown = report(&["-e", &format!("throw {code}")]);
    assert_eq!(thrown["error"]["thrown"], text.as_str());
    let thrown = report(&["-e", &format!("const e = new Error({code}); e.name = {code}; throw e")]);
    assert_eq!((&thrown["error"]["name"], &thrown["error"]["message"]), (&json!(text), &json!(text)));
    let thrown = report(&["-e", &format!("({{ [{code}]() {{ null.x }} }})[{code}]()")]);
    assert_eq!(thrown["error"]["name"], "TypeError");
    let thrown = report(&["-e", &format!("await host.rpc({code})")]);
    assert_eq!(thrown["error"]["call"]["method"], text.as_str());
    let refused = report(&["\u{9b}31m\u{202e}"]);
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("\u{9b}31m\u{202e} cannot be read"));
    let refused = report(&["-p", "1", "--max-cpu-ms", "\u{9b}31m"]);
    assert!(refused["error"]["message"].as_str().unwrap().contains("\u{9b}31m"));
}

#[test]
fn every_line_of_the_protocol_says_everything_and_commands_nothing() {
    let (text, code) = (hostile(), expression());
    let quoted = |source: &str| serde_json::to_string(source).unwrap();
    // Of an id, the client's own spelling comes back; of a name that it escaped, the value.
    let input = [
        format!("{{\"id\": \"\u{9b}\u{7f}\u{202e}\",\r\t\"eval\": {}}}", quoted(&code)),
        format!("{{\"id\": [1,\r 2], \"eval\": {}}}", quoted(&format!("console.warn({code}); throw {code}"))),
        format!("{{\"inspect\": {}}}", quoted(&code)),
        format!("{{\"eval\": {}}}", quoted(&format!("await host.rpc({code}, {code})"))),
        format!("{{\"snapshot\": {{\"label\": {}}}}}", quoted(&text)),
        "{\"limits\": {\"\u{9b}\": 1}}".to_owned(),
        "{\"\u{9b}\u{85}\u{202e}\": 1}".to_owned(),
        format!("{{\"dispatch\": {{\"name\": {}}}}}", quoted(&text)),
    ]
    .join("\n");
    let ended = feed(&["json", "--rpc-all", "-"], input.as_bytes());
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let lines = is_clean_json(&ended.out);
    assert_eq!(lines.len(), 9, "{}", ended.out);
    assert_eq!((&lines[0]["id"], &lines[0]["result"]), (&json!("\u{9b}\u{7f}\u{202e}"), &json!(text)));
    assert_eq!((&lines[1]["id"], &lines[1]["error"]["thrown"]), (&json!([1, 2]), &json!(text)));
    assert_eq!(lines[1]["logs"][0]["text"], text.as_str());
    assert_eq!(lines[2]["text"], text.as_str());
    assert_eq!(lines[3]["rpc"], json!({ "id": 1, "method": text, "params": text }));
    assert_eq!(lines[4]["error"]["call"], json!({ "method": text, "code": "client_gone" }));
    assert_eq!(lines[8]["error"]["code"], "no_such_event");
}

#[test]
fn what_a_file_says_of_itself_commands_nothing_as_json() {
    let folder = folder("terminal_inspect");
    let file = folder.join("\u{9b}\u{202e}.jar").to_str().unwrap().to_owned();
    let label = hostile().replace('\0', "");
    prints(&["snapshot", "-e", "1", "--label", &label, "-o", &file], "");
    let about = &is_clean_json(&run(&["inspect", "--json", &file]).out)[0];
    assert_eq!((&about["snapshot"]["label"], &about["file"]), (&json!(label), &json!(file)));
    assert_eq!(is_clean_json(&run(&["doctor", "--json"]).out).len(), 1);
    let script = write(&folder, "\u{9b}\u{202e}.js", "1");
    let report = &is_clean_json(&run(&["bench", "--json", "--rounds", "1", "--threads", "1", &script]).out)[0];
    assert_eq!(report["script"], script.as_str());
}

/// What a terminal was sent, without the commands that paint and those of the line editor.
fn commands_sent(sent: &[u8]) -> Vec<char> {
    let text = String::from_utf8(sent.to_vec()).expect("what is sent is UTF-8");
    let mut rest = text.replace(['\r', '\t'], "");
    for own in [
        "\u{1b}[?2004h",
        "\u{1b}[?2004l",
        "\u{1b}[?2026h",
        "\u{1b}[?2026l",
        "\u{1b}[K",
        "\u{1b}[J",
        "\u{1b}[6n",
        "\u{1b}[?25h",
        "\u{1b}[?25l",
    ] {
        rest = rest.replace(own, "");
    }
    let mut left = String::new();
    let mut parts = rest.split("\u{1b}[");
    left.push_str(parts.next().unwrap());
    for part in parts {
        let after = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match after.strip_prefix(['m', 'A', 'B', 'C', 'D', 'H']) {
            Some(after) => left.push_str(after),
            None => left.push_str(&format!("\u{1b}[{part}")),
        }
    }
    commands(&left)
}

/// Runs the command in a terminal of its own, to its end.
#[track_caller]
fn in_a_terminal(home: &Path, arguments: &[&str]) -> String {
    let mut terminal = Terminal::open(home, arguments);
    let sent = terminal.all();
    assert_eq!(commands_sent(&sent), [], "{arguments:?}: {}", String::from_utf8_lossy(&sent));
    String::from_utf8(sent).unwrap()
}

#[test]
fn no_script_commands_a_terminal() {
    let home = home("terminal");
    let text = expression();
    let name = "\u{9b}31m\u{1b}]0;t\u{7}\u{202e}.js";
    fs::write(home.join(name), "null.x").unwrap();
    for code in [
        format!("console.log({text}); console.error({text}); console.trace({text}); console.table([{text}])"),
        format!("throw new Error({text}, {{ cause: new Error({text}) }})"),
        format!("throw {text}"),
        format!("throw {{ [{text}]: {text} }}"),
        format!("const e = new Error({text}); e.name = {text}; e.stack = {text}; throw e"),
        format!("({{ [{text}]() {{ null.x }} }})[{text}]()"),
        format!("eval('null.x //' + {text})"),
        format!("await host.rpc({text})"),
        format!("await host.rpc({text}, 1, 2); await host.rpc('fails')"),
        format!("host.on({text}, 1)"),
        "null./*\u{9b}31m\u{1b}]0;t\u{7}\u{202e}*/x".to_owned(),
    ] {
        for flag in ["-e", "-p"] {
            in_a_terminal(&home, &["run", flag, &code]);
            in_a_terminal(&home, &["run", "-v", "--stats", "--rpc", "fails=exit 3", flag, &code]);
        }
        in_a_terminal(&home, &["run", "--json", "-e", &code]);
    }
    assert!(in_a_terminal(&home, &["-p", &text]).contains("\\u{9b}"));
    in_a_terminal(&home, &["-p", &format!("({{ [{text}]: [{text}, Symbol({text}), /{{}}/] }})")]);
    assert!(in_a_terminal(&home, &[name]).contains("\\u{9b}31m"));
    in_a_terminal(&home, &["missing\u{9b}31m"]);
    // The arguments that the command itself did not understand.
    assert!(in_a_terminal(&home, &["--max-cpu-ms", "\u{9b}31m\u{1b}]0;t\u{7}"]).contains("\\u{9b}31m"));
    in_a_terminal(&home, &["--\u{9b}31m"]);
    in_a_terminal(&home, &["man", "\u{9b}31m"]);
    in_a_terminal(&home, &["-p", "1", "--rpc", "\u{9b}=cat", "--rpc", "\u{9b}=cat"]);
}

#[test]
fn no_file_commands_a_terminal() {
    let home = home("terminal_files");
    let label = hostile().replace('\0', "");
    in_a_terminal(&home, &["snapshot", "-e", "1", "--label", &label, "-o", "file"]);
    let shown = in_a_terminal(&home, &["inspect", "file"]);
    let names: Vec<_> = shown.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["file", "bytes", "kind", "build", "label", "memory", "waits"], "a label is one line: {shown}");
    in_a_terminal(&home, &["inspect", "--json", "file"]);
    // Neither kind of file is text.
    for task in ["compile", "snapshot"] {
        let terminal = device(&home, &format!("tty-{task}"), TTY).unwrap_or_else(|| "/dev/fd/1".to_owned());
        for place in ["-", &stdout_link(&home), "/dev/fd/2", &terminal] {
            let shown = in_a_terminal(&home, &[task, "-e", "1", "-o", place]);
            assert!(shown.contains("is a terminal"), "{shown}");
        }
    }
}

#[test]
fn no_name_commands_the_terminal_of_the_prompt() {
    let home = home("terminal_prompt");
    let text = "\u{9b}31m\u{7f}\u{202e}";
    let source = format!("host.on('a{text}', n => n); host.on('b{text}', n => n); host.on('plain', n => n)");
    fs::write(home.join("events.js"), source).unwrap();
    fs::write(home.join(format!("x{text}1.js")), "1").unwrap();
    fs::write(home.join(format!("x{text}2.js")), "2").unwrap();
    let mut terminal = Terminal::start(&home);
    terminal.enter(".load events.js");
    assert!(terminal.enter(".on").contains("\\u{9b}31m"));
    // Only what can be shown and typed is offered.
    assert_eq!(terminal.enter(".dispatch \t4"), "4");
    terminal.press(".load x\t\t");
    terminal.press("\u{15}");
    assert!(terminal.enter(&format!("({{ [{0}]: {0} }})", expression())).contains("\\u{"));
    terminal.press(CTRL_D);
    let sent = terminal.all();
    // The editor rings when there is nothing to complete.
    let left: Vec<_> = commands_sent(&sent).into_iter().filter(|command| *command != '\u{7}').collect();
    assert_eq!(left, [], "{}", String::from_utf8_lossy(&sent));
}

/// The jar is asked, and not the text of what was typed.
#[test]
fn the_prompt_knows_the_events_of_the_jar_whatever_registered_them() {
    let home = home("events");
    let mut terminal = Terminal::start(&home);
    assert_eq!(terminal.enter(".on"), "");
    assert_eq!(terminal.enter("for (const name of ['paid', 'sent']) host.on(name, () => name)"), "undefined");
    // Completion asks the jar too, and leaves nothing in it.
    assert_eq!(terminal.enter("Array.prototype.conc\t.nam\t"), "\"concat\"");
    assert_eq!(terminal.enter("Reflect.ownKeys(globalThis).filter(name => String(name).includes('repl'))"), "[]");
    assert_eq!(terminal.enter(".on").replace('\n', " "), "paid sent");
    assert_eq!(terminal.enter(".dispatch pa\t"), "\"paid\"");
    assert!(terminal.enter(".save events.jar").ends_with(" bytes"));
    assert_eq!(terminal.enter(".reset"), "");
    assert_eq!(terminal.enter(".on"), "");
    assert_eq!(terminal.enter(".open events.jar"), "");
    assert_eq!(terminal.enter(".on").replace('\n', " "), "paid sent");
}
