//! Unhandled promise rejections: each is reported once, when it happens, and the embedder decides whether the call
//! continues.

use belljar::{Call, JsError, Limits, Router, RpcError, Verdict};

use crate::support::{Log, assert_usable, assert_usable_after_reset, block_on, jar, jar_with_router, runtime, thrown};

/// A router that logs every report and returns this verdict.
fn judged(log: &Log, verdict: Verdict) -> Router {
    let log = log.clone();
    Router::new()
        .handle("echo", |_: &Call, value: belljar::Value| Ok(value))
        .handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("no", "it failed")))
        .handle_async("later", |_: Call, value: belljar::Value| async move {
            tokio::task::yield_now().await;
            Ok(value)
        })
        .on_unhandled_rejection(move |_, error: &JsError| {
            log.push(error.message.clone());
            verdict
        })
}

#[test]
fn a_rejection_that_nobody_handles_is_reported_once() {
    for script in [
        "Promise.reject(new Error('lost')); 1",
        "(async () => { throw new Error('lost') })(); 1",
        "Promise.resolve().then(() => { throw new Error('lost') }); 1",
        "new Promise((_, reject) => reject(new Error('lost'))).then(() => 1).finally(() => 2); 1",
        "queueMicrotask(() => { throw new Error('lost') }); 1",
        "const p = Promise.reject(new Error('lost')); p.then(() => 1); 1",
        "const p = (async () => { await null; throw new Error('lost') })(); 1",
    ] {
        let log = Log::default();
        let mut jar = jar_with_router(&judged(&log, Verdict::Continue));
        let script = format!("{{ {script} }}");
        assert_eq!(jar.eval(&script).unwrap().as_str(), "1", "{script}");
        assert_eq!(log.take(), ["lost"], "{script}");
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().as_str(), "1", "{script}");
        assert_eq!(log.take(), ["lost"], "{script}");
        jar.eval("1").unwrap();
        assert!(log.take().is_empty());
    }
}

#[test]
fn a_report_is_the_whole_error() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let router = Router::new().on_unhandled_rejection(move |_, error| {
        sender.send(error.clone()).unwrap();
        Verdict::Continue
    });
    let mut jar = jar_with_router(&router);
    jar.eval("Promise.reject(new RangeError('a', { cause: 7 })); Promise.reject({ b: 1 }); 1").unwrap();
    let error = receiver.recv().unwrap();
    assert_eq!((error.name.as_str(), error.message.as_str()), ("RangeError", "a"));
    assert!(error.stack.unwrap().contains("script.js:1:"));
    assert_eq!(error.cause.unwrap().thrown.unwrap().as_str(), "7");
    assert_eq!(receiver.recv().unwrap().thrown.unwrap().as_str(), r#"{"b":1}"#);
}

#[test]
fn a_rejection_that_is_handled_in_the_same_turn_is_not_reported() {
    let log = Log::default();
    let mut jar = jar_with_router(&judged(&log, Verdict::Stop));
    for script in [
        "Promise.reject(1).catch(() => {}); 1",
        "const p = Promise.reject(1); p.catch(() => {}); 1",
        "const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => {})); 1",
        "const p = Promise.reject(1); Promise.resolve().then(() => {}).then(() => {}).then(() => p.then(null, () => {})); 1",
        "Promise.allSettled([Promise.reject(1), Promise.reject(2)]); 1",
        "Promise.all([Promise.reject(1), Promise.reject(2)]).catch(() => {}); 1",
        "(async () => { try { await Promise.reject(1) } catch {} })(); 1",
    ] {
        let script = format!("{{ {script} }}");
        assert_eq!(jar.eval(&script).unwrap().as_str(), "1", "{script}");
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().as_str(), "1", "{script}");
    }
    assert!(log.take().is_empty());
}

#[test]
fn a_rejection_that_is_the_result_is_not_reported_too() {
    let log = Log::default();
    let mut jar = jar_with_router(&judged(&log, Verdict::Stop));
    jar.eval("host.on('reject', async () => { throw new Error('mine') })").unwrap();
    for ended in [
        jar.eval("Promise.reject(new Error('mine'))"),
        jar.eval("(async () => { throw new Error('mine') })()"),
        block_on(jar.eval_async("await Promise.reject(new Error('mine'))")),
        block_on(jar.eval_async("throw new Error('mine')")),
        jar.dispatch("reject", &()),
        block_on(jar.dispatch_async("reject", &())),
    ] {
        assert_eq!(thrown(ended).message, "mine");
        assert!(log.take().is_empty());
    }
}

#[test]
fn a_call_that_fails_while_nobody_listens_is_reported() {
    let log = Log::default();
    let mut jar = jar_with_router(&judged(&log, Verdict::Continue));
    block_on(jar.eval_async("host.rpc('fail'); await host.rpc('later', 1); 1")).unwrap();
    assert_eq!(log.take(), ["it failed"]);
}

#[test]
fn a_rejection_is_reported_before_the_script_goes_on() {
    let log = Log::default();
    let console = log.clone();
    let router = judged(&log, Verdict::Continue).on_console(move |_, _, line| console.push(line));
    let mut jar = jar_with_router(&router);
    block_on(jar.eval_async("Promise.reject(new Error('lost')); await host.rpc('later', 1); console.log('on')"))
        .unwrap();
    assert_eq!(log.take(), ["lost", "on"]);
}

