//! What a run gives to its script: arguments, input, and replies that are text.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use serde_json::{Value, json};

use crate::support::{belljar, end, feed, folder, prints, refuses, run, write};

const SHOW: &str = "console.log(JSON.stringify(script.args))";

#[test]
fn words_after_the_script_are_its_arguments() {
    let folder = folder("arguments");
    let file = write(&folder, "rules.js", SHOW);
    prints(&[&file], "[]\n");
    prints(&[&file, "one", "two words", "", "größe"], "[\"one\",\"two words\",\"\",\"größe\"]\n");
    prints(&["run", &file, "one", "run", "doctor"], "[\"one\",\"run\",\"doctor\"]\n");
    prints(&["--max-cpu-ms", "100", &file, "one"], "[\"one\"]\n");
    prints(&["-e", SHOW, "one", "two"], "[\"one\",\"two\"]\n");
    prints(&["-p", "script.args", "rules.js"], "[ \"rules.js\" ]\n");
    let program = folder.join("rules.prog").to_str().unwrap().to_owned();
    assert_eq!(run(&["compile", &file, "-o", &program]).code, 0);
    prints(&[&program, "one"], "[\"one\"]\n");
    let mut command = belljar();
    command.args(["-", "one"]).stdin(std::fs::File::open(&file).unwrap());
    assert_eq!(end(command).out, "[\"one\"]\n");
}

/// As with Node and Deno, what comes after the script is for the script. What could be meant for belljar is refused.
#[test]
fn a_flag_among_the_arguments_is_never_taken_for_one_of_the_other_side() {
    let folder = folder("argument_flags");
    let file = write(&folder, "rules.js", SHOW);
    prints(&[&file, "--fast", "-x", "-1", "--level=3"], "[\"--fast\",\"-x\",\"-1\",\"--level=3\"]\n");
    for flag in ["--json", "--max-cpu-ms", "--max-cpu-ms=5", "-v", "-e", "-e1", "--help", "-h", "--from", "--rpc=a=b"] {
        for words in [&[flag][..], &["one", flag, "5"]] {
            let arguments = [&[file.as_str()], words].concat();
            let ended = run(&arguments);
            assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.out);
            let told = [ended.out, ended.err].concat();
            assert!(told.contains("stands among the arguments of the script"), "{arguments:?}: {told}");
        }
        let expected = format!("{}\n", json!([flag, "5"]));
        prints(&[&file, "--", flag, "5"], &expected);
        prints(&["-e", SHOW, "--", flag, "5"], &expected);
    }
    prints(&[&file, "--", "--", "a"], "[\"--\",\"a\"]\n");
    prints(&["-e", SHOW, "--", "a", "--json"], "[\"a\",\"--json\"]\n");
    let tool = write(&folder, "tool", format!("#!/usr/bin/env -S belljar --\n{SHOW}"));
    prints(&["--", &tool, "--json"], "[\"--json\"]\n");
    prints(&["--", &file, "a", "--json"], "[\"a\",\"--json\"]\n");
    prints(&[&file, "a", "--", "b"], "[\"a\",\"--\",\"b\"]\n");
    refuses(&["--nonsense", &file], 2, "--nonsense");
    refuses(&["compile", &file, "two", "-o", "x"], 2, "two");
    let mut command = belljar();
    command.arg(&file).arg(OsString::from_vec(vec![b'a', 0xff]));
    let ended = end(command);
    assert!(ended.code == 2 && ended.err.contains("is not UTF-8"), "{}", ended.err);
}

#[test]
fn input_is_json_or_text_as_the_flag_says() {
    let folder = folder("input_data");
    let orders = write(&folder, "orders.json", "\u{feff}[{\"id\": 7, \"note\": \"\\ud800\\u2028'\\\"\"}]\n");
    let show = "typeof script.input + ' ' + JSON.stringify(script.input)";
    prints(&["-p", show, "--input", &orders], "object [{\"id\":7,\"note\":\"\\ud800\u{2028}'\\\"\"}]\n");
    prints(&["-p", "script.input.length", "--input-text", &orders], "39\n");
    assert_eq!(feed(&["-p", show, "--input", "-"], b" 12 ").out, "number 12\n");
    assert_eq!(feed(&["-p", show, "--input-text", "-"], b" 12 \n").out, "string \" 12 \\n\"\n");
    assert_eq!(feed(&["-p", show, "--input-text", "-"], b"").out, "string \"\"\n");
    prints(&["-p", "typeof script.input"], "undefined\n");
    let file = write(&folder, "rules.js", "console.log(script.args[0], script.input[0].id)");
    prints(&["--input", &orders, &file, "id"], "id 7\n");
    let report: Value =
        serde_json::from_str(&run(&["--json", "--input", &orders, "-p", "script.input[0].id"]).out).unwrap();
    assert_eq!(report["value"], 7);
}

