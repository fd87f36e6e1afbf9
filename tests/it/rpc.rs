//! Handler calls: kinds of handlers, the values that are passed, what a failure shows, and the order of events.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belljar::{Call, Error, Limits, Router, RpcError, Value};
use serde::{Deserialize, Serialize};
use tokio::sync::{Barrier, Notify};

use crate::support::{Log, assert_usable, block_on, jar_with_router, runtime, thrown, undrained};

fn echo() -> Router {
    Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle_async("later", |_: Call, value: Value| async move {
            tokio::task::yield_now().await;
            Ok(value)
        })
        .handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("sold_out", "nothing is left")))
        .handle_async("fail_later", |_: Call, (): ()| async move {
            Err::<(), _>(RpcError::new("sold_out", "nothing is left"))
        })
}

/// The `code` of the error of a call, as the script sees it, in every kind of call.
#[track_caller]
fn assert_code(router: &Router, arguments: &str, code: &str) {
    let caught = format!("(() => {{ try {{ return host.rpcSync({arguments}) }} catch (e) {{ return e.code }} }})()");
    let rejected = format!("host.rpc({arguments}).catch(e => e.code)");
    let mut jar = jar_with_router(router);
    for script in [caught, rejected] {
        assert_eq!(jar.eval(&script).unwrap().get::<String>().unwrap(), code, "{script}");
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().get::<String>().unwrap(), code, "{script}");
    }
    assert_usable(&mut jar);
}

#[test]
fn a_synchronous_handler_answers_in_every_kind_of_call() {
    let mut jar = jar_with_router(&echo());
    for script in ["host.rpcSync('echo', [1])", "host.rpc('echo', [1])", "host.rpc('echo', [0]).then(v => [v[0] + 1])"]
    {
        assert_eq!(jar.eval(script).unwrap().as_str(), "[1]", "{script}");
        assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "[1]", "{script}");
        assert_eq!(jar.run(&runtime().compile(script).unwrap()).unwrap().as_str(), "[1]", "{script}");
    }
}

#[test]
fn an_async_handler_answers_in_async_calls() {
    let mut jar = jar_with_router(&echo());
    for script in ["await host.rpc('later', [1])", "host.rpc('later', [1])", "host.rpcSync('later', [1])"] {
        assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "[1]", "{script}");
        assert_eq!(block_on(jar.run_async(&runtime().compile(script).unwrap())).unwrap().as_str(), "[1]", "{script}");
    }
}

#[test]
fn an_async_handler_is_out_of_reach_of_a_synchronous_call() {
    let mut jar = jar_with_router(&echo());
    let code = "try { host.rpcSync('later', 1) } catch (e) { e.code }";
    assert_eq!(jar.eval(code).unwrap().as_str(), r#""needs_async""#);
    assert_eq!(jar.eval("host.rpc('later', 1)"), Err(Error::NeverSettled { pending: vec!["later".into()] }));
    assert_usable(&mut jar);
}

#[test]
fn calls_that_run_together_really_overlap() {
    // Each handler waits for the others; if they ran sequentially, the wall limit would end the call.
    let barrier = Arc::new(Barrier::new(3));
    let router = Router::new().handle_async("meet", move |_: Call, n: u32| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok(n)
        }
    });
    let mut jar = jar_with_router(&router);
    let met = block_on(jar.eval_async("await Promise.all([1, 2, 3].map(n => host.rpc('meet', n)))"));
    assert_eq!(met.unwrap().as_str(), "[1,2,3]");
}

