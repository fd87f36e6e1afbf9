//! Handlers as values: registered under several names, wrapped in layers, and what each kind of reply becomes.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use belljar::{
    Answer, Call, CallId, Clock, Handler, Limits, Recording, Reply, Replying, Router, RpcError, Turn, Value,
};

use crate::support::{Log, assert_usable, block_on, jar_of, jar_with_router, runtime};

#[test]
fn a_handler_is_registered_under_several_names_and_knows_which_was_called() {
    let name = Handler::new(|call: &Call, (): ()| call.method().to_owned());
    let mut jar = jar_with_router(&Router::new().route("one", name.clone()).route("two", name));
    assert_eq!(jar.eval("[host.rpcSync('one'), host.rpcSync('two')]").unwrap().as_str(), r#"["one","two"]"#);
}

#[test]
#[should_panic(expected = "already has a handler")]
fn a_handler_is_not_routed_twice() {
    let nothing = Handler::new(|_: &Call, (): ()| ());
    let _ = Router::new().route("one", nothing.clone()).route("one", nothing);
}

fn audited(log: &Log) -> Router {
    let log = log.clone();
    Router::new()
        .handle("add", |_: &Call, (a, b): (i64, i64)| a + b)
        .handle_async("later", |_: Call, n: i64| async move {
            tokio::task::yield_now().await;
            n
        })
        .handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("no", "not now")))
        .handle("panic", |_: &Call, (): ()| -> () { std::panic::resume_unwind(Box::new("quiet")) })
        .handle("pause", |_: &Call, (): ()| Reply::pause())
        .fallback(|_: &Call, _: Value| "fallback")
        .layer(move |handler| {
            let log = log.clone();
            handler.around(move |handler, call, params| {
                let (log, asked) = (log.clone(), format!("{} {params}", call.method()));
                handler.answer(call, params).map(move |reply| {
                    log.push(match &reply {
                        Reply::Value(json) => format!("{asked} = {json}"),
                        Reply::Error(error) => format!("{asked} failed: {}", error.code()),
                        other => format!("{asked}: {other:?}"),
                    });
                    reply
                })
            })
        })
        .handle("outside", |_: &Call, (): ()| ())
}

#[test]
fn a_layer_sees_every_call_and_its_reply_and_nothing_that_was_added_after_it() {
    let log = Log::default();
    let mut jar = jar_with_router(&audited(&log));
    let script = "const quiet = call => call.catch(() => 0);
        [await host.rpc('add', [1, 2]), await host.rpc('later', 5), await quiet(host.rpc('fail')),
         await quiet(host.rpc('panic')), await host.rpc('other', 1), await host.rpc('outside'), host.rpcSync('later', 6)]";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#"[3,5,0,0,"fallback",null,6]"#);
    assert_eq!(
        log.take(),
        [
            "add [1,2] = 3",
            "later 5 = 5",
            "fail undefined failed: no",
            "panic undefined failed: handler_panicked",
            r#"other 1 = "fallback""#,
            "later 6 = 6",
        ]
    );
    block_on(jar.step_eval_async("await host.rpc('pause')")).unwrap();
    assert_eq!(log.take(), ["pause undefined: Pause"]);
}

