//! Scripts of the JSON lines that wait for an answer which comes later.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::lines::Talk;
use crate::support::{folder, secret};

const FLAGS: [&str; 3] = ["json", "--rpc-all", "-"];

/// The answer to a request. Its calls of `approve` are all paused, and its other calls get their parameters.
fn paused(talk: &mut Talk, request: &Value) -> Value {
    talk.say(&request.to_string());
    loop {
        let line = talk.hear();
        let Some(call) = line.get("rpc") else { return line };
        let reply = if call["method"] == "approve" {
            json!({ "rpc_response": { "id": call["id"], "pause": true } })
        } else {
            json!({ "rpc_response": { "id": call["id"], "result": call["params"] } })
        };
        talk.say(&reply.to_string());
    }
}

fn resume(snapshot: &Value, answers: Value) -> Value {
    json!({ "resume": { "snapshot": snapshot, "answers": answers } })
}

/// The lines of the page, each block in a process of its own.
#[test]
fn the_example_of_the_page_pauses_in_one_process_and_goes_on_in_another() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/JSON-PROTOCOL.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let blocks: Vec<&str> = page.split("```jsonl\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2);
    let mut known: HashMap<&str, String> = HashMap::new();
    for block in blocks {
        // The page has the moment of this clock.
        let mut talk = Talk::begin(&[&FLAGS[..], &["--clock", "2024-02-29T12:00:00Z"]].concat());
        for line in block.lines() {
            let (side, text) = line.split_at(2);
            let filled = known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
            if side == "> " {
                talk.say(&filled);
                continue;
            }
            let mut heard = talk.hear();
            heard.as_object_mut().unwrap().remove("stats");
            if let Some(paused) = heard.get_mut("paused") {
                for (name, place) in [("CALL", "/calls/0/id"), ("SNAPSHOT", "/snapshot")] {
                    let value = paused.pointer_mut(place).unwrap().take().as_str().unwrap().to_owned();
                    *paused.pointer_mut(place).unwrap() = name.into();
                    known.insert(name, value);
                }
            }
            assert_eq!(heard, serde_json::from_str::<Value>(&filled).unwrap());
        }
        assert_eq!(talk.end(), Some(0));
    }
    assert_eq!(known.len(), 2);
}

