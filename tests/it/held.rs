//! Memory that the host keeps for an instance is bounded by `memory_bytes`, and error messages quote little of a
//! script's text.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belljar::{
    Answer, Call, Error, Instance, JsError, LimitKind, Limits, Recording, Reply, Router, RpcError, Turn, Value, Verdict,
};
use serde::Deserialize;

use crate::support::{
    Log, assert_usable, block_on, forget_peak, is_alone, jar_of, jar_with_router, limit_of, peak_resident_bytes,
    resident_bytes, runtime,
};

const MB: usize = 1_000_000;
/// The most characters of a script's text that a message shows.
const SHOWN: usize = 80;

/// A router whose handlers reply with this many characters, at once or after a yield to the executor, and count their
/// runs.
fn pages() -> (Router, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let (here, there) = (runs.clone(), runs.clone());
    let page = |bytes: usize| "x".repeat(bytes);
    let router = Router::new()
        .handle("page", move |_: &Call, bytes: usize| {
            here.fetch_add(1, Ordering::SeqCst);
            Ok(page(bytes))
        })
        .handle_async("fetch", move |_: Call, bytes: usize| {
            let runs = there.clone();
            async move {
                tokio::task::yield_now().await;
                runs.fetch_add(1, Ordering::SeqCst);
                Ok(page(bytes))
            }
        })
        .handle("size", |_: &Call, text: String| Ok(text.len()))
        .handle("pause", |_: &Call, _: Value| Reply::pause());
    (router, runs)
}

fn memory(bytes: usize) -> Limits {
    Limits { memory_bytes: bytes as u64, js_heap_bytes: (bytes as u64).min(32 << 20), ..Limits::default() }
}

fn paused(turn: belljar::Result<Turn>) {
    match turn {
        Ok(Turn::Paused(_)) => {}
        other => panic!("it should have been paused: {other:?}"),
    }
}

/// Runs some work in a separate process, and returns how far the process's memory peaked above its start.
#[track_caller]
fn growth(jar: &mut Instance, run: impl FnOnce(&mut Instance)) -> u64 {
    // Memory that a first call maps stays mapped, so it is mapped before the measurement.
    assert_usable(jar);
    forget_peak();
    let before = resident_bytes().unwrap_or(0);
    run(jar);
    peak_resident_bytes().unwrap_or(0).saturating_sub(before)
}

// ---- replies

#[test]
fn replies_that_wait_for_the_guest_count_and_no_handler_is_started_once_they_are_too_many() {
    let (router, runs) = pages();
    let mut jar = jar_of(&router, &memory(16 << 20));
    let script = "for (let i = 0; i < 256; i++) host.rpc('page', 5e6); 'done'";
    for is_async in [false, true] {
        let ended = if is_async { block_on(jar.eval_async(script)) } else { jar.eval(script) };
        assert_eq!(limit_of(ended), (LimitKind::Memory, 16 << 20));
        // Three fit; the fourth does not.
        assert_eq!(runs.swap(0, Ordering::SeqCst), 4);
        assert_usable(&mut jar);
    }
    let three =
        "Promise.all([1, 2, 3].map(() => host.rpc('page', 5e6).then(page => page.length))).then(all => all.join())";
    assert_eq!(jar.eval(three).unwrap().as_str(), "\"5000000,5000000,5000000\"");
    assert_usable(&mut jar);
}

#[test]
fn replies_of_async_handlers_reach_the_guest_before_more_are_asked_for() {
    let (router, runs) = pages();
    let mut jar = jar_of(&router, &memory(16 << 20));
    // All together would not fit, but the host never holds them at the same time.
    let script = "let sum = 0; const add = page => { sum += page.length };
        await Promise.all(Array.from({ length: 50 }, () => host.rpc('fetch', 1e6).then(add))); sum";
    assert_eq!(block_on(jar.eval_async(format!("{{ {script} }}"))).unwrap().as_str(), "50000000");
    assert_eq!(runs.swap(0, Ordering::SeqCst), 50);
    // The same handlers finish while the guest waits for another call, so their replies stay on the host.
    let script =
        "for (let i = 0; i < 50; i++) host.rpc('fetch', 1e6); host.rpcSync('fetch', 1); host.rpcSync('fetch', 1)";
    assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::Memory, 16 << 20));
    assert!(runs.load(Ordering::SeqCst) < 20, "{runs:?} ran");
    assert_usable(&mut jar);
}