#[test]
fn input_that_cannot_be_is_told_by_its_name() {
    let folder = folder("input_bad");
    let bad = write(&folder, "bad.json", "{\"a\": }");
    let binary = write(&folder, "binary", [0xff, 0xfe]);
    refuses(&["-p", "1", "--input", &bad], 2, "bad.json: not JSON: ");
    refuses(&["-p", "1", "--input", &bad], 2, "--input-text takes it as text");
    refuses(&["-p", "1", "--input", "-"], 2, "standard input: not JSON");
    refuses(&["-p", "1", "--input-text", &binary], 2, "binary is no input for a script: it is not UTF-8 at byte 0");
    refuses(&["-p", "1", "--input", "/nowhere"], 2, "/nowhere cannot be read");
    refuses(&["-p", "1", "--input", &bad, "--input-text", &bad], 2, "cannot be used with");
    refuses(&["-", "--input"], 2, "--input");
    refuses(&["--input", "-", "-"], 2, "cannot both come from standard input");
    refuses(&["--input", "-"], 2, "no script");
    let ended = run(&["--json", "--rpc-all", "-", "--input", "-", "-e", "1"]);
    assert!(ended.code == 2 && ended.out.contains("replies from standard input"), "{}", ended.out);
}

#[test]
fn input_is_bounded_by_the_limits_of_the_script() {
    let folder = folder("input_bounds");
    let large = write(&folder, "large", "x".repeat(2 << 20));
    let ended = run(&["-p", "script.input.length", "--input-text", &large, "--max-source-mb", "1"]);
    assert_eq!((ended.code, ended.out.as_str()), (3, ""));
    assert!(ended.err.contains("large: source_too_large") && ended.err.contains("--max-source-mb"), "{}", ended.err);
    prints(&["-p", "script.input.length", "--input-text", &large, "--max-source-mb", "3"], "2097152\n");
    let deep = write(&folder, "deep", "[".repeat(1_000_000) + &"]".repeat(1_000_000));
    let ended = run(&["-p", "1", "--input", &deep]);
    assert!(ended.code != 0 && !ended.err.contains("panicked"), "{}", ended.err);
    prints(&["-p", "script.input.length", "--input", &write(&folder, "many", json!(vec![1; 10]).to_string())], "10\n");
}

