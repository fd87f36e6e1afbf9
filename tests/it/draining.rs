//! Handler calls that a script does not await: the call of the instance ends when they are answered and the code that
//! depends on them has run.

use std::future::pending;
use std::time::Duration;

use belljar::{Answer, Call, Error, Limits, Recording, Reply, Router, RpcError, Turn, Value};

use crate::support::{Log, assert_usable, block_on, jar_of, jar_with_router, limit_of, runtime, undrained};

/// `send` answers after a few polls, `never` never answers, `ask` pauses, `now` answers at once, `fail` fails after a
/// few polls.
fn router(log: &Log) -> Router {
    let (later, now) = (log.clone(), log.clone());
    Router::new()
        .handle_async("send", move |_: Call, what: Value| {
            let log = later.clone();
            async move {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                log.push(format!("sent {what}"));
                Ok(what)
            }
        })
        .handle_async("fail", |_: Call, (): ()| async {
            tokio::task::yield_now().await;
            Err::<(), _>(RpcError::new("sold_out", "nothing is left"))
        })
        .handle_async("never", |_: Call, (): ()| pending::<Result<(), RpcError>>())
        .handle("ask", |_: &Call, _: Value| Reply::pause())
        .handle("now", move |_: &Call, what: Value| {
            now.push(format!("now {what}"));
            Ok(what)
        })
}

/// The result of a script, and the log of its handlers.
fn run(script: &str) -> (belljar::Result<Value>, Vec<String>) {
    let log = Log::default();
    let mut jar = jar_with_router(&router(&log));
    let ended = block_on(jar.eval_async(script));
    assert!(jar.dropped_calls().is_empty(), "{:?}", jar.dropped_calls());
    assert_usable(&mut jar);
    (ended, log.take())
}