#[test]
fn the_reply_of_a_synchronous_call_counts_beside_those_that_wait() {
    let (router, _) = pages();
    let mut jar = jar_of(&router, &memory(16 << 20));
    let script =
        |bytes: u32| format!("host.rpc('page', 5e6); host.rpc('page', 5e6); host.rpcSync('page', {bytes}).length");
    assert_eq!(jar.eval(script(5_000_000)).unwrap().as_str(), "5000000");
    assert_usable(&mut jar);
    assert_eq!(limit_of(jar.eval(script(8_000_000))), (LimitKind::Memory, 16 << 20));
    assert_usable(&mut jar);
    // Any number fits, one at a time.
    assert_eq!(
        jar.eval("let n = 0; for (let i = 0; i < 20; i++) n += host.rpcSync('page', 5e6).length; n").unwrap().as_str(),
        "100000000"
    );
}

#[test]
fn what_is_gone_weighs_nothing() {
    let log = Log::default();
    let (router, _) = pages();
    let lines = log.clone();
    let router = router
        .handle_async("failing", |_: Call, text: String| async move { Err::<(), _>(RpcError::new("failed", text)) })
        .on_console(move |_, _, line| lines.push(line.len().to_string()))
        .on_unhandled_rejection(|_, _| Verdict::Continue);
    let limits = Limits {
        console_bytes: u64::MAX,
        js_heap_bytes: 8 << 20,
        wall_time: Duration::MAX,
        cpu_time: Duration::MAX,
        ..memory(8 << 20)
    };
    let mut jar = jar_of(&router, &limits);
    jar.eval("var big = 'x'.repeat(1e6)").unwrap();
    // Three times what fits of each, sequentially, in one call.
    for step in [
        "host.rpcSync('page', 1e6)",
        "host.rpcSync('fetch', 1e6)",
        "host.rpcSync('size', big)",
        "await host.rpc('page', 1e6)",
        "await host.rpc('fetch', 1e6)",
        "await host.rpc('size', big)",
        "await host.rpc('failing', big).catch(() => {})",
        "await host.rpc('unknown', big).catch(() => {})",
        "await host.rpc(big).catch(() => {})",
        "try { host.rpcSync(big) } catch {}",
        "for (let j = 0; j < 12; j++) console.log('x'.repeat(32e3))",
    ] {
        let script = format!("for (let i = 0; i < 25; i++) {{ {step} }} 'done'");
        assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "\"done\"", "{step}");
    }
    assert_eq!(log.take(), vec!["32000"; 25 * 12]);
    // The same with paused calls, each answered before the next one.
    let mut turn = block_on(jar.step_eval_async("for (let i = 0; i < 25; i++) await host.rpc('pause', big); 'done'"));
    for _ in 0..25 {
        paused(turn);
        let id = jar.pending()[0].id;
        turn = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
    }
    match turn.unwrap() {
        Turn::Done(value) => assert_eq!(value.as_str(), "\"done\""),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_host_holds_little_more_than_memory_bytes_for_replies() {
    if !is_alone("held::the_host_holds_little_more_than_memory_bytes_for_replies") {
        return;
    }
    let (router, _) = pages();
    let mut jar = jar_of(&router, &Limits::default());
    for script in [
        "for (let i = 0; i < 256; i++) host.rpc('page', 9e6); 'done'",
        "for (let i = 0; i < 256; i++) host.rpc('fetch', 9e6); host.rpcSync('fetch', 1); host.rpcSync('fetch', 1)",
    ] {
        let grown = growth(&mut jar, |jar| {
            assert_eq!(limit_of(block_on(jar.eval_async(script))).0, LimitKind::Memory);
        });
        // In addition to the 64 MiB: the reply that did not fit, and the value that the handler made it from.
        println!("{} MB for {script}", grown / MB as u64);
        assert!(grown < 120 * MB as u64, "{grown} bytes for {script}");
    }
}

// ---- calls that wait, paused ones among them

#[test]
fn paused_calls_keep_their_weight() {
    let (router, _) = pages();
    let mut jar = jar_of(&router, &memory(16 << 20));
    let script = |calls: u32| {
        format!(
            "const big = 'x'.repeat(5e6); for (let i = 0; i < {calls}; i++) host.rpc('pause', big); await new Promise(() => {{}})"
        )
    };
    assert_eq!(limit_of(block_on(jar.step_eval_async(script(4)))), (LimitKind::Memory, 16 << 20));
    assert!(jar.pending().is_empty());
    assert_usable(&mut jar);
    jar.reset().unwrap();
    paused(block_on(jar.step_eval_async(script(3))));
    assert_eq!(jar.pending().len(), 3);
}

#[test]
fn paused_calls_keep_their_weight_when_the_script_goes_on_and_give_it_back_when_they_are_answered() {
    let (router, _) = pages();
    // Each round pauses one call more than it answers.
    let script = "const big = 'x'.repeat(5e6); let calls = [host.rpc('pause', big)];
        for (;;) { await Promise.race(calls); calls = [host.rpc('pause', big), host.rpc('pause', big)] }";
    let mut jar = jar_of(&router, &memory(16 << 20));
    paused(block_on(jar.step_eval_async(script)));
    for expected in [2, 3] {
        let id = jar.pending()[0].id;
        paused(block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))])));
        assert_eq!(jar.pending().len(), expected);
    }
    // A restored instance holds them too.
    let snapshot = jar.snapshot().unwrap();
    let mut twin = runtime().restore(&snapshot, &router, &memory(16 << 20)).unwrap();
    for jar in [&mut jar, &mut twin] {
        let id = jar.pending()[2].id;
        let ended = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
        assert_eq!(limit_of(ended.map(drop)), (LimitKind::Memory, 16 << 20), "two and two do not fit");
        assert_usable(jar);
    }
    let error = runtime().restore(&snapshot, &router, &memory(14 << 20)).unwrap_err();
    assert_eq!(error.code(), "limit_too_low");
    assert_eq!(error.advice().unwrap(), "raise `Limits::memory_bytes`");
}