#[test]
fn a_layered_handler_stays_synchronous_or_async() {
    let log = Log::default();
    let mut jar = jar_with_router(&audited(&log));
    assert_eq!(jar.eval("host.rpcSync('add', [1, 2])").unwrap().as_str(), "3");
    let script = "try { host.rpcSync('later', 1) } catch (e) { e.code }";
    assert_eq!(jar.eval(script).unwrap().as_str(), r#""needs_async""#);
    assert_eq!(log.take(), ["add [1,2] = 3"]);
}

#[test]
fn the_last_layer_is_the_outermost() {
    let order = |name: &'static str| {
        move |handler: Handler| {
            handler.around(move |handler, call, params| {
                handler.answer(call, params).map(move |reply| match reply {
                    Reply::Value(json) => Reply::value(&format!("{name}({})", json.get::<String>().unwrap())),
                    other => other,
                })
            })
        }
    };
    let router = Router::new().handle("x", |_: &Call, (): ()| "x").layer(order("inner")).layer(order("outer"));
    assert_eq!(jar_with_router(&router).eval("host.rpcSync('x')").unwrap().as_str(), r#""outer(inner(x))""#);
}

#[test]
fn a_layer_that_refuses_keeps_the_handler_from_running() {
    let log = Log::default();
    let inner = log.clone();
    let router = Router::new()
        .handle("delete", move |_: &Call, (): ()| inner.push("deleted"))
        .layer(|handler| handler.around(|_, _, _| Replying::ready(RpcError::new("denied", "no"))));
    let script = "try { host.rpcSync('delete') } catch (e) { e.code }";
    assert_eq!(jar_with_router(&router).eval(script).unwrap().as_str(), r#""denied""#);
    assert!(log.take().is_empty());
}

#[test]
fn a_layer_changes_what_goes_in() {
    let router = Router::new().handle("double", |_: &Call, n: i64| 2 * n).layer(|handler| {
        handler.around(|handler, call, params| {
            let more = Value::of(&(params.get::<i64>().unwrap() + 1)).unwrap();
            handler.answer(call, &more)
        })
    });
    assert_eq!(jar_with_router(&router).eval("host.rpcSync('double', 4)").unwrap().as_str(), "10");
}

#[test]
fn a_layer_ends_a_handler_that_takes_too_long() {
    let router = Router::new()
        .handle_async("never", |_: Call, (): ()| pending::<()>())
        .handle("now", |_: &Call, (): ()| "now")
        .layer(|handler| {
            handler.around(|handler, call, params| {
                let replying = handler.answer(call, params);
                if replying.is_ready() {
                    return replying;
                }
                Replying::later(async {
                    let late = |_| RpcError::new("timeout", "too slow").into();
                    tokio::time::timeout(Duration::from_millis(10), replying).await.unwrap_or_else(late)
                })
            })
        });
    let mut jar = jar_with_router(&router);
    let script = "[await host.rpc('never').catch(e => e.code), await host.rpc('now')]";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#"["timeout","now"]"#);
    assert_eq!(jar.eval("host.rpcSync('now')").unwrap().as_str(), r#""now""#);
}

#[test]
fn a_layer_that_makes_a_synchronous_handler_wait_is_refused_in_a_synchronous_call() {
    let router = Router::new()
        .handle("x", |_: &Call, (): ()| 1)
        .layer(|handler| handler.around(|handler, call, params| Replying::later(handler.answer(call, params))));
    let mut jar = jar_with_router(&router);
    for script in ["try { host.rpcSync('x') } catch (e) { e.code }", "host.rpc('x').catch(e => e.code)"] {
        assert_eq!(jar.eval(script).unwrap().as_str(), r#""needs_async""#, "{script}");
    }
    assert_eq!(block_on(jar.eval_async("host.rpcSync('x') + await host.rpc('x')")).unwrap().as_str(), "2");
    assert_usable(&mut jar);
}

#[test]
fn a_layer_that_panics_is_an_error_of_the_call() {
    let panics = |router: Router, around: fn(&Handler, Call, &Value) -> Replying| {
        let router = router.layer(move |handler| handler.around(around));
        let mut jar = jar_with_router(&router);
        let script = "await host.rpc('x').catch(e => e.code)";
        assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#""handler_panicked""#);
        assert_usable(&mut jar);
    };
    let router = Router::new().handle("x", |_: &Call, (): ()| 1);
    panics(router.clone(), |_, _, _| std::panic::resume_unwind(Box::new("quiet")));
    panics(router.clone(), |handler, call, params| {
        handler.answer(call, params).map(|_| std::panic::resume_unwind(Box::new("quiet")))
    });
    panics(router, |_, _, _| Replying::later(async { std::panic::resume_unwind(Box::new("quiet")) as Reply }));
}

#[test]
fn a_merged_router_keeps_its_layers() {
    let denied = |handler: Handler| handler.around(|_, _, _| Replying::ready(RpcError::new("denied", "no")));
    let mail = Router::new().handle("send", |_: &Call, (): ()| ()).layer(denied);
    let router = Router::new().handle("free", |_: &Call, (): ()| 1).merge("mail.", mail);
    let script = "[host.rpcSync('free'), (() => { try { host.rpcSync('mail.send') } catch (e) { return e.code } })()]";
    assert_eq!(jar_with_router(&router).eval(script).unwrap().as_str(), r#"[1,"denied"]"#);
}

#[test]
fn undefined_is_the_same_from_a_handler_and_from_an_answer() {
    let router = Router::new()
        .handle("json", |_: &Call, (): ()| Value::UNDEFINED)
        .handle("result", |_: &Call, (): ()| Ok(Value::UNDEFINED))
        .handle("option", |_: &Call, (): ()| Ok(Some(Value::UNDEFINED)))
        .handle("reply", |_: &Call, (): ()| Reply::Value(Value::UNDEFINED))
        .handle_async("later", |_: Call, (): ()| async { Ok(Value::UNDEFINED) })
        .handle("null", |_: &Call, (): ()| Ok(None::<u32>))
        .handle("nested", |_: &Call, (): ()| Ok(vec![Value::UNDEFINED]))
        .handle("ask", |_: &Call, (): ()| Reply::pause());
    let mut jar = jar_with_router(&router);
    for method in ["json", "result", "option", "reply", "later"] {
        let script = format!("await host.rpc('{method}') === undefined && host.rpcSync('{method}') === undefined");
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().as_str(), "true", "{method}");
    }
    assert_eq!(jar.eval("[host.rpcSync('null'), host.rpcSync('nested')]").unwrap().as_str(), "[null,[undefined]]");
    block_on(jar.step_eval_async("await host.rpc('ask') === undefined")).unwrap();
    let answer = (jar.pending()[0].id, Answer::Result(Value::UNDEFINED));
    let Turn::Done(value) = block_on(jar.resume_async([answer])).unwrap() else { panic!("it is answered") };
    assert_eq!(value.as_str(), "true");
}

/// A value that cannot be written.
struct Unwritten;

impl serde::Serialize for Unwritten {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it has none"))
    }
}

#[test]
fn a_value_that_has_no_form_in_javascript_is_an_error_of_the_call() {
    let router = Router::new().handle("map", |_: &Call, (): ()| Ok(vec![Unwritten]));
    let script = "try { host.rpcSync('map') } catch (e) { [e.code, e.method] }";
    assert_eq!(jar_with_router(&router).eval(script).unwrap().as_str(), r#"["invalid_reply","map"]"#);
}

// ---- the id of a call, and when it was made

type Seen = Arc<Mutex<Vec<(CallId, u32)>>>;

/// `pay` pauses until its id is approved, and logs each call.
fn paying(seen: &Seen, approved: &Arc<Mutex<Vec<CallId>>>) -> Router {
    let (seen, approved) = (seen.clone(), approved.clone());
    Router::new().handle("free", |_: &Call, (): ()| ()).handle("pay", move |call: &Call, amount: u32| {
        seen.lock().unwrap().push((call.id(), amount));
        if approved.lock().unwrap().contains(&call.id()) { Reply::value(&amount) } else { Reply::pause() }
    })
}

#[test]
fn a_call_has_the_same_id_when_it_is_made_again_also_in_another_instance() {
    let (seen, approved) = (Seen::default(), Arc::default());
    let router = paying(&seen, &approved);
    let script = "await host.rpc('free'); await Promise.all([host.rpc('pay', 1), host.rpc('pay', 2)])";
    let Turn::Paused(paused) = block_on(jar_with_router(&router).step_eval_async(script)).unwrap() else {
        panic!("it waits")
    };
    let ids: Vec<CallId> = paused.pending().iter().map(|call| call.id).collect();
    assert_eq!(*seen.lock().unwrap(), [(ids[0], 1), (ids[1], 2)]);
    assert_ne!(ids[0], ids[1]);
    approved.lock().unwrap().push(ids[1]);
    let again = || ids.iter().map(|id| (*id, Answer::CallAgain));
    let mut jar = runtime().restore(paused.snapshot(), &router, &Limits::default()).unwrap();
    let Turn::Paused(paused) = block_on(jar.resume_async(again())).unwrap() else { panic!("one is not approved") };
    assert_eq!(paused.pending().iter().map(|call| call.id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(seen.lock().unwrap().split_off(2), [(ids[0], 1), (ids[1], 2)]);
    approved.lock().unwrap().push(ids[0]);
    let Turn::Done(value) = block_on(jar.resume_async([(ids[0], Answer::CallAgain)])).unwrap() else {
        panic!("approved")
    };
    assert_eq!(value.as_str(), "[1,2]");
    // Later calls have other ids.
    block_on(jar.step_eval_async("await host.rpc('pay', 3)")).unwrap();
    assert!(!ids.contains(&jar.pending()[0].id));
}

#[test]
fn every_call_has_an_id_of_its_own_also_a_synchronous_one() {
    let ids: Arc<Mutex<Vec<CallId>>> = Arc::default();
    let (sync, later) = (ids.clone(), ids.clone());
    let router = Router::new()
        .handle("sync", move |call: &Call, (): ()| sync.lock().unwrap().push(call.id()))
        .handle_async("later", move |call: Call, (): ()| {
            later.lock().unwrap().push(call.id());
            async {}
        });
    let mut jar = jar_with_router(&router);
    for _ in 0..2 {
        block_on(
            jar.eval_async("host.rpcSync('sync'); host.rpcSync('later'); host.rpc('sync'); await host.rpc('later')"),
        )
        .unwrap();
    }
    let mut seen = ids.lock().unwrap().clone();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 8);
}

#[test]
fn a_pending_call_says_when_it_was_made_by_the_clock_of_its_instance() {
    let router = paying(&Seen::default(), &Arc::default());
    let before = std::time::SystemTime::now() - Duration::from_millis(1);
    let mut jar = jar_with_router(&router);
    block_on(jar.step_eval_async("await host.rpc('pay', 1)")).unwrap();
    let made = jar.pending()[0].made_at;
    assert!(before <= made && made <= std::time::SystemTime::now(), "{made:?}");

    let noon = Duration::from_secs(43_200);
    let mut jar = runtime().build_instance().clock(Clock::Fixed(noon)).start(&router, &Limits::default()).unwrap();
    let Turn::Paused(paused) = block_on(jar.step_eval_async("await host.rpc('pay', 1)")).unwrap() else {
        panic!("it waits")
    };
    assert_eq!(paused.pending()[0].made_at, std::time::UNIX_EPOCH + noon);
    let snapshot = belljar::Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
    assert_eq!(snapshot.pending()[0].made_at, std::time::UNIX_EPOCH + noon);
}

#[test]
fn a_recorded_call_says_when_it_was_made_and_a_replay_does_not_mind() {
    let router = Router::new().handle("echo", |_: &Call, value: Value| value);
    let recording = Recording::new();
    let at = |seconds: u64| Clock::Fixed(Duration::from_secs(seconds));
    let start = |router: &Router, seconds| {
        runtime().build_instance().clock(at(seconds)).start(router, &Limits::default()).unwrap()
    };
    let script = "host.rpcSync('echo', 1) + await host.rpc('echo', 2)";
    block_on(start(&recording.record(&router), 5).eval_async(script)).unwrap();
    let read = Recording::from_bytes(&recording.to_bytes()).unwrap();
    let made: Vec<_> = read.calls().iter().map(|call| call.made_at).collect();
    assert_eq!(made, [std::time::UNIX_EPOCH + Duration::from_secs(5); 2]);
    let replay = read.replay();
    assert_eq!(block_on(start(&replay.router(), 9).eval_async(script)).unwrap().as_str(), "3");
    replay.finish().unwrap();
}

#[test]
fn the_console_and_the_judge_of_rejections_get_the_data_of_the_instance() {
    struct Tenant(&'static str);
    let log = Log::default();
    let (console, rejections) = (log.clone(), log.clone());
    let router = Router::new()
        .on_console(move |data, _, line| console.push(format!("{}: {line}", data.get::<Tenant>().unwrap().0)))
        .on_unhandled_rejection(move |data, error| {
            rejections.push(format!("{}: {}", data.get::<Tenant>().unwrap().0, error.message));
            belljar::Verdict::Continue
        });
    for tenant in ["ada", "bob"] {
        let mut jar = runtime().build_instance().data(Tenant(tenant)).start(&router, &Limits::default()).unwrap();
        jar.eval("console.log('hello'); Promise.reject(new Error('lost')); 1").unwrap();
    }
    assert_eq!(log.take(), ["ada: hello", "ada: lost", "bob: hello", "bob: lost"]);
    assert_usable(&mut jar_of(&Router::new(), &Limits::default()));
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("quiet"));
    }
}

#[test]
fn a_future_of_a_layer_that_panics_when_it_is_dropped_harms_nobody() {
    let router = Router::new().handle("x", |_: &Call, (): ()| 1).layer(|handler| {
        handler.around(|_, _, _| {
            let bomb = Bomb;
            Replying::later(async move {
                pending::<()>().await;
                drop(bomb);
                Reply::pause()
            })
        })
    });
    let mut jar = jar_with_router(&router);
    for script in ["host.rpc('x').catch(e => e.code)", "try { host.rpcSync('x') } catch (e) { e.code }"] {
        assert_eq!(jar.eval(script).unwrap().as_str(), r#""needs_async""#, "{script}");
        assert_usable(&mut jar);
    }
}

#[test]
fn a_future_that_is_done_and_panics_when_it_is_dropped_is_an_error_of_the_call() {
    struct Done(Bomb);
    impl std::future::Future for Done {
        type Output = Reply;
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Reply> {
            let Done(Bomb) = &*self;
            std::task::Poll::Ready(Reply::value(&1))
        }
    }
    let router = Router::new()
        .handle("x", |_: &Call, (): ()| 1)
        .layer(|handler| handler.around(|_, _, _| Replying::later(Done(Bomb))));
    let mut jar = jar_with_router(&router);
    for script in ["await host.rpc('x').catch(e => e.code)", "try { host.rpcSync('x') } catch (e) { e.code }"] {
        assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#""handler_panicked""#, "{script}");
        assert_usable(&mut jar);
    }
}

#[test]
fn a_pending_call_says_when_it_was_made_and_not_when_the_script_paused() {
    let router = Router::new().handle("ask", |_: &Call, _: Value| Reply::pause()).handle("now", |_: &Call, (): ()| ());
    let clock = Clock::Stepped { start: Duration::from_secs(100), step: Duration::from_secs(1) };
    let recording = Recording::new();
    let router = recording.record(&router);
    let mut jar = runtime().build_instance().clock(clock).start(&router, &Limits::default()).unwrap();
    let script = "const first = host.rpc('ask', 1); await host.rpc('now');
        for (let i = 0; i < 10; i++) Date.now();
        await Promise.all([first, host.rpc('ask', 2)])";
    let Turn::Paused(paused) = block_on(jar.step_eval_async(script)).unwrap() else { panic!("it waits") };
    let pending: Vec<_> = paused.pending().iter().map(|call| call.made_at).collect();
    let recorded: Vec<_> =
        recording.calls().iter().filter(|call| call.method == "ask").map(|call| call.made_at).collect();
    assert_eq!(pending, recorded);
    let seconds = |seconds| std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(pending, [seconds(100), seconds(110)]);
}