#[test]
fn other_handlers_go_on_while_a_synchronous_call_waits() {
    // The synchronous call is answered only if the other call runs meanwhile.
    let done = Arc::new(Notify::new());
    let waited = done.clone();
    let router = Router::new()
        .handle_async("work", move |_: Call, (): ()| {
            let done = done.clone();
            async move {
                tokio::task::yield_now().await;
                done.notify_one();
                Ok("worked")
            }
        })
        .handle_async("wait", move |_: Call, (): ()| {
            let done = waited.clone();
            async move {
                done.notified().await;
                Ok("waited")
            }
        });
    let mut jar = jar_with_router(&router);
    let both = block_on(jar.eval_async("const working = host.rpc('work'); [host.rpcSync('wait'), await working]"));
    assert_eq!(both.unwrap().as_str(), r#"["waited","worked"]"#);
}

#[test]
fn a_synchronous_call_keeps_the_executor_free() {
    let notify = Arc::new(Notify::new());
    let waited = notify.clone();
    let router = Router::new().handle_async("wait", move |_: Call, (): ()| {
        let notify = waited.clone();
        async move {
            notify.notified().await;
            Ok(1)
        }
    });
    let mut jar = jar_with_router(&router);
    // The other task shares the thread, so it can run only if the script yields.
    let (answer, ()) =
        block_on(async { tokio::join!(jar.eval_async("host.rpcSync('wait')"), async { notify.notify_one() }) });
    assert_eq!(answer.unwrap().as_str(), "1");
}

#[test]
fn a_hundred_calls_run_at_once() {
    let barrier = Arc::new(Barrier::new(100));
    let router = Router::new().handle_async("square", move |_: Call, n: u64| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok(n * n)
        }
    });
    let mut jar = jar_with_router(&router);
    let sum =
        "(await Promise.all(Array.from({ length: 100 }, (_, n) => host.rpc('square', n)))).reduce((a, b) => a + b)";
    for _ in 0..3 {
        assert_eq!(block_on(jar.eval_async(sum)).unwrap().get::<u64>().unwrap(), 328_350);
    }
}

#[test]
fn answers_reach_the_calls_that_they_belong_to() {
    // Later calls are answered first.
    let router = Router::new().handle_async("countdown", |_: Call, n: u32| async move {
        for _ in 0..(50 - n) {
            tokio::task::yield_now().await;
        }
        Ok(n)
    });
    let mut jar = jar_with_router(&router);
    let script = "const order = [];
        const all = await Promise.all(Array.from({ length: 50 }, async (_, n) => { const r = await host.rpc('countdown', n); order.push(r); return r }));
        [all.every((r, n) => r === n), order[0], order[49]]";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "[true,49,0]");
}

#[test]
fn the_first_answer_of_a_race_wins_and_the_others_are_dropped() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let count = dropped.clone();
    let router = echo().handle_async("never", move |_: Call, (): ()| {
        let guard = Guard(count.clone());
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        }
    });
    let mut jar = undrained(&router, &Limits::default());
    let script = "await Promise.race([host.rpc('never'), host.rpc('later', 'won'), host.rpc('never')])";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#""won""#);
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    assert_usable(&mut jar);
}

#[test]
fn a_call_that_nobody_awaits_is_still_started() {
    let log = Log::default();
    let (now, later) = (log.clone(), log.clone());
    let router = Router::new()
        .handle("now", move |_: &Call, n: u32| {
            now.push(format!("now {n}"));
            Ok(())
        })
        .handle_async("later", move |_: Call, n: u32| {
            let log = later.clone();
            async move {
                log.push(format!("later {n}"));
                Ok(())
            }
        });
    let mut jar = jar_with_router(&router);
    jar.eval("host.rpc('now', 1); 'done'").unwrap();
    block_on(jar.eval_async("host.rpc('now', 2); host.rpc('later', 3); 'done'")).unwrap();
    jar.eval("host.rpc('now', 4); throw 1").unwrap_err();
    block_on(jar.eval_async("host.rpc('later', 5); throw 1")).unwrap_err();
    assert_eq!(log.take(), ["now 1", "now 2", "later 3", "now 4", "later 5"]);
    assert_usable(&mut jar);
}