#[test]
fn paused_calls_are_in_flight() {
    let (router, _) = pages();
    let mut jar = jar_of(&router, &Limits { pending_rpcs: 8, ..Limits::default() });
    let script =
        |calls: u32| format!("for (let i = 0; i < {calls}; i++) host.rpc('pause', i); await new Promise(() => {{}})");
    assert_eq!(limit_of(block_on(jar.step_eval_async(script(9)))), (LimitKind::PendingRpcs, 8));
    assert_usable(&mut jar);
    // Calls that were paused in an earlier turn count too.
    let script = "let n = 0; for (;;) { const calls = []; for (let i = 0; i < 4; i++) calls.push(host.rpc('pause', n++)); await Promise.race(calls) }";
    paused(block_on(jar.step_eval_async(script)));
    let first = [(jar.pending()[0].id, Answer::Result(Value::UNDEFINED))];
    paused(block_on(jar.resume_async(first)));
    assert_eq!(jar.pending().len(), 7);
    // Answers one call of the second round, so that there is a third.
    let second = [(jar.pending()[6].id, Answer::Result(Value::UNDEFINED))];
    assert_eq!(limit_of(block_on(jar.resume_async(second)).map(drop)), (LimitKind::PendingRpcs, 8));
    assert_usable(&mut jar);
}

#[test]
fn what_a_recording_writes_down_in_a_call_counts() {
    let (router, runs) = pages();
    let recording = Recording::new();
    let mut jar = jar_of(&recording.record(&router), &memory(8 << 20));
    for call in ["host.rpcSync('page', 2e6)", "await host.rpc('page', 2e6)", "await host.rpc('fetch', 2e6)"] {
        let script = format!("for (let i = 0; i < 200; i++) {call}");
        assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::Memory, 8 << 20), "{call}");
        assert!(runs.swap(0, Ordering::SeqCst) <= 5, "{call}");
        assert_usable(&mut jar);
    }
    let script = "const big = 'x'.repeat(2e6); for (let i = 0; i < 200; i++) host.rpcSync('size', big)";
    assert_eq!(limit_of(jar.eval(format!("{{ {script} }}"))), (LimitKind::Memory, 8 << 20));
    assert_usable(&mut jar);
    // Each call has the whole limit.
    for _ in 0..3 {
        assert_eq!(
            jar.eval("host.rpcSync('page', 2e6).length + host.rpcSync('page', 2e6).length").unwrap().as_str(),
            "4000000"
        );
    }
}

// ---- lines, rejections, results

