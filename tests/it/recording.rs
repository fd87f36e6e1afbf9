//! Recordings: what they contain, and replays without handlers.

use belljar::{
    Answer, Call, Clock, Error, Instance, Limits, Recording, Replay, Reply, Router, RpcError, Snapshot, Turn, Value,
};
use std::time::Duration;

use crate::support::{Log, assert_usable, block_on, poll_until_waiting, runtime};

fn start(router: &Router) -> Instance {
    let clock = Clock::Stepped { start: Duration::from_secs(1), step: Duration::from_millis(1) };
    runtime().build_instance().seed(4).clock(clock).start(router, &Limits::default()).unwrap()
}

/// A replay of a recording that was written and read again.
fn replay(recording: &Recording) -> Replay {
    Recording::from_bytes(&recording.to_bytes()).unwrap().replay()
}

/// Handlers that answer with increasing or decreasing delay.
fn router() -> Router {
    Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle("refuse", |_: &Call, why: String| Err::<(), _>(RpcError::new("refused", why)))
        .handle("nothing", |_: &Call, _: Value| Ok(()))
        .handle_async("after", |_: Call, turns: u32| async move {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            if turns == 5 { Err(RpcError::new("late", "five is too late")) } else { Ok(turns) }
        })
}

#[test]
fn a_replay_gives_the_result_without_the_handlers() {
    for script in [
        "await host.rpc('echo', { a: [1, 'größe', null] })",
        "[host.rpcSync('echo', 1), host.rpcSync('after', 3), host.rpcSync('echo'), Math.random(), Date.now()]",
        "try { host.rpcSync('refuse', 'no') } catch (e) { `${e.code} ${e.message}` }",
        "await host.rpc('after', 5).catch(e => `${e.code} ${e.message}`)",
        "host.rpcSync('refuse', 'nobody catches this')",
        "await host.rpc('unknown', 1)",
        "[await host.rpc('nothing'), await host.rpc('nothing', null), typeof host.rpcSync('nothing', [])]",
        "host.rpc('after', 9); 'nobody waits for it'",
        "await new Promise(() => { host.rpc('echo', 1) })",
        "for (let i = 0; i < 50; i++) await host.rpc('after', i % 4); [Math.random(), Date.now()]",
    ] {
        let recording = Recording::new();
        let recorded = block_on(start(&recording.record(&router())).eval_async(script));
        let replay = replay(&recording);
        let replayed = block_on(start(&replay.router()).eval_async(script));
        assert_eq!(replayed, recorded, "{script}");
        replay.finish().unwrap();
    }
}