/// Nothing in the data is code, and nothing but the data is in the jar.
#[test]
fn a_script_gets_the_data_and_nothing_else() {
    let folder = folder("input_hostile");
    let keys = write(&folder, "keys", r#"{"__proto__": {"a": 1}, "constructor": 2, "toString": "3", "a b": [[{}]]}"#);
    prints(
        &["-p", "JSON.stringify([Object.keys(script.input), script.input.a, ({}).a])", "--input", &keys],
        "[[\"__proto__\",\"constructor\",\"toString\",\"a b\"],null,null]\n",
    );
    for text in ["`${globalThis.x = 1}`", "\");globalThis.x = 1;(\"", "\\", "'\\u2028\u{2028}\r\n\0", "*/ // <!-- -->"]
    {
        let file = write(&folder, "text", text);
        let code = "JSON.stringify([script.input, typeof x])";
        prints(&["-p", code, "--input-text", &file], &format!("{}\n", json!([text, "undefined"])));
    }
    let frozen =
        "const deep = value => Object(value) !== value || Object.isFrozen(value) && Object.values(value).every(deep);
        [script, script.args, script.input].every(deep)";
    prints(&["-p", frozen, "--input", &keys, "one"], "true\n");
    prints(&["-p", "Object.keys(script).join()", "--input", &keys], "args,input\n");
    let (bare, given) = ("Object.getOwnPropertyNames(globalThis).sort().join()", "host.rpc.length + typeof host");
    let names = run(&["-p", bare]).out;
    assert_eq!(names, run(&["-p", bare, "--input", &keys, "one"]).out);
    let without = run(&["json"]);
    assert_eq!(without.code, 0);
    assert_eq!(run(&["-p", given]).out, run(&["-p", given, "--input", &keys]).out);
    // Only a run has it: neither a snapshot nor a client gets the arguments of anybody.
    prints(&["snapshot", "-e", "if (typeof script !== 'undefined') throw 1", "-o", "/dev/null"], "");
    assert!(feed(&["json"], b"{\"eval\": \"typeof script\"}\n").out.contains("\"undefined\""));
}

#[test]
fn a_snapshot_that_replaced_built_ins_runs_and_cannot_be_given_anything() {
    let out = folder("input_replaced").join("jar").to_str().unwrap().to_owned();
    prints(&["snapshot", "-e", "JSON.parse = () => { throw new Error('mine') }", "-o", &out], "");
    prints(&["--from", &out, "-p", "1 + 2"], "3\n");
    refuses(&["--from", &out, "-p", "1 + 2", "one"], 1, "mine");
    prints(&["snapshot", "-e", "const script = 1", "-o", &out], "");
    prints(&["--from", &out, "-p", "script", "one"], "1\n");
}

/// A script that costs nothing runs under a limit that defining the global would exceed.
#[test]
fn a_limit_bounds_the_script_and_not_what_it_was_not_given() {
    prints(&["-e", "1", "--max-fuel", "60000"], "");
    refuses(&["-e", "1", "--max-fuel", "60000", "one"], 3, "--max-fuel (fuel) raises it");
}

#[test]
fn flags_that_take_things_from_a_script_leave_it_its_arguments() {
    prints(&["--no-codegen", "--seed", "7", "--clock", "5", "-p", "script.args", "one"], "[ \"one\" ]\n");
}

#[test]
fn a_script_may_have_its_own_name_of_that_kind() {
    for code in ["let script = 1; script", "const script = 1; script", "var script = 1; script"] {
        prints(&["-p", code, "one"], "1\n");
    }
    prints(&["-p", "function script() { return 1 } script()"], "1\n");
    prints(&["-p", "class script { static a = 1 } script.a"], "1\n");
}

#[test]
fn what_a_script_costs_does_not_depend_on_what_it_is_given() {
    let folder = folder("input_cost");
    let many = write(&folder, "many", json!(vec![7; 100_000]).to_string());
    let fuel = |arguments: &[&str]| -> u64 {
        let report: Value = serde_json::from_str(&run(&[&["--json"], arguments].concat()).out).expect("it is JSON");
        report["stats"]["fuel"].as_u64().expect("it has run")
    };
    let (without, with) = (fuel(&["-p", "1 + 2"]), fuel(&["-p", "1 + 2", "--input", &many]));
    assert!(without.abs_diff(with) < 2_000, "{without} and {with}");
}

#[test]
fn a_command_may_reply_with_text() {
    let with = |code: &str, route: &str| run(&["-p", code, "--rpc-text", route]);
    let ask = "JSON.stringify(await host.rpc('x', { a: 1 }))";
    for (command, reply) in [
        ("x=echo 12", "\"12\"\n"),
        ("x=printf 'a\\nb\\r\\n\\n'", "\"a\\nb\"\n"),
        ("x=true", "\"\"\n"),
        ("x=cat", "\"{\\\"a\\\":1}\"\n"),
        ("x=printf ' \"\\\\ '", "\" \\\"\\\\ \"\n"),
    ] {
        let ended = with(ask, command);
        assert_eq!((ended.out.as_str(), ended.err.as_str()), (reply, ""), "{command}");
    }
    let code = "await host.rpc('x').catch(e => e.code)";
    assert_eq!(with(code, "x=printf '\\377'").out, "invalid_reply\n");
    assert_eq!(with(code, "x=exit 3").out, "command_failed\n");
    assert_eq!(with("(await host.rpc('x')).length", "x=head -c 2000000 /dev/zero | tr '\\0' y").out, "2000000\n");
    let large = run(&["-p", code, "--max-message-mb", "1", "--rpc-text", "x=head -c 2000000 /dev/zero"]);
    assert_eq!(large.out, "message_too_large\n");
    refuses(&["-p", "1", "--rpc", "x=cat", "--rpc-text", "x=cat"], 2, "twice");
    let lines = feed(&["json", "--rpc-text", "x=echo text"], b"{\"eval\": \"await host.rpc('x')\"}\n").out;
    assert!(lines.contains("\"result\":\"text\""), "{lines}");
}