#[test]
fn lines_and_rejections_that_wait_count() {
    let log = Log::default();
    let limits = Limits { console_bytes: u64::MAX, message_bytes: 1 << 30, ..memory(16 << 20) };
    let judge = log.clone();
    let router = log.console().on_unhandled_rejection(move |_, error: &JsError| {
        judge.push(error.message.len().to_string());
        Verdict::Continue
    });
    let mut jar = jar_of(&router, &limits);
    // Built-ins produce each of them in less than a slice.
    for say in ["console.log(big)", "Promise.reject(big)"] {
        let script =
            |count: u32| format!("{{ const big = 'x'.repeat(3e6); for (let i = 0; i < {count}; i++) {say}; 'done' }}");
        let ended = jar.eval(script(40));
        let heard = log.take().len();
        match ended {
            // The lines of a busy script are printed at the end of each slice, so many can pass.
            Ok(done) => assert_eq!((done.as_str(), heard), ("\"done\"", 40), "{say}"),
            ended => assert_eq!(limit_of(ended), (LimitKind::Memory, 16 << 20), "{say}"),
        }
        assert_usable(&mut jar);
        assert_eq!(jar.eval(script(1)).unwrap().as_str(), "\"done\"", "{say}");
        assert_eq!(log.take().len(), 1, "{say}");
    }
}

// ---- messages

/// A text that needs escaping and is longer than a message shows.
fn hostile() -> String {
    "\u{7f}".repeat(1000)
}

/// Checks that a message shows only a short part of [`hostile`], all of it escaped.
#[track_caller]
fn assert_short(message: &str) {
    assert_short_in(message, 1);
}

/// As [`assert_short`], for a message that quotes it in this many places.
#[track_caller]
fn assert_short_in(message: &str, places: usize) {
    assert!(!message.contains('\u{7f}'), "{message:?}");
    let shown = message.matches("\\u{7f}").count();
    assert!(((places - 1) * SHOWN / 2..=places * SHOWN).contains(&shown), "{shown} characters of it in {message}");
    assert!(message.contains('…'), "{message}");
}

/// The error that a script catches from a call.
fn caught(jar: &mut Instance, call: &str) -> String {
    let script = format!("(async () => {{ try {{ await {call} }} catch (e) {{ return e.message }} }})()");
    block_on(jar.eval_async(script)).unwrap().get().unwrap()
}

#[test]
fn an_unknown_method_is_named_in_part() {
    let mut jar = jar_with_router(&Router::new());
    let name = serde_json::to_string(&hostile()).unwrap();
    assert_short(&caught(&mut jar, &format!("host.rpc({name})")));
    assert_short(&caught(&mut jar, &format!("host.rpcSync({name})")));
    assert_eq!(caught(&mut jar, "host.rpc('it\\'s \"odd\"')"), r#"no handler is registered for "it's \"odd\"""#);
}

#[test]
fn a_method_of_a_fallback_is_named_in_part() {
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "n")]
        _n: u32,
    }
    let name = serde_json::to_string(&hostile()).unwrap();
    let router = Router::new().fallback(|_: &Call, _: Params| Ok(()));
    let message = caught(&mut jar_with_router(&router), &format!("host.rpc({name}, {{ n: 'x' }})"));
    assert_short(&message);
    assert!(message.contains("expected u32"), "{message}");
    let router = Router::new().fallback_async(|_: Call, _: Value| std::future::ready(Ok::<_, RpcError>(())));
    let mut jar = jar_with_router(&router);
    let message = jar.eval(format!("try {{ host.rpcSync({name}) }} catch (e) {{ e.message }}")).unwrap();
    assert_short(&message.get::<String>().unwrap());
    assert!(message.as_str().contains("is async"), "{message}");
}

#[test]
fn params_that_do_not_fit_are_shown_in_part() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Params {
        #[serde(default)]
        _n: u32,
    }
    let router = Router::new().handle("take", |_: &Call, _: Params| Ok(())).handle("map", |_: &Call, _: Map| Ok(()));
    type Map = std::collections::BTreeMap<String, u32>;
    let mut jar = jar_with_router(&router);
    let text = serde_json::to_string(&hostile()).unwrap();
    for (call, places) in [
        (format!("host.rpc('take', {text})"), 1),
        (format!("host.rpc('take', {{ _n: {text} }})"), 1),
        // In the path, and in the message.
        (format!("host.rpc('take', {{ [{text}]: 1 }})"), 2),
        (format!("host.rpc('map', {{ [{text}]: 'no number' }})"), 1),
    ] {
        assert_short_in(&caught(&mut jar, &call), places);
    }
    // Short text is shown in full.
    assert_eq!(
        caught(&mut jar, "host.rpc('take', { amount: 1 })"),
        "take: at amount: unknown field `amount`, expected `_n` at line 1 column 9"
    );
    let error = jar.eval(&*text).unwrap().get::<Params>().unwrap_err();
    assert_eq!(error.code(), "wrong_shape");
    assert_short(&error.to_string());
}