#[test]
fn the_verdict_stop_ends_the_call_with_the_rejection() {
    let log = Log::default();
    let mut jar = jar_with_router(&judged(&log, Verdict::Stop));
    assert_eq!(thrown(jar.eval("Promise.reject(new RangeError('lost')); 1")).name, "RangeError");
    let script = "Promise.reject(new RangeError('lost')); await host.rpc('later', 1); var reached = true";
    assert_eq!(thrown(block_on(jar.eval_async(script))).name, "RangeError");
    assert_eq!(jar.eval("typeof reached === 'undefined' || reached === undefined").unwrap().as_str(), "true");
    jar.eval("host.on('e', () => { Promise.reject(new RangeError('lost')); return 1 })").unwrap();
    assert_eq!(thrown(jar.dispatch("e", &())).name, "RangeError");
    assert_usable(&mut jar);
}

#[test]
fn without_a_judge_the_call_goes_on() {
    let mut jar = jar();
    assert_eq!(jar.eval("Promise.reject(new Error('lost')); 1").unwrap().as_str(), "1");
    assert_eq!(block_on(jar.eval_async("Promise.reject(new Error('lost')); await null; 2")).unwrap().as_str(), "2");
}

#[test]
fn a_judge_that_panics_stops_the_call() {
    let router =
        Router::new().on_unhandled_rejection(|_, _| std::panic::resume_unwind(Box::new("the judge has a bug")));
    let mut jar = jar_with_router(&router);
    assert_eq!(thrown(jar.eval("Promise.reject(new RangeError('lost')); 1")).name, "RangeError");
    assert_usable(&mut jar);
}

#[test]
fn a_flood_of_rejections_is_cut() {
    let log = Log::default();
    let mut jar = jar_with_router(&judged(&log, Verdict::Continue));
    jar.eval("for (let i = 0; i < 5000; i++) Promise.reject(i); 1").unwrap();
    let reported = log.take().len();
    assert!((1..1000).contains(&reported), "{reported}");
    assert_usable(&mut jar);
}

#[test]
fn a_promise_that_is_the_result_is_not_reported_even_if_nothing_awaited_it() {
    let log = Log::default();
    let mut jar = jar_with_router(&judged(&log, Verdict::Stop));
    let program = runtime().compile("Promise.reject(new Error('mine'))").unwrap();
    for ended in [
        block_on(jar.eval_async("Promise.reject(new Error('mine'))")),
        block_on(jar.eval_async("await host.rpc('later', 1); Promise.reject(new Error('mine'))")),
        block_on(jar.eval_async("(async () => { await host.rpc('later', 1); throw new Error('mine') })()")),
        block_on(jar.eval_async("({ then(_, reject) { reject(new Error('mine')) } })")),
        jar.run(&program),
        block_on(jar.run_async(&program)),
    ] {
        assert_eq!(thrown(ended).message, "mine");
        assert!(log.take().is_empty());
    }
    // Other rejections are reported, even beside such a result.
    let mut jar = jar_with_router(&judged(&log, Verdict::Continue));
    let script = "Promise.reject(new Error('other')); Promise.reject(new Error('mine'))";
    assert_eq!(thrown(block_on(jar.eval_async(script))).message, "mine");
    assert_eq!(log.take(), ["other"]);
}

#[test]
fn what_the_description_of_a_result_sets_in_motion_belongs_to_its_call() {
    let log = Log::default();
    let console = log.clone();
    let router = judged(&log, Verdict::Continue).on_console(move |_, _, line| console.push(line));
    let late = "Promise.resolve().then(() => console.log('late')); Promise.reject(new Error('lost'))";
    for script in [
        format!("({{ toJSON() {{ {late}; return 1 }} }})"),
        format!("({{ toJSON() {{ {late}; return undefined }} }})"),
        format!("({{ toJSON() {{ {late}; throw 1 }} }})"),
        format!("throw Object.defineProperty(new Error('q'), 'message', {{ get() {{ {late}; return 'm' }} }})"),
        format!("throw {{ toJSON() {{ {late}; return 1 }} }}"),
        format!("Promise.reject({{ toString() {{ {late}; return 's' }} }})"),
    ] {
        for is_async in [false, true] {
            let mut jar = jar_with_router(&router);
            let ended = if is_async { block_on(jar.eval_async(&script)) } else { jar.eval(&script) };
            assert!(ended.as_ref().err().is_none_or(|error| error.code() != "guest_broke_protocol"), "{ended:?}");
            assert_eq!(log.take(), ["late", "lost"], "{script}");
            assert_eq!(jar.eval("1").unwrap().as_str(), "1");
            assert!(log.take().is_empty(), "{script}");
        }
    }
}

#[test]
fn a_description_that_never_comes_to_rest_is_stopped_by_the_limits_of_its_call() {
    let limits = Limits { cpu_time: std::time::Duration::from_millis(30), ..Limits::default() };
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    let turn = "const again = () => Promise.resolve().then(again); again()";
    for script in [
        format!("({{ toJSON() {{ {turn}; return 1 }} }})"),
        format!("throw {{ toJSON() {{ {turn}; return 1 }} }}"),
        "const lose = () => Promise.reject({ toJSON: lose }); throw { toJSON: lose }".to_owned(),
    ] {
        assert_eq!(jar.eval(format!("{{ {script} }}")).unwrap_err().code(), "cpu_limit_exceeded", "{script}");
        assert_usable_after_reset(&mut jar);
    }
}