#[test]
fn answers_come_back_in_the_order_and_the_groups_in_which_they_came() {
    // Code that runs between two answers shows which of them arrived together.
    let script = "const order = [];
        await Promise.all([3, 0, 2, 2, 1, 4, 0].map(async (turns, i) => {
            order.push(`${i}a`); await host.rpc('after', turns); order.push(`${i}b`); await null; order.push(`${i}c`);
            if (turns === 2) { await host.rpc('after', 1); order.push(`${i}d`) }
        }));
        order.join(' ')";
    let recording = Recording::new();
    let recorded = block_on(start(&recording.record(&router())).eval_async(script)).unwrap();
    assert!(!recorded.as_str().starts_with(r#""0a 1a 2a 3a 4a 5a 6a 0b"#), "the answers came in order: {recorded}");
    for _ in 0..3 {
        let replay = replay(&recording);
        assert_eq!(block_on(start(&replay.router()).eval_async(script)).unwrap(), recorded);
        replay.finish().unwrap();
    }
}

#[test]
fn a_recording_goes_through_all_calls_of_an_instance() {
    let run = |router: &Router| {
        let mut jar = start(router);
        let program = runtime().compile("host.rpcSync('echo', 'program')").unwrap();
        vec![
            jar.eval("host.on('e', async n => await host.rpc('after', n)); host.rpcSync('echo', 1)"),
            block_on(jar.dispatch_async("e", &2)),
            jar.eval("null.x"),
            block_on(jar.dispatch_async("e", &5)),
            jar.run(&program),
        ]
    };
    let recording = Recording::new();
    let recorded = run(&recording.record(&router()));
    let replay = replay(&recording);
    assert_eq!(run(&replay.router()), recorded);
    replay.finish().unwrap();
    let calls: Vec<(String, String)> =
        recording.calls().iter().map(|call| (call.method.clone(), call.params.to_string())).collect();
    let expected = [("echo", "1"), ("after", "2"), ("after", "5"), ("echo", r#""program""#)];
    assert_eq!(calls, expected.map(|(method, params)| (method.to_owned(), params.to_owned())));
    let answers: Vec<_> = recording.calls().into_iter().map(|call| call.answer.unwrap()).collect();
    assert_eq!(answers[1], Ok(Value::of(&2).unwrap()));
    assert_eq!(answers[2], Err(RpcError::new("late", "five is too late")));
}

#[test]
fn the_first_call_that_differs_is_named_and_ends_the_script() {
    let recording = Recording::new();
    let script = "const a = await host.rpc('echo', 1); [a, host.rpcSync('echo', 2), await host.rpc('after', 1)]";
    block_on(start(&recording.record(&router())).eval_async(script)).unwrap();
    let caught = "globalThis.caught = 'nothing';
        const attempt = async f => { try { return await f() } catch (e) { caught = e.code } finally { caught += ' finally' } };";
    for (other, expected) in [
        ("host.rpc('echo', 7)", r#"the script made the call "echo" with 7 where call 1, "echo" with 1 was recorded"#),
        ("host.rpc('other', 1)", r#"the script made the call "other" with 1 where call 1, "echo" with 1 was recorded"#),
        (
            "host.rpcSync('echo', 1)",
            r#"the script made the call "echo" with 1 where call 1, "echo" with 1 was recorded"#,
        ),
        (
            "host.rpc('echo', 1).then(() => host.rpcSync('echo', 3))",
            r#"the script made the call "echo" with 3 where call 2, "echo" with 2 was recorded"#,
        ),
        (
            "[await host.rpc('echo', 1), host.rpcSync('echo', 2), await host.rpc('after', 1), await host.rpc('echo', 'more')]",
            r#"the script made the call "echo" with "more" where the recording is over"#,
        ),
        (
            "Promise.all([host.rpc('echo', 1), host.rpc('echo', 2)])",
            r#"the script made the call "echo" with 2 where the answer to call 1 was recorded"#,
        ),
        (
            "host.rpc('echo', 1).then(() => new Promise(() => {}))",
            r#"the script waits for answers where call 2, "echo" with 2 was recorded"#,
        ),
    ] {
        let replay = replay(&recording);
        let mut jar = start(&replay.router());
        let error = block_on(jar.eval_async(format!("{caught} await attempt(async () => {other})"))).unwrap_err();
        assert_eq!(error, Error::Diverged { message: expected.into() }, "{other}");
        assert_eq!((error.code(), error.blame()), ("replay_diverged", belljar::Blame::Caller));
        // No `catch` or `finally` of the script has run.
        assert_eq!(jar.eval("caught").unwrap().as_str(), r#""nothing""#, "{other}");
        assert_usable(&mut jar);
    }
}

#[test]
fn a_script_that_does_less_is_found_at_the_end() {
    let recording = Recording::new();
    block_on(start(&recording.record(&router())).eval_async("await host.rpc('echo', 1); host.rpcSync('echo', 2)"))
        .unwrap();
    let unfinished = |script: &str| {
        let replay = replay(&recording);
        block_on(start(&replay.router()).eval_async(script)).unwrap();
        replay.finish().unwrap_err().to_string()
    };
    let differs = "the replay differs from the recording: the script ended before ";
    assert_eq!(unfinished("1"), format!(r#"{differs}call 1, "echo" with 1"#));
    assert_eq!(unfinished("host.rpc('echo', 1); 1"), format!(r#"{differs}call 2, "echo" with 2"#));
    assert_eq!(unfinished("await host.rpc('echo', 1)"), format!(r#"{differs}call 2, "echo" with 2"#));
}

#[test]
fn a_script_that_was_paused_and_resumed_is_replayed_in_one_piece() {
    let pausing = Router::new()
        .handle("ask", |_: &Call, _: u32| Reply::pause())
        .handle("echo", |_: &Call, value: Value| Ok(value));
    let script = "const [a, b, c] = await Promise.all([host.rpc('ask', 1), host.rpc('echo', 2), host.rpc('ask', 3)]);
        [a, b, c, await host.rpc('ask', 4).catch(e => e.message), Math.random()]";
    let recording = Recording::new();
    let router = recording.record(&pausing);
    let mut turn = block_on(start(&router).step_eval_async(script)).unwrap();
    let result = loop {
        let paused = match turn {
            Turn::Done(value) => break value,
            Turn::Paused(paused) => paused,
            other => panic!("{other:?}"),
        };
        let snapshot = Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
        let mut jar = runtime().restore(&snapshot, &router, &Limits::default()).unwrap();
        let call = &jar.pending()[jar.pending().len() - 1];
        let answer = match call.params.get::<u32>().unwrap() {
            4 => Answer::Error(RpcError::new("no", "not today")),
            n => Answer::Result(Value::of(&(n * 10)).unwrap()),
        };
        turn = block_on(jar.resume_async([(call.id, answer)])).unwrap();
    };
    assert!(result.as_str().starts_with(r#"[10,2,30,"not today","#), "{result}");
    let replay = replay(&recording);
    assert_eq!(block_on(start(&replay.router()).eval_async(script)).unwrap(), result);
    replay.finish().unwrap();
}

#[test]
fn a_recording_goes_on_from_its_bytes() {
    // Only two files are passed from one process to the next.
    let pausing = Router::new()
        .handle("ask", |_: &Call, _: u32| Reply::pause())
        .handle("echo", |_: &Call, value: Value| Ok(value));
    let script = "const [a, b] = await Promise.all([host.rpc('ask', 1), host.rpc('ask', 1)]);
        [a, b, host.rpcSync('echo', a), await host.rpc('ask', 2)]";
    let recording = Recording::new();
    let mut turn = block_on(start(&recording.record(&pausing)).step_eval_async(script)).unwrap();
    let mut files = recording.to_bytes();
    let mut answers = 0;
    let result = loop {
        let paused = match turn {
            Turn::Done(value) => break value,
            Turn::Paused(paused) => paused,
            other => panic!("{other:?}"),
        };
        let recording = Recording::from_bytes(&files).unwrap();
        assert_eq!(recording.to_bytes(), files);
        let snapshot = Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
        let mut jar = runtime().restore(&snapshot, &recording.record(&pausing), &Limits::default()).unwrap();
        // Answers the newest first, so that a mix-up of equal calls would show.
        let call = jar.pending().last().unwrap().id;
        answers += 1;
        turn = block_on(jar.resume_async([(call, Answer::Result(Value::of(&answers).unwrap()))])).unwrap();
        files = recording.to_bytes();
    };
    assert_eq!(result.as_str(), "[2,1,2,3]");
    let recording = Recording::from_bytes(&files).unwrap();
    let told: Vec<String> =
        recording.calls().into_iter().map(|call| call.answer.unwrap().unwrap().to_string()).collect();
    assert_eq!(told, ["2", "1", "2", "3"]);
    let replay = recording.replay();
    assert_eq!(block_on(start(&replay.router()).eval_async(script)).unwrap(), result);
    replay.finish().unwrap();
}

#[test]
fn a_synchronous_call_that_was_cut_off_is_recorded_without_an_answer() {
    let never = Router::new()
        .handle_async("never", |_: Call, _: u32| std::future::pending::<Result<(), RpcError>>())
        .handle("echo", |_: &Call, value: Value| Ok(value));
    let script = "host.rpcSync('echo', 1); host.rpcSync('never', 2)";
    for is_dropped in [false, true] {
        let recording = Recording::new();
        let mut jar = start(&recording.record(&never));
        let handle = jar.cancel_handle();
        let mut call = Box::pin(jar.eval_async(script));
        assert!(poll_until_waiting(&mut call).is_pending());
        if is_dropped {
            drop(call);
        } else {
            handle.cancel();
            assert_eq!(block_on(call), Err(Error::Cancelled));
        }
        jar.reset().unwrap();
        // Later calls have other answers.
        jar.eval("host.rpcSync('echo', 3)").unwrap();
        let answers: Vec<_> =
            recording.calls().into_iter().map(|call| (call.params.to_string(), call.answer)).collect();
        let echo = |n: u32| Value::of(&n).unwrap();
        let expected = [("1", Some(Ok(echo(1)))), ("2", None), ("3", Some(Ok(echo(3))))];
        assert_eq!(answers, expected.map(|(params, answer)| (params.to_owned(), answer)));

        let replay = replay(&recording);
        let mut jar = start(&replay.router());
        let stopped = r#"the script was stopped before the call "never" with 2 had an answer"#;
        assert_eq!(block_on(jar.eval_async(script)), Err(Error::Diverged { message: stopped.into() }));
        assert_eq!(jar.eval("host.rpcSync('echo', 3)").unwrap().as_str(), "3");
        replay.finish().unwrap();
    }
}

#[test]
fn a_call_that_is_made_again_is_recorded_once() {
    let recording = Recording::new();
    let pausing = Router::new().handle("ask", |_: &Call, (): ()| Reply::pause());
    let Turn::Paused(paused) =
        block_on(start(&recording.record(&pausing)).step_eval_async("await host.rpc('ask')")).unwrap()
    else {
        panic!("it should pause")
    };
    let answering = recording.record(&Router::new().handle("ask", |_: &Call, (): ()| Ok("yes")));
    let mut jar = runtime().restore(paused.snapshot(), &answering, &Limits::default()).unwrap();
    let id = jar.pending()[0].id;
    assert!(matches!(block_on(jar.resume_async([(id, Answer::CallAgain)])), Ok(Turn::Done(_))));
    assert_eq!(recording.calls().len(), 1);
    let replay = replay(&recording);
    assert_eq!(block_on(start(&replay.router()).eval_async("await host.rpc('ask')")).unwrap().as_str(), r#""yes""#);
}

#[test]
fn a_replay_can_have_a_console() {
    let recording = Recording::new();
    let script = "console.log('answer', host.rpcSync('echo', 5))";
    start(&recording.record(&router())).eval(script).unwrap();
    let log = Log::default();
    let listener = log.clone();
    let replay = replay(&recording).router().on_console(move |_, _, line| listener.push(line));
    start(&replay).eval(script).unwrap();
    assert_eq!(log.take(), ["answer 5"]);
}

#[test]
fn bytes_that_are_no_recording_are_refused() {
    for bytes in [
        &b""[..],
        b"{}",
        b"\xff",
        br#"{"belljar_recording":1,"events":[]}"#,
        br#"{"belljar_recording":2,"events":[]}"#,
        br#"{"belljar_recording":3,"events":[],"open":{}}"#,
        br#"{"belljar_recording":2,"events":[{"answers":[[0]]}],"open":{}}"#,
        br#"{"belljar_recording":2,"events":[{"other":1}],"open":{}}"#,
    ] {
        assert_eq!(Recording::from_bytes(bytes).unwrap_err().code(), "invalid_input", "{}", bytes.escape_ascii());
    }
    let older = Recording::from_bytes(br#"{"belljar_recording":1,"events":[]}"#).unwrap_err().to_string();
    assert!(older.contains("of format 1 is not one of format 2"), "{older}");
    // A recording with answers to unknown calls gives the script none.
    let odd = br#"{"belljar_recording":2,"open":{"7":9},"events":[{"call":{"method":"echo"}},{"answers":[[9,"undefined"],[0,{"value":1}],[0,{"value":2}]]}]}"#;
    let replay = Recording::from_bytes(odd).unwrap().replay();
    assert_eq!(block_on(start(&replay.router()).eval_async("await host.rpc('echo')")).unwrap().as_str(), "1");
}

#[test]
fn a_forged_recording_with_the_largest_numbers_is_told_of_in_a_short_text() {
    let most = u64::MAX;
    let forged = format!(
        r#"{{"belljar_recording":2,"events":[{{"answers":[{}]}}],"open":{{"4294967295":{most}}}}}"#,
        vec![format!(r#"[{most},{{"value":1}}]"#); 1000].join(",")
    );
    let recording = Recording::from_bytes(forged.as_bytes()).unwrap();
    assert!(recording.calls().is_empty());
    let left = recording.replay().finish().unwrap_err();
    assert_eq!(left.code(), "replay_diverged");
    assert!(
        left.to_string().contains("the answer to call 18446744073709551615") && left.to_string().len() < 600,
        "{left}"
    );
    let replay = recording.replay();
    let diverged = start(&replay.router()).eval("host.rpcSync('echo', 1)").unwrap_err();
    assert_eq!(diverged.code(), "replay_diverged");
    // Recording can continue from these bytes.
    let mut jar = start(&recording.record(&router()));
    assert_eq!(block_on(jar.eval_async("await host.rpc('echo', 1)")).unwrap().as_str(), "1");
}

#[test]
fn a_recorded_call_with_a_long_name_is_told_of_in_a_short_text() {
    let long = "\u{1}".repeat(1 << 20);
    let recording = Recording::new();
    let router = Router::new().fallback(|_: &Call, value: Value| Ok(value));
    start(&recording.record(&router)).eval("host.rpcSync('\\x01'.repeat(1 << 20), '\\x01'.repeat(1 << 20))").unwrap();
    assert_eq!(recording.calls()[0].method, long);
    let left = recording.replay().finish().unwrap_err().to_string();
    assert!(left.len() < 2000, "{} bytes", left.len());
    let replay = recording.replay();
    let other = start(&replay.router()).eval("host.rpcSync('\\x02'.repeat(1 << 20))").unwrap_err().to_string();
    assert!(other.len() < 2000, "{} bytes", other.len());
}