#[test]
fn an_answer_that_comes_too_late_is_nobodys() {
    let mut jar = undrained(&echo(), &Limits::default());
    block_on(jar.eval_async("var late = []; host.rpc('later', 1).then(v => late.push(v)); 'done'")).unwrap();
    jar.eval("host.rpc('echo', 2).then(v => late.push(v)); 'done'").unwrap();
    // A later call reuses the number, and must get its own answer.
    assert_eq!(block_on(jar.eval_async("await host.rpc('later', 3)")).unwrap().as_str(), "3");
    assert_eq!(jar.eval("late").unwrap().as_str(), "[]");
}

#[test]
fn an_unknown_method_has_a_code_of_its_own() {
    assert_code(&echo(), "'nobody'", "unknown_method");
    assert_code(&echo(), "''", "unknown_method");
    assert_code(&echo(), "'echo\\0', 1", "unknown_method");
    assert_code(&echo(), "'__proto__', 1", "unknown_method");
    assert_code(&Router::new(), "'echo', 1", "unknown_method");
}

#[test]
fn a_method_that_is_no_text_is_a_type_error() {
    let mut jar = jar_with_router(&echo());
    for method in ["1", "undefined", "null", "Symbol('echo')", "['echo']", "{ toString: () => 'echo' }"] {
        assert_eq!(thrown(jar.eval(format!("host.rpcSync({method}, 1)"))).name, "TypeError", "{method}");
        assert_eq!(thrown(block_on(jar.eval_async(&format!("host.rpc({method}, 1)")))).name, "TypeError", "{method}");
    }
    assert_eq!(thrown(jar.eval("host.rpcSync()")).name, "TypeError");
    assert_usable(&mut jar);
}

#[test]
fn a_method_with_half_a_surrogate_pair_is_no_method() {
    assert_code(&echo(), "'\\ud800', 1", "invalid_params");
}