#[test]
fn lists_of_names_are_short_and_say_how_many_they_leave_out() {
    let router = Router::new()
        .handle_async("never", |_: Call, _: Value| std::future::pending::<Result<(), RpcError>>())
        .fallback(|_: &Call, _: Value| Reply::pause());
    let mut jar = jar_with_router(&router);
    let Err(Error::NeverSettled { pending }) =
        jar.eval("for (let i = 0; i < 200; i++) host.rpc('never'); new Promise(() => {})")
    else {
        panic!("it should wait for ever")
    };
    assert_eq!((pending.len(), pending[0].as_str(), pending[20].as_str()), (21, "never", "180 more"));
    let script = "for (let i = 0; i < 200; i++) host.rpc('\\x7f'.repeat(1000) + i); await new Promise(() => {})";
    let Err(error @ Error::Paused { .. }) = block_on(jar.eval_async(script)) else { panic!("a handler paused it") };
    let Error::Paused { pending } = &error else { unreachable!() };
    assert_short(&pending[0]);
    assert_eq!((pending.len(), pending[20].as_str()), (21, "180 more"));
    assert!(error.to_string().len() < 20_000 && !error.to_string().contains('\u{7f}'));
    assert_usable(&mut jar);
}

#[test]
fn an_event_without_a_handler_is_named_in_part() {
    let mut jar = jar_with_router(&Router::new());
    let error = jar.dispatch(&hostile(), &()).unwrap_err();
    assert_eq!(error.code(), "no_such_event");
    assert_short(&error.to_string());
}

#[test]
fn a_replay_that_differs_names_both_calls_in_part() {
    let router = Router::new().fallback(|_: &Call, _: Value| Ok(()));
    let recording = Recording::new();
    let text = serde_json::to_string(&hostile()).unwrap();
    jar_of(&recording.record(&router), &Limits::default()).eval(format!("host.rpcSync({text}, {text})")).unwrap();
    let replay = recording.replay();
    let error =
        jar_of(&replay.router(), &Limits::default()).eval(format!("host.rpcSync('other', {text})")).unwrap_err();
    assert_eq!(error.code(), "replay_diverged");
    // The params of this call, and the method and params of the recorded one.
    assert_short_in(&error.to_string(), 3);
    assert_short_in(&replay.finish().unwrap_err().to_string(), 2);
}

#[test]
fn a_value_without_a_json_form_is_described_in_part() {
    let error = jar_with_router(&Router::new())
        .eval(format!("({{ toJSON() {{ throw new Error({}) }} }})", serde_json::to_string(&hostile()).unwrap()))
        .unwrap_err();
    if error.code() == "not_serializable" {
        assert!(
            error.to_string().matches("\\u{7f}").count() <= 2 * SHOWN && !error.to_string().contains('\u{7f}'),
            "{error}"
        );
    }
}

#[test]
fn the_host_holds_little_for_messages_about_long_names() {
    if !is_alone("held::the_host_holds_little_for_messages_about_long_names") {
        return;
    }
    let router = Router::new().handle("take", |_: &Call, _: u32| Ok(())).handle("map", |_: &Call, _: Map| Ok(()));
    type Map = std::collections::BTreeMap<String, u32>;
    let mut jar = jar_of(&router, &Limits::default());
    for call in ["host.rpc(m)", "host.rpc('take', m)", "host.rpc('map', { [m]: 'no number' })"] {
        // Seven of these calls at once; the guest itself holds one copy of the text.
        let count = if call == "host.rpc(m)" { 7 } else { 2 };
        let script = format!(
            "const m = '\\x7f'.repeat(9e6); for (let i = 0; i < {count}; i++) {call}.catch(() => {{}}); 'done'"
        );
        let grown = growth(&mut jar, |jar| {
            assert_eq!(block_on(jar.eval_async(format!("{{ {script} }}"))).unwrap().as_str(), "\"done\"", "{call}");
        });
        println!("{} MB for {call}", grown / MB as u64);
        assert!(grown < 120 * MB as u64, "{grown} bytes for {call}");
    }
}