#[test]
fn every_request_that_runs_a_script_can_pause_and_go_on_where_it_is() {
    let mut talk = Talk::begin(&FLAGS);
    let code = "host.on('buy', async n => n + await host.rpc('approve', n)); let log = [await host.rpc('echo', 1)];
        log.push(await host.rpc('approve', 2)); log";
    let waits = paused(&mut talk, &json!({ "id": "a", "eval": code }));
    assert_eq!((&waits["id"], waits.get("result")), (&json!("a"), None));
    assert!(waits["stats"]["rpcCalls"].as_u64().unwrap() == 2 && waits["error"].is_null(), "{waits}");
    let id = &waits["paused"]["calls"][0]["id"];
    let done = talk.ask(&json!({ "resume": { "answers": [{ "id": id, "result": 5 }] } }).to_string());
    assert_eq!(done["result"], json!([1, 5]));
    assert!(done["stats"]["fuel"].as_u64().unwrap() > 0);

    let waits = paused(&mut talk, &json!({ "dispatch": { "name": "buy", "params": 3 } }));
    let id = &waits["paused"]["calls"][0]["id"];
    let failed = json!({ "id": id, "error": { "code": "declined", "message": "no" } });
    let done = talk.ask(&json!({ "resume": { "answers": [failed] } }).to_string());
    assert_eq!((&done["error"]["message"], &done["error"]["blame"]), (&json!("no"), &json!("script")));

    let program = talk.ask(r#"{"compile": "1 + await host.rpc('approve')"}"#)["result"].clone();
    let waits = paused(&mut talk, &json!({ "run": program }));
    assert_eq!(waits["paused"]["calls"][0].get("params"), None);
    let id = &waits["paused"]["calls"][0]["id"];
    assert_eq!(paused(&mut talk, &json!({ "resume": { "answers": [{ "id": id, "result": 1 }] } }))["result"], 2);
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn a_paused_call_tells_when_it_was_made_and_a_resume_does_not_change_that() {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let mut talk = Talk::begin(&FLAGS);
    let before = now();
    let waits = paused(&mut talk, &json!({ "eval": "await Promise.all([host.rpc('approve'), host.rpc('approve')])" }));
    let calls = waits["paused"]["calls"].clone();
    let made_at = u128::from(calls[0]["madeAt"].as_u64().unwrap());
    assert!((before..=now()).contains(&made_at), "{calls}");
    let answers = json!([{ "id": calls[1]["id"], "result": 1 }]);
    let again = paused(&mut talk, &resume(&waits["paused"]["snapshot"], answers));
    assert_eq!(again["paused"]["calls"], json!([calls[0]]));
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn calls_without_an_answer_stay_paused_and_a_script_may_pause_again() {
    let mut talk = Talk::begin(&FLAGS);
    let code =
        "const all = Promise.all([1, 2].map(n => host.rpc('approve', n))); [await all, await host.rpc('approve', 3)]";
    let first = paused(&mut talk, &json!({ "eval": code }));
    let calls = first["paused"]["calls"].as_array().unwrap();
    assert_eq!(calls.iter().map(|call| call["params"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    let second = paused(&mut talk, &json!({ "resume": { "answers": [{ "id": calls[1]["id"], "result": "two" }] } }));
    assert_eq!(second["paused"]["calls"], json!([calls[0]]));
    let third = paused(&mut talk, &json!({ "resume": { "answers": [{ "id": calls[0]["id"], "result": "one" }] } }));
    let id = &third["paused"]["calls"][0]["id"];
    let done = talk.ask(&json!({ "resume": { "answers": [{ "id": id, "result": 3 }] } }).to_string());
    assert_eq!(done["result"], json!([["one", "two"], 3]));
    // The first snapshot is still good, in any instance, and once more.
    for name in ["x", "x"] {
        let mut again = resume(&first["paused"]["snapshot"], json!([{ "id": calls[0]["id"], "result": 1 }]));
        again["instance"] = name.into();
        assert_eq!(paused(&mut talk, &again)["paused"]["calls"], json!([calls[1]]));
    }
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn a_resume_that_cannot_be_changes_nothing() {
    let mut talk = Talk::begin(&FLAGS);
    let plain = talk.ask(r#"{"snapshot": true}"#)["result"].clone();
    assert_eq!(talk.ask(r#"{"eval": "var kept = 7"}"#)["result"], Value::Null);
    let none = talk.ask(r#"{"resume": {"answers": []}}"#);
    assert!(none["error"]["message"].as_str().unwrap().contains("nothing is paused here"), "{none}");
    assert!(none.get("stats").is_none(), "{none}");
    let waits = paused(&mut talk, &json!({ "instance": "b", "eval": "await host.rpc('approve')" }));
    let (id, snapshot) = (&waits["paused"]["calls"][0]["id"], &waits["paused"]["snapshot"]);
    for (request, code) in [
        (resume(&plain, json!([])), "invalid_input"),
        (resume(&json!("AAAA"), json!([])), "invalid_snapshot"),
        (resume(&json!("***"), json!([])), "invalid_input"),
        (resume(snapshot, json!([{ "id": "00c0ffee00c0ffee-7", "result": 1 }])), "invalid_input"),
        (resume(snapshot, json!([{ "id": id }, { "id": id }])), "invalid_input"),
        (resume(snapshot, json!([{ "id": "7" }])), "invalid_input"),
        (resume(snapshot, json!([{ "id": id, "extra": 1 }])), "invalid_input"),
        (resume(snapshot, json!(7)), "invalid_input"),
        (json!({ "restore": snapshot }), "invalid_snapshot"),
        (json!({ "resume": { "snapshot": snapshot } }), "invalid_input"),
    ] {
        let refused = talk.ask(&request.to_string());
        assert_eq!(refused["error"]["code"], code, "{refused}");
        assert_eq!(talk.ask(r#"{"eval": "kept"}"#)["result"], 7);
    }
    // The other instance waits all the same.
    let answer = json!({ "instance": "b", "resume": { "answers": [{ "id": id, "result": 1 }] } });
    assert_eq!(talk.ask(&answer.to_string())["result"], 1);
    assert_eq!(talk.ask(&answer.to_string())["error"]["code"], "invalid_input", "once");
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn a_line_of_answers_is_bounded() {
    let mut talk = Talk::begin(&[&FLAGS[..], &["--max-pending-rpc", "2000"]].concat());
    let code = "(await Promise.all(Array.from({ length: 1025 }, (_, n) => host.rpc('approve', n)))).length";
    let waits = paused(&mut talk, &json!({ "eval": code }));
    let calls = waits["paused"]["calls"].as_array().unwrap();
    let answers: Vec<Value> = calls.iter().map(|call| json!({ "id": call["id"], "result": 1 })).collect();
    let refused = talk.ask(&json!({ "resume": { "answers": answers } }).to_string());
    assert!(refused["error"]["message"].as_str().unwrap().contains("at most 1024 answers"), "{refused}");
    let more = talk.ask(&json!({ "resume": { "answers": answers[..1024] } }).to_string());
    assert_eq!(more["paused"]["calls"], json!([calls[1024]]));
    assert_eq!(talk.ask(&json!({ "resume": { "answers": answers[1024..] } }).to_string())["result"], 1025);
    // More calls than may be in flight at once are a limit, paused or not.
    let refused = paused(&mut talk, &json!({ "eval": code.replace("1025", "2001") }));
    assert_eq!(refused["error"]["code"], "rpc_limit_exceeded", "{refused}");
    assert_eq!(talk.end(), Some(0));
}

/// Sixteen megabytes that do not pack.
#[test]
fn a_snapshot_too_large_for_a_line_is_left_out_and_the_script_goes_on_where_it_is() {
    let mut talk = Talk::begin(&FLAGS);
    let code = "let noise = new Uint8Array(16 << 20); let s = 1;
        for (let i = 0; i < noise.length; i += 4) { s = s * 1664525 + 1013904223 | 0; noise[i] = s >> 24;
            noise[i + 1] = s >> 16; noise[i + 2] = s >> 8; noise[i + 3] = s >> 11 }
        await host.rpc('approve') + noise.length";
    let waits = paused(&mut talk, &json!({ "eval": code }));
    assert_eq!((&waits["paused"]["snapshot"], &waits["error"]), (&Value::Null, &Value::Null), "{waits}");
    let id = &waits["paused"]["calls"][0]["id"];
    let done = talk.ask(&json!({ "resume": { "answers": [{ "id": id, "result": 1 }] } }).to_string());
    assert_eq!(done["result"], (16 << 20) + 1);
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn a_script_goes_on_with_the_budget_that_it_had_left_or_with_a_new_one() {
    let mut talk = Talk::begin(&FLAGS);
    let work = "for (let i = 0; i < 100000; i++);";
    let cost = talk.ask(&json!({ "eval": work }).to_string())["stats"]["fuel"].as_u64().unwrap();
    talk.ask(&json!({ "limits": { "maxFuel": cost * 3 / 2 } }).to_string());
    let waits = paused(&mut talk, &json!({ "eval": format!("{work} await host.rpc('approve'); {work} 'done'") }));
    let (snapshot, id) = (&waits["paused"]["snapshot"], &waits["paused"]["calls"][0]["id"]);
    let mut request = resume(snapshot, json!([{ "id": id }]));
    assert_eq!(talk.ask(&request.to_string())["error"]["code"], "fuel_limit_exceeded");
    request["resume"]["renewBudget"] = true.into();
    assert_eq!(talk.ask(&request.to_string())["result"], "done");
    // Limits change while a script waits.
    request["resume"]["answers"] = json!([]);
    assert!(talk.ask(&request.to_string())["paused"].is_object());
    assert_eq!(talk.ask(r#"{"limits": {"maxFuel": null}}"#)["result"]["maxFuel"], Value::Null);
    assert_eq!(talk.ask(&json!({ "resume": { "answers": [{ "id": id }] } }).to_string())["result"], "done");
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn what_cannot_pause_says_so() {
    let mut talk = Talk::begin(&FLAGS);
    let refused = paused(&mut talk, &json!({ "inspect": "await host.rpc('approve')" }));
    assert_eq!(refused["error"]["code"], "paused");
    let told = refused["error"]["message"].as_str().unwrap();
    assert!(
        told.contains("(approve)") && told.contains("eval, dispatch, run and resume") && !told.contains("step"),
        "{told}"
    );
    let sync = paused(&mut talk, &json!({ "eval": "try { host.rpcSync('approve') } catch (e) { e.code }" }));
    assert_eq!(sync["result"], "paused");
    // A new call gives a paused one up, and so does a reset.
    let waits = paused(&mut talk, &json!({ "eval": "var before = 1; await host.rpc('approve')" }));
    assert!(waits["paused"].is_object());
    assert_eq!(talk.ask(r#"{"eval": "before + 1"}"#)["result"], 2);
    assert_eq!(talk.ask(r#"{"resume": {"answers": []}}"#)["error"]["code"], "invalid_input");
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn a_paused_script_is_sealed_when_there_is_a_key() {
    let key = secret(&folder("pausing_key"), "key", "0123456789abcdef".repeat(4));
    let flags = [&FLAGS[..], &["--key-file", &key]].concat();
    let mut talk = Talk::begin(&flags);
    let waits = paused(&mut talk, &json!({ "eval": "const word = 'marmalade'; await host.rpc('approve'); word" }));
    let (snapshot, id) = (&waits["paused"]["snapshot"], &waits["paused"]["calls"][0]["id"]);
    let request = resume(snapshot, json!([{ "id": id }])).to_string();
    assert_eq!(Talk::begin(&flags).ask(&request)["result"], "marmalade");
    assert_eq!(Talk::begin(&FLAGS).ask(&request)["error"]["code"], "invalid_snapshot");
    assert_eq!(talk.end(), Some(0));
}