#[test]
fn the_fallback_answers_what_has_no_handler() {
    let router = echo().fallback(|call: &Call, params: Value| Ok((call.method().to_owned(), params)));
    let mut jar = jar_with_router(&router);
    assert_eq!(jar.eval("host.rpcSync('any thing', [1])").unwrap().as_str(), r#"["any thing",[1]]"#);
    assert_eq!(jar.eval("host.rpcSync('echo', 1)").unwrap().as_str(), "1");
    assert_eq!(block_on(jar.eval_async("await host.rpc('', 1)")).unwrap().as_str(), r#"["",1]"#);
}

#[test]
fn an_async_fallback_answers_what_has_no_handler() {
    let router = echo().fallback_async(|call: Call, n: u32| async move {
        tokio::task::yield_now().await;
        Ok(format!("{} {n}", call.method()))
    });
    let mut jar = jar_with_router(&router);
    let script = "[await host.rpc('a', 1), host.rpcSync('b', 2), host.rpcSync('echo', 3)]";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), r#"["a 1","b 2",3]"#);
    assert_eq!(jar.eval("try { host.rpcSync('a', 1) } catch (e) { e.code }").unwrap().as_str(), r#""needs_async""#);
}

#[test]
fn params_arrive_as_the_types_that_the_handler_names() {
    #[derive(Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        id: u64,
        lines: Vec<Line>,
        note: Option<String>,
    }
    #[derive(Deserialize, Serialize)]
    struct Line {
        sku: String,
        price: f64,
    }
    let router = Router::new()
        .handle("add", |_: &Call, (a, b): (i64, i64)| Ok(a + b))
        .handle("order", |_: &Call, order: Order| Ok(order))
        .handle("count", |_: &Call, words: HashMap<String, u32>| Ok(words.values().sum::<u32>()));
    let mut jar = jar_with_router(&router);
    assert_eq!(jar.eval("host.rpcSync('add', [40, 2])").unwrap().get::<i64>().unwrap(), 42);
    assert_eq!(jar.eval("host.rpcSync('count', { a: 1, b: 2 })").unwrap().get::<u32>().unwrap(), 3);
    let order = "host.rpcSync('order', { id: 7, lines: [{ sku: 'a', price: 1.5 }] })";
    assert_eq!(jar.eval(order).unwrap().as_str(), r#"{"id":7,"lines":[{"sku":"a","price":1.5}],"note":null}"#);
}

#[test]
fn params_that_do_not_fit_name_the_method_and_the_path() {
    #[derive(Deserialize)]
    struct Order {
        lines: Vec<Line>,
    }
    #[derive(Deserialize)]
    struct Line {
        price: f64,
    }
    let router = Router::new()
        .handle("order", |_: &Call, order: Order| Ok(order.lines.iter().map(|line| line.price).sum::<f64>()))
        .handle_async("order_later", |_: Call, order: Order| async move { Ok(order.lines.len()) });
    for method in ["order", "order_later"] {
        let rejected = format!("await host.rpc('{method}', {{ lines: [{{ price: 1 }}, {{ price: 'x' }}] }})");
        let error = thrown(block_on(jar_with_router(&router).eval_async(&rejected)));
        assert!(error.message.contains(method) && error.message.contains("lines[1].price"), "{}", error.message);
    }
    assert_code(&router, "'order', { lines: 1 }", "invalid_params");
    assert_code(&router, "'order'", "invalid_params");
    assert_code(&router, "'order', '\\ud800'", "invalid_params");
}

#[test]
fn absent_undefined_and_null_params_are_nothing() {
    let router = Router::new()
        .handle("unit", |_: &Call, (): ()| Ok("unit"))
        .handle("option", |_: &Call, value: Option<u32>| Ok(value))
        .handle("json", |_: &Call, value: Value| Ok(value.as_str().to_owned()));
    let mut jar = jar_with_router(&router);
    for (params, shown) in [("", "undefined"), (", undefined", "undefined"), (", null", "null")] {
        assert_eq!(jar.eval(format!("host.rpcSync('unit'{params})")).unwrap().as_str(), r#""unit""#);
        assert_eq!(jar.eval(format!("host.rpcSync('option'{params})")).unwrap().as_str(), "null");
        assert_eq!(jar.eval(format!("host.rpcSync('json'{params})")).unwrap().get::<String>().unwrap(), shown);
        assert_eq!(block_on(jar.eval_async(&format!("await host.rpc('unit'{params})"))).unwrap().as_str(), r#""unit""#);
    }
    assert_eq!(jar.eval("host.rpcSync('option', 0)").unwrap().as_str(), "0");
}

#[test]
fn params_that_cannot_cross_are_errors_of_the_script() {
    let mut jar = jar_with_router(&echo());
    for params in [
        "() => 1",
        "Symbol('s')",
        "[() => 1]",
        "{ a: new WeakMap() }",
        "Promise.resolve(1)",
        "{ toJSON() { throw new TypeError('x') } }",
    ] {
        assert_eq!(thrown(jar.eval(format!("host.rpcSync('echo', {params})"))).name, "TypeError", "{params}");
        let rejected = format!("host.rpc('echo', {params}).then(() => 'answered', e => e.name)");
        assert_eq!(jar.eval(&rejected).unwrap().as_str(), r#""TypeError""#, "{params}");
        assert_eq!(block_on(jar.eval_async(&rejected)).unwrap().as_str(), r#""TypeError""#, "{params}");
    }
    assert_usable(&mut jar);
}

#[test]
fn a_reply_without_a_form_in_javascript_is_an_error_of_its_own() {
    #[derive(Debug)]
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken"))
        }
    }
    let broken = || HashMap::from([("a", Broken)]);
    let router = Router::new()
        .handle("sync", move |_: &Call, (): ()| Ok(broken()))
        .handle("fails", |_: &Call, (): ()| Ok(Broken));
    assert_code(&router, "'sync'", "invalid_reply");
    assert_code(&router, "'fails'", "invalid_reply");
    let router = Router::new().handle_async("later", move |_: Call, (): ()| async move { Ok(broken()) });
    let code = block_on(jar_with_router(&router).eval_async("await host.rpc('later').catch(e => e.code)"));
    assert_eq!(code.unwrap().as_str(), r#""invalid_reply""#);
}

#[test]
fn replies_of_every_shape_arrive() {
    let router = Router::new()
        .handle("unit", |_: &Call, (): ()| Ok(()))
        .handle("none", |_: &Call, (): ()| Ok(None::<u32>))
        .handle("nan", |_: &Call, (): ()| Ok(f64::NAN))
        .handle("big", |_: &Call, (): ()| Ok(u64::MAX))
        .handle("text", |_: &Call, (): ()| Ok("a\0b\u{2028}\u{1f514}\""))
        .handle("proto", |_: &Call, (): ()| Ok(Value::from_json(r#"{"__proto__":{"x":1},"constructor":2}"#).unwrap()));
    let mut jar = jar_with_router(&router);
    assert_eq!(
        jar.eval("[host.rpcSync('unit'), host.rpcSync('none'), host.rpcSync('nan')]").unwrap().as_str(),
        "[null,null,NaN]"
    );
    assert_eq!(jar.eval("host.rpcSync('big') === 2n ** 64n - 1n").unwrap().as_str(), "true");
    assert_eq!(jar.eval(r"host.rpcSync('text') === 'a\0b\u2028\u{1f514}\x22'").unwrap().as_str(), "true");
    let own = "const o = host.rpcSync('proto'); [Object.keys(o), Object.getPrototypeOf(o) === Object.prototype, o.x]";
    assert_eq!(jar.eval(own).unwrap().as_str(), r#"[["__proto__","constructor"],true,undefined]"#);
}

#[test]
fn a_failure_shows_its_code_and_its_message_and_nothing_else() {
    let mut jar = jar_with_router(&echo());
    let look = "e => [e instanceof Error, e.name, e.code, e.message, Reflect.ownKeys(e).filter(k => k !== 'stack').sort(), JSON.stringify(e)]";
    let expected = r#"[true,"Error","sold_out","nothing is left",["code","message","method"],"{}"]"#;
    assert_eq!(
        jar.eval(format!("try {{ host.rpcSync('fail') }} catch (e) {{ ({look})(e) }}")).unwrap().as_str(),
        expected
    );
    for method in ["fail", "fail_later"] {
        let rejected = format!("await host.rpc('{method}').catch({look})");
        assert_eq!(block_on(jar.eval_async(&rejected)).unwrap().as_str(), expected);
    }
    let error = thrown(jar.eval("host.rpcSync('fail')"));
    assert_eq!((error.name.as_str(), error.message.as_str()), ("Error", "nothing is left"));
}

#[test]
fn any_text_can_be_a_code_or_a_message() {
    let router = Router::new()
        .handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("a\0\"\\\u{1f514}", "%s %n \u{2028}\n\0")));
    let mut jar = jar_with_router(&router);
    let script = "try { host.rpcSync('fail') } catch (e) { [e.code, e.message] }";
    let (code, message): (String, String) = jar.eval(script).unwrap().get().unwrap();
    assert_eq!((code.as_str(), message.as_str()), ("a\0\"\\\u{1f514}", "%s %n \u{2028}\n\0"));
    assert_eq!(thrown(block_on(jar.eval_async("host.rpc('fail')"))).message, "%s %n \u{2028}\n\0");
}

/// Panics without a message on standard error.
fn panic_quietly() {
    std::panic::resume_unwind(Box::new("the handler has a bug"));
}

#[test]
fn a_panic_of_a_handler_is_the_rejection_of_that_call() {
    let router = echo().handle("sync", |_: &Call, (): ()| {
        panic_quietly();
        Ok(())
    });
    assert_code(&router, "'sync'", "handler_panicked");
    let router = router
        .handle_async("early", |_: Call, (): ()| {
            panic_quietly();
            async move { Ok(()) }
        })
        .handle_async("late", |_: Call, (): ()| async move {
            tokio::task::yield_now().await;
            panic_quietly();
            Ok(())
        });
    let mut jar = jar_with_router(&router);
    let script = "const code = e => e.code;
        const other = host.rpc('later', 7);
        [await host.rpc('early').catch(code), await host.rpc('late').catch(code), await other,
         (() => { try { host.rpcSync('late') } catch (e) { return e.code } })()]";
    let expected = r#"["handler_panicked","handler_panicked",7,"handler_panicked"]"#;
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), expected);
    assert_usable(&mut jar);
    assert_usable(&mut jar_with_router(&router));
}

#[test]
fn a_panic_while_params_are_read_or_a_reply_is_written_is_the_rejection_of_that_call() {
    struct Mine;
    impl<'de> Deserialize<'de> for Mine {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic_quietly();
            Ok(Mine)
        }
    }
    impl Serialize for Mine {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            panic_quietly();
            serializer.serialize_unit()
        }
    }
    let router = Router::new()
        .handle("read", |_: &Call, _: Mine| Ok(()))
        .handle("write", |_: &Call, (): ()| Ok(Mine))
        .handle_async("read_later", |_: Call, _: Mine| async move { Ok(()) })
        .handle_async("write_later", |_: Call, (): ()| async move { Ok(Mine) });
    assert_code(&router, "'read'", "handler_panicked");
    assert_code(&router, "'write'", "handler_panicked");
    let mut jar = jar_with_router(&router);
    for method in ["read_later", "write_later"] {
        let code = block_on(jar.eval_async(&format!("await host.rpc('{method}').catch(e => e.code)")));
        assert_eq!(code.unwrap().as_str(), r#""handler_panicked""#, "{method}");
    }
}

#[test]
fn a_handler_that_panics_when_it_is_dropped_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_quietly();
        }
    }
    let router = echo().handle_async("wait", |_: Call, (): ()| {
        let bomb = Bomb;
        async move {
            std::future::pending::<()>().await;
            drop(bomb);
            Ok(())
        }
    });
    let mut jar = undrained(&router, &Limits::default());
    assert_eq!(block_on(jar.eval_async("host.rpc('wait'); await host.rpc('later', 1)")).unwrap().as_str(), "1");
    assert_usable(&mut jar);
}

#[test]
fn a_handler_learns_about_its_call() {
    struct Tenant(&'static str);
    let router = Router::new()
        .handle("who", |call: &Call, (): ()| {
            let tenant = call.data::<Tenant>().map(|tenant| tenant.0);
            Ok((call.method().to_owned(), tenant, call.data::<String>().is_some(), call.is_cancelled()))
        })
        .handle("time", |call: &Call, (): ()| {
            Ok(call.time_left() <= Duration::from_secs(30) && !call.time_left().is_zero())
        })
        .handle_async("who_later", |call: Call, (): ()| async move {
            tokio::task::yield_now().await;
            Ok(call.data::<Tenant>().map(|tenant| tenant.0))
        });
    let mut jar = runtime().build_instance().data(Tenant("ada")).start(&router, &Limits::default()).unwrap();
    assert_eq!(jar.eval("host.rpcSync('who')").unwrap().as_str(), r#"["who","ada",false,false]"#);
    assert_eq!(jar.eval("host.rpcSync('time')").unwrap().as_str(), "true");
    assert_eq!(block_on(jar.eval_async("await host.rpc('who_later')")).unwrap().as_str(), r#""ada""#);
    assert_eq!(jar_with_router(&router).eval("host.rpcSync('who')").unwrap().as_str(), r#"["who",null,false,false]"#);
}

#[test]
fn a_handler_can_use_another_instance() {
    let router = Router::new().handle("inner", |_: &Call, source: String| {
        let answer = jar_with_router(&echo()).eval(&source);
        answer.map_err(|error| RpcError::new(error.code(), error.to_string()))
    });
    let mut jar = jar_with_router(&router);
    assert_eq!(jar.eval("host.rpcSync('inner', \"host.rpcSync('echo', [1])\")").unwrap().as_str(), "[1]");
    assert_eq!(
        jar.eval("try { host.rpcSync('inner', 'throw 1') } catch (e) { e.code }").unwrap().as_str(),
        r#""js_error""#
    );
}

#[test]
fn text_of_every_script_crosses_unharmed() {
    let mut jar = jar_with_router(&echo());
    let text = "héllo, \u{4e16}\u{754c} \u{1f514} \u{0}\u{1}\u{7f}\u{85}\u{2028}\u{2029}\u{feff}\u{fffd}\u{ffff}\u{10ffff} \" \\ </script>";
    let quoted = serde_json::to_string(text).unwrap();
    for script in [
        format!("host.rpcSync('echo', {quoted})"),
        format!("host.rpc('later', {{ {quoted}: 1 }}).then(o => Object.keys(o)[0])"),
    ] {
        assert_eq!(block_on(jar.eval_async(&script)).unwrap().get::<String>().unwrap(), text);
    }
    let router = Router::new().handle("größe \u{1f514}", |call: &Call, (): ()| Ok(call.method().to_owned()));
    let method: String = jar_with_router(&router).eval("host.rpcSync('größe \u{1f514}')").unwrap().get().unwrap();
    assert_eq!(method, "größe \u{1f514}");
}

#[test]
fn a_payload_of_exactly_the_limit_crosses() {
    let limit = 1 << 20;
    let limits = Limits { message_bytes: limit, ..Limits::default() };
    let router = Router::new()
        .handle("length", |_: &Call, text: String| Ok(text.len()))
        .handle("make", |_: &Call, length: usize| Ok("x".repeat(length)))
        .handle_async("make_later", |_: Call, length: usize| async move { Ok("x".repeat(length)) });
    let mut jar = runtime().instance(&router, &limits).unwrap();
    // The quotes and the name of the method count.
    let most = limit - 2 - "length".len() as u64;
    assert_eq!(jar.eval(format!("host.rpcSync('length', 'x'.repeat({most}))")).unwrap().get::<u64>().unwrap(), most);
    assert_eq!(
        block_on(jar.eval_async(&format!("host.rpc('length', 'x'.repeat({most}))"))).unwrap().get::<u64>().unwrap(),
        most
    );
    assert_eq!(
        jar.eval(format!("host.rpcSync('length', 'x'.repeat({}))", most + 1)).unwrap_err().code(),
        "message_too_large"
    );
    let most = limit - 2;
    assert_eq!(jar.eval(format!("host.rpcSync('make', {most}).length")).unwrap().get::<u64>().unwrap(), most);
    assert_eq!(
        block_on(jar.eval_async(&format!("(await host.rpc('make_later', {most})).length")))
            .unwrap()
            .get::<u64>()
            .unwrap(),
        most
    );
    // A reply that is too large is the handler's fault, so the script can catch the error.
    let caught = format!("try {{ host.rpcSync('make', {}) }} catch (e) {{ e.code }}", most + 1);
    assert_eq!(jar.eval(&caught).unwrap().as_str(), r#""message_too_large""#);
    let caught = format!("await host.rpc('make_later', {}).catch(e => e.code)", most + 1);
    assert_eq!(block_on(jar.eval_async(&caught)).unwrap().as_str(), r#""message_too_large""#);
    assert_usable(&mut jar);
}

#[test]
fn calls_work_after_errors_of_every_kind() {
    let limits = Limits { cpu_time: Duration::from_millis(50), ..Limits::default() };
    let mut jar = runtime().instance(&echo(), &limits).unwrap();
    for script in [
        "host.rpcSync('fail')",
        "host.rpc('fail')",
        "host.rpcSync('nobody')",
        "host.rpcSync('echo', Symbol())",
        "throw 1",
        "let x = ;",
        "[() => 10]",
        "host.rpc('later', 1); for (;;);",
        "new Promise(() => {})",
    ] {
        jar.eval(script).unwrap_err();
        assert_eq!(jar.eval("host.rpcSync('echo', 'x')").unwrap().as_str(), r#""x""#, "{script}");
        block_on(jar.eval_async(script)).unwrap_err();
        assert_eq!(block_on(jar.eval_async("await host.rpc('later', 'x')")).unwrap().as_str(), r#""x""#, "{script}");
    }
}

#[test]
fn handlers_of_events_can_call() {
    let mut jar = jar_with_router(&echo());
    jar.eval("host.on('now', p => host.rpcSync('echo', [p])); host.on('later', async p => [await host.rpc('later', p), await host.rpc('echo', p)])")
        .unwrap();
    assert_eq!(jar.dispatch("now", &1).unwrap().as_str(), "[1]");
    assert_eq!(block_on(jar.dispatch_async("now", &1)).unwrap().as_str(), "[1]");
    assert_eq!(block_on(jar.dispatch_async("later", &1)).unwrap().as_str(), "[1,1]");
    assert_eq!(jar.dispatch("later", &1), Err(Error::NeverSettled { pending: vec!["later".into()] }));
}

#[test]
fn promise_jobs_can_call() {
    let mut jar = jar_with_router(&echo());
    let script =
        "Promise.resolve(1).then(n => host.rpcSync('echo', n + 1)).then(n => host.rpc('echo', n + 1)).then(n => [n])";
    assert_eq!(jar.eval(script).unwrap().as_str(), "[3]");
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "[3]");
    let microtask = "new Promise(done => queueMicrotask(() => done(host.rpc('echo', 5))))";
    assert_eq!(jar.eval(microtask).unwrap().as_str(), "5");
}

#[test]
fn a_long_chain_of_calls_is_no_problem() {
    let mut jar = jar_with_router(&echo());
    let script = "let n = 0; while (n < 2000) n = await host.rpc(n % 2 ? 'echo' : 'later', n + 1); n";
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "2000");
    assert_eq!(jar.call_stats().rpc_calls, 2000);
}

#[test]
fn things_happen_in_the_order_in_which_the_script_does_them() {
    let log = Log::default();
    let (now, later) = (log.clone(), log.clone());
    let router = log
        .console()
        .handle("now", move |_: &Call, n: u32| {
            now.push(format!("now {n}"));
            Ok(n)
        })
        .handle_async("later", move |_: Call, n: u32| {
            later.push(format!("later {n}"));
            async move { Ok(n) }
        });
    let mut jar = jar_with_router(&router);
    block_on(jar.eval_async(
        "console.log('a'); host.rpc('later', 1); console.log('b'); host.rpcSync('now', 2); console.log('c');
         host.rpc('now', 3); console.log('d'); await host.rpc('later', 4); console.log('e')",
    ))
    .unwrap();
    assert_eq!(log.take(), ["a", "later 1", "b", "now 2", "c", "now 3", "d", "later 4", "e"]);
}

#[test]
fn calls_are_counted() {
    let mut jar = jar_with_router(&echo());
    block_on(jar.eval_async("host.rpcSync('echo', 'abc'); await host.rpc('later', 1); host.rpcSync('echo')")).unwrap();
    assert_eq!(jar.call_stats().rpc_calls, 3);
    jar.eval("host.rpcSync('echo')").unwrap();
    assert_eq!((jar.call_stats().rpc_calls, jar.stats().rpc_calls), (1, 4));
    assert!(jar.stats().bytes_in > 0 && jar.stats().bytes_out > 0);
}

#[test]
#[should_panic = "already has a handler"]
fn registering_a_method_twice_panics() {
    let _ = Router::new()
        .handle("twice", |_: &Call, (): ()| Ok(()))
        .handle_async("twice", |_: Call, (): ()| async move { Ok(()) });
}

#[test]
fn a_clone_of_a_router_goes_its_own_way() {
    let first = echo();
    let second = first.clone().handle("more", |_: &Call, (): ()| Ok(1));
    assert_eq!(first.methods(), ["echo", "fail", "fail_later", "later"]);
    assert_eq!(second.methods(), ["echo", "fail", "fail_later", "later", "more"]);
    assert_eq!(jar_with_router(&second).eval("host.rpcSync('more')").unwrap().as_str(), "1");
    jar_with_router(&first).eval("host.rpcSync('more')").unwrap_err();
}