#[test]
fn a_call_that_nobody_awaits_is_answered_before_the_script_is_done() {
    for script in [
        "host.rpc('send', 'a'); 'done'",
        "[1].forEach(async () => { await host.rpc('send', 'a') }); 'done'",
        "async function main() { await host.rpc('send', 'a') } main(); 'done'",
        "Promise.resolve().then(() => host.rpc('send', 'a')); 'done'",
        "await 0; host.rpc('send', 'a'); 'done'",
    ] {
        let (ended, log) = run(script);
        assert_eq!(ended.unwrap().as_str(), r#""done""#, "{script}");
        assert_eq!(log, [r#"sent "a""#], "{script}");
    }
}

#[test]
fn what_follows_on_an_answer_runs_and_may_call_again() {
    let script = "(async () => { for (let i = 0; i < 4; i++) await host.rpc('send', i) })(); 'done'";
    assert_eq!(run(script).1, ["sent 0", "sent 1", "sent 2", "sent 3"]);
}

#[test]
fn a_result_is_read_when_everything_is_answered() {
    let (ended, _) = run("const seen = {}; [1, 2].forEach(async n => { seen[n] = await host.rpc('send', n) }); seen");
    assert_eq!(ended.unwrap().as_str(), r#"{"1":1,"2":2}"#);
}

#[test]
fn an_event_handler_that_does_not_return_its_promise_is_waited_for() {
    let log = Log::default();
    let mut jar = jar_with_router(&router(&log));
    jar.eval("host.on('paid', order => { host.rpc('send', order).then(() => host.rpc('send', 'after')) })").unwrap();
    assert!(block_on(jar.dispatch_async("paid", &7)).unwrap().is_undefined());
    assert_eq!(log.take(), ["sent 7", r#"sent "after""#]);
}

#[test]
fn a_program_is_waited_for_too() {
    let log = Log::default();
    let mut jar = jar_with_router(&router(&log));
    let program = runtime().compile("host.rpc('send', 1); 'done'").unwrap();
    assert_eq!(block_on(jar.run_async(&program)).unwrap().as_str(), r#""done""#);
    assert_eq!(log.take(), ["sent 1"]);
}

#[test]
fn a_script_that_throws_is_waited_for_and_has_its_error() {
    for script in [
        "host.rpc('send', 1); throw new RangeError('no')",
        "host.rpc('send', 1); await Promise.reject(new RangeError('no'))",
    ] {
        let (ended, log) = run(script);
        let Err(Error::Js(error)) = ended else { panic!("{script}: {ended:?}") };
        assert_eq!((error.name.as_str(), error.message.as_str()), ("RangeError", "no"), "{script}");
        assert_eq!(log, ["sent 1"], "{script}");
    }
}

#[test]
fn the_others_are_answered_when_one_of_many_fails() {
    let script = "await Promise.all([host.rpc('send', 1), host.rpc('fail'), host.rpc('send', 2)])";
    let (ended, mut log) = run(script);
    assert_eq!(ended.unwrap_err().code(), "js_error");
    log.sort();
    assert_eq!(log, ["sent 1", "sent 2"]);
}

#[test]
fn a_synchronous_call_runs_what_follows_on_the_answers_of_synchronous_handlers() {
    let log = Log::default();
    let mut jar = jar_with_router(&router(&log));
    let script =
        "const seen = []; (async () => { for (let i = 0; i < 3; i++) seen.push(await host.rpc('now', i)) })(); seen";
    assert_eq!(jar.eval(script).unwrap().as_str(), "[0,1,2]");
    assert_eq!(log.take(), ["now 0", "now 1", "now 2"]);
}

#[test]
fn a_synchronous_call_ends_without_the_async_handlers_and_names_them() {
    let log = Log::default();
    let mut jar = jar_with_router(&router(&log));
    assert_eq!(jar.eval("host.rpc('send', 1); host.rpc('now', 2); 'done'").unwrap().as_str(), r#""done""#);
    assert_eq!(log.take(), ["now 2"]);
    assert_eq!(jar.dropped_calls(), ["send"]);
    assert_eq!((jar.call_stats().dropped_calls, jar.stats().dropped_calls), (1, 1));
    jar.eval("1").unwrap();
    assert!(jar.dropped_calls().is_empty());
    assert_eq!((jar.call_stats().dropped_calls, jar.stats().dropped_calls), (0, 1));
}

#[test]
fn a_call_that_is_never_answered_ends_at_the_limit_and_is_named() {
    let limits = Limits { wall_time: Duration::from_millis(50), ..Limits::default() };
    let mut jar = jar_of(&router(&Log::default()), &limits);
    assert_eq!(limit_of(block_on(jar.eval_async("host.rpc('never'); host.rpc('never'); 'done'"))).1, 50);
    assert_eq!(jar.dropped_calls(), ["never", "never"]);
    assert_eq!(jar.call_stats().dropped_calls, 2);
    assert_usable(&mut jar);
}

#[test]
fn at_most_twenty_methods_are_named_and_all_are_counted() {
    let mut jar = undrained(&router(&Log::default()), &Limits::default());
    block_on(jar.eval_async("for (let i = 0; i < 30; i++) host.rpc('never'); 'done'")).unwrap();
    assert_eq!((jar.dropped_calls().len(), jar.call_stats().dropped_calls), (21, 30));
    assert_eq!(jar.dropped_calls().last().unwrap(), "10 more");
}

#[test]
fn a_paused_call_that_nobody_awaits_pauses_the_script_and_its_value_is_there_afterwards() {
    let router = router(&Log::default());
    let mut jar = jar_with_router(&router);
    let script = "globalThis.told = null; host.rpc('ask', 1).then(answer => { told = answer }); 'value'";
    let Turn::Paused(paused) = block_on(jar.step_eval_async(script)).unwrap() else { panic!("it should wait") };
    let mut twin = runtime().restore(paused.snapshot(), &router, &Limits::default()).unwrap();
    let answer = (paused.pending()[0].id, Answer::Result(Value::of("yes").unwrap()));
    let Turn::Done(value) = block_on(twin.resume_async([answer])).unwrap() else { panic!("it is answered") };
    assert_eq!(value.as_str(), r#""value""#);
    assert_eq!(twin.eval("told").unwrap().as_str(), r#""yes""#);
}

#[test]
fn a_pause_that_nobody_awaits_is_an_error_where_nothing_can_pause() {
    let mut jar = jar_with_router(&router(&Log::default()));
    let paused = Err(Error::Paused { pending: vec!["ask".into()] });
    assert_eq!(block_on(jar.eval_async("host.rpc('ask'); 'done'")), paused);
    assert_eq!(jar.eval("host.rpc('ask'); 'done'"), paused);
    assert_usable(&mut jar);
}

#[test]
fn without_draining_a_call_ends_with_its_value() {
    let log = Log::default();
    let mut jar = undrained(&router(&log), &Limits::default());
    assert_eq!(block_on(jar.eval_async("host.rpc('send', 1); 'done'")).unwrap().as_str(), r#""done""#);
    assert!(log.take().is_empty());
    assert_eq!(jar.dropped_calls(), ["send"]);
    assert_usable(&mut jar);
}

#[test]
fn a_recorded_script_that_awaits_nothing_is_replayed() {
    let recording = Recording::new();
    let script = "const seen = {}; [1, 2].forEach(async n => { seen[n] = await host.rpc('send', n) }); seen";
    let mut jar = jar_with_router(&recording.record(&router(&Log::default())));
    let value = block_on(jar.eval_async(script)).unwrap();
    let replay = recording.replay();
    assert_eq!(block_on(jar_with_router(&replay.router()).eval_async(script)).unwrap(), value);
    replay.finish().unwrap();
}

#[test]
fn what_to_json_asks_for_while_the_result_is_read_is_named() {
    let mut jar = jar_with_router(&router(&Log::default()));
    let script = "({ toJSON() { host.rpc('send', 1); return 1 } })";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "1");
    assert_eq!(jar.dropped_calls(), ["send"]);
    assert_usable(&mut jar);
}

#[test]
fn a_recording_of_a_call_that_ended_without_its_answers_is_replayed_with_the_calls_after_it() {
    for drains in [true, false] {
        let recording = Recording::new();
        let router = recording.record(&router(&Log::default()));
        let start = |router: &Router, drains: bool| {
            if drains { jar_with_router(router) } else { undrained(router, &Limits::default()) }
        };
        let mut jar = start(&router, drains);
        assert_eq!(jar.eval("host.rpc('send', 1); 'done'").unwrap().as_str(), r#""done""#);
        assert_eq!(jar.eval("host.rpcSync('now', 2)").unwrap().as_str(), "2");
        let replay = recording.replay();
        let mut again = jar_with_router(&replay.router());
        assert_eq!(again.eval("host.rpc('send', 1); 'done'").unwrap().as_str(), r#""done""#);
        assert_eq!(again.eval("host.rpcSync('now', 2)").unwrap().as_str(), "2");
        replay.finish().unwrap();
    }
}

#[test]
fn a_then_that_throws_is_waited_for_like_any_error() {
    let script = "host.rpc('send', 1); ({ get then() { throw new RangeError('no') } })";
    let (ended, log) = run(script);
    let Err(Error::Js(error)) = ended else { panic!("{ended:?}") };
    assert_eq!((error.name.as_str(), log.as_slice()), ("RangeError", ["sent 1".to_owned()].as_slice()));
}

#[test]
fn a_paused_call_that_is_cut_off_is_named() {
    let router = router(&Log::default());
    let mut jar = undrained(&router, &Limits::default());
    let Turn::Done(_) = block_on(jar.step_eval_async("host.rpc('ask', 1); 'v'")).unwrap() else { panic!("it is done") };
    assert_eq!((jar.dropped_calls(), jar.call_stats().dropped_calls), (vec!["ask".to_owned()], 1));
    let limits = Limits::default().with_wall_time(Duration::from_millis(50));
    let mut jar = jar_of(&router, &limits);
    limit_of(block_on(jar.step_eval_async("host.rpc('ask', 1); host.rpc('never'); 'v'")).map(drop));
    let mut dropped = jar.dropped_calls();
    dropped.sort();
    assert_eq!(dropped, ["ask", "never"]);
}
