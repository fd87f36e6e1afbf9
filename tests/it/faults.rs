//! The faults of an earlier design that belljar must not have, one test each.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use belljar::{Call, Error, LimitKind, Limits, Program, Router, RpcError, Script};

use crate::support::{Log, assert_usable, block_on, jar, jar_with_router, runtime, thrown};

fn limit_of(result: belljar::Result<belljar::Value>) -> LimitKind {
    match result {
        Err(Error::Limit { kind, .. }) => kind,
        other => panic!("a limit should have been hit: {other:?}"),
    }
}

#[test]
fn burning_between_awaits_is_one_budget() {
    let router = Router::new().handle_async("tick", |_: Call, (): ()| async move {
        tokio::task::yield_now().await;
        Ok(())
    });
    // If the budget restarted at every await, the script would hit the wall-clock limit instead.
    let limits = Limits { cpu_time: Duration::from_millis(40), ..Limits::default() };
    let mut jar = runtime().instance(&router, &limits).unwrap();
    let burnt = block_on(jar.eval_async("for (;;) { for (let i = 0; i < 20000; i++); await host.rpc('tick') }"));
    assert_eq!(limit_of(burnt), LimitKind::CpuTime);
    assert_usable(&mut jar);
}

#[test]
fn time_in_a_synchronous_handler_is_not_cpu_time() {
    let limits = Limits { cpu_time: Duration::from_millis(250), ..Limits::default() };
    let router = Router::new().handle("work", |_: &Call, (): ()| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(300) {
            spin_loop();
        }
        Ok(7)
    });
    let mut jar = runtime().instance(&router, &limits).unwrap();
    assert_eq!(jar.eval("host.rpcSync('work')").unwrap().as_str(), "7");
    assert_eq!(block_on(jar.eval_async("host.rpcSync('work')")).unwrap().as_str(), "7");
}

#[test]
fn a_script_cannot_forge_the_error_of_a_limit() {
    let forgeries = [
        "throw new Error('interrupted')",
        "throw new InternalError('interrupted')",
        "throw new RangeError('Maximum call stack size exceeded')",
        "throw new InternalError('out of memory')",
        "throw Object.assign(new Error('x'), { code: 'cpu_limit_exceeded' })",
        "throw { code: 'memory_limit_exceeded', native: 'memory', name: 'InternalError', message: 'out of memory' }",
        "throw Object.assign(new InternalError('out of memory'), { native: 'memory' })",
        "throw 'interrupted'",
        "Promise.reject(new InternalError('interrupted'))",
        "throw new Error('cancelled', { cause: new InternalError('out of memory') })",
        "throw Object.create(InternalError.prototype, { message: { value: 'out of memory' } })",
    ];
    let mut jar = jar();
    for forgery in forgeries {
        thrown(jar.eval(forgery));
        thrown(block_on(jar.eval_async(forgery)));
        thrown(jar.eval(format!("(() => {{ {forgery} }})()").replace("{ Promise", "{ return Promise")));
    }
    assert_usable(&mut jar);
}

#[test]
fn a_rejection_that_looks_like_a_limit_stays_a_js_error() {
    let router = Router::new()
        .handle("fail", |_: &Call, (): ()| Err::<(), _>(RpcError::new("cpu_limit_exceeded", "interrupted")));
    let mut jar = jar_with_router(&router);
    assert_eq!(jar.eval("host.rpcSync('fail')").unwrap_err().code(), "js_error");
    assert_eq!(block_on(jar.eval_async("await host.rpc('fail')")).unwrap_err().code(), "js_error");
}

#[test]
fn a_result_with_a_value_key_keeps_its_other_keys() {
    let expected = r#"{"value":1,"done":false,"other":{"value":2}}"#;
    let script = "({ value: 1, done: false, other: { value: 2 } })";
    let mut jar = jar();
    assert_eq!(jar.eval(script).unwrap().as_str(), expected);
    assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), expected);
    assert_eq!(block_on(jar.eval_async(&format!("await Promise.resolve({script})"))).unwrap().as_str(), expected);
    assert_eq!(block_on(jar.eval_async(&format!("Promise.resolve({script})"))).unwrap().as_str(), expected);
    jar.eval(format!("host.on('plain', () => {script}); host.on('later', async () => {script})")).unwrap();
    for event in ["plain", "later"] {
        assert_eq!(jar.dispatch(event, &()).unwrap().as_str(), expected);
        assert_eq!(block_on(jar.dispatch_async(event, &())).unwrap().as_str(), expected);
    }
    let program = runtime().compile(script).unwrap();
    assert_eq!(jar.run(&program).unwrap().as_str(), expected);
    assert_eq!(block_on(jar.run_async(&program)).unwrap().as_str(), expected);
}

#[test]
fn a_promise_that_cannot_settle_is_an_error() {
    let mut jar = jar();
    for script in ["new Promise(() => {})", "(async () => { await new Promise(() => {}) })()"] {
        assert_eq!(jar.eval(script), Err(Error::NeverSettled { pending: vec![] }));
        assert_eq!(block_on(jar.eval_async(script)), Err(Error::NeverSettled { pending: vec![] }));
    }
    assert_eq!(block_on(jar.eval_async("await new Promise(() => {})")), Err(Error::NeverSettled { pending: vec![] }));
    assert_usable(&mut jar);
}

#[test]
fn a_promise_that_cannot_settle_names_the_calls_that_it_waits_for() {
    let router = Router::new()
        .handle_async("slow", |_: Call, (): ()| async move { Ok(()) })
        .handle_async("slower", |_: Call, (): ()| async move { Ok(()) });
    let mut jar = jar_with_router(&router);
    let error = jar.eval("Promise.all([host.rpc('slow'), host.rpc('slower')])").unwrap_err();
    assert_eq!(error, Error::NeverSettled { pending: vec!["slow".into(), "slower".into()] });
    assert_usable(&mut jar);
}

#[test]
fn results_that_cannot_cross_are_errors() {
    let mut jar = jar();
    for script in [
        "const a = {}; a.self = () => a; a",
        "Promise.resolve([Promise.resolve()])",
        "({ n: [1, new WeakRef({})] })",
        "(function named() {})",
        "(class A {})",
        "Symbol('s')",
        "[function () {}]",
    ] {
        let script = format!("{{ {script} }}");
        let script = script.as_str();
        assert_eq!(jar.eval(script).unwrap_err().code(), "not_serializable", "{script}");
        assert_eq!(block_on(jar.eval_async(script)).unwrap_err().code(), "not_serializable", "{script}");
    }
    assert_usable(&mut jar);
}

#[test]
fn no_internal_function_lies_on_the_global_object() {
    // Visits everything that is reachable from the global object through properties, accessors and prototypes. The
    // native functions of the bridge must be found in exactly their three places, and no function may be found
    // outside of the known places.
    let script = r"
        const seen = new Map([[globalThis, 'globalThis']]);
        for (const [object, path] of seen) {
            const visit = (value, name) => {
                if ((typeof value === 'object' && value !== null || typeof value === 'function') && !seen.has(value))
                    seen.set(value, `${path}.${name}`);
            };
            visit(Object.getPrototypeOf(object), '__proto__');
            for (const key of Reflect.ownKeys(object)) {
                let own;
                try { own = Object.getOwnPropertyDescriptor(object, key) } catch { continue }
                visit(own.value, String(key));
                visit(own.get, `get ${String(key)}`);
                visit(own.set, `set ${String(key)}`);
            }
        }
        const bridge = [...seen].filter(([value, path]) => typeof value === 'function'
            && (['rpc', 'rpcSync', 'on', ''].includes(value.name) || /^_(?!_(define|lookup)[GS]etter__$)/.test(value.name)));
        bridge.map(([, path]) => path).sort()
    ";
    let found: Vec<String> = jar().eval(script).unwrap().get().unwrap();
    let expected = [
        // Functions of the language without a name.
        "globalThis.Iterator.prototype.get constructor",
        "globalThis.Iterator.prototype.set constructor",
        "globalThis.Object.__proto__",
        "globalThis.Object.__proto__.get caller",
        // The bridge.
        "globalThis.host.on",
        "globalThis.host.rpc",
        "globalThis.host.rpcSync",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_replaced_json_or_promise_does_not_reach_the_plumbing() {
    let router = Router::new()
        .handle("echo", |_: &Call, value: belljar::Value| Ok(value))
        .handle_async("later", |_: Call, value: belljar::Value| async move { Ok(value) });
    let mut jar = jar_with_router(&router);
    jar.eval(
        "JSON.parse = JSON.stringify = () => { throw 'mine' };
         Promise.prototype.then = Promise.prototype.catch = function () { throw 'mine' };
         globalThis.JSON = globalThis.Promise = globalThis.Map = undefined;
         host.on('e', async p => host.rpcSync('echo', p))",
    )
    .unwrap();
    assert_eq!(jar.eval("host.rpcSync('echo', { a: [1] })").unwrap().as_str(), r#"{"a":[1]}"#);
    assert_eq!(block_on(jar.eval_async("await host.rpc('later', { a: [1] })")).unwrap().as_str(), r#"{"a":[1]}"#);
    assert_eq!(block_on(jar.dispatch_async("e", &[1, 2])).unwrap().as_str(), "[1,2]");
}

#[test]
fn the_queue_of_calls_is_bounded() {
    let router = Router::new().handle_async("wait", |_: Call, (): ()| std::future::pending::<Result<(), RpcError>>());
    let mut jar = jar_with_router(&router);
    assert_eq!(limit_of(block_on(jar.eval_async("for (;;) host.rpc('wait')"))), LimitKind::PendingRpcs);
    assert_usable(&mut jar);
}

#[test]
fn the_payload_of_a_call_is_bounded() {
    let router = Router::new().handle("take", |_: &Call, _: belljar::Value| Ok(()));
    let limits = Limits { js_heap_bytes: 60 << 20, memory_bytes: 120 << 20, ..Limits::default() };
    let mut jar = runtime().instance(&router, &limits).unwrap();
    for script in ["host.rpcSync('take', PAYLOAD)", "host.rpc('take', PAYLOAD)", "PAYLOAD", "host.rpcSync(PAYLOAD)"] {
        let script = script.replace("PAYLOAD", "'x'.repeat(11 << 20)");
        assert_eq!(limit_of(jar.eval(&script)), LimitKind::Message, "{script}");
    }
    assert_usable(&mut jar);
}

#[test]
fn memory_is_bounded_by_default() {
    let mut jar = jar();
    let error = jar.eval("{ const hoard = []; for (;;) hoard.push(new ArrayBuffer(1 << 20)) }").unwrap_err();
    assert_eq!(error.code(), "memory_limit_exceeded");
    assert!(jar.stats().memory_bytes <= jar.limits().memory_bytes);
    assert_usable(&mut jar);
}

#[test]
fn cycles_that_filled_the_heap_do_not_stop_the_next_call() {
    let mut jar = jar();
    let full = "{ const list = []; try { for (;;) list.push({ list }) } catch { list.length } }";
    assert!(jar.eval(full).is_ok_and(|length| length.get::<u32>().unwrap() > 1000));
    assert_usable(&mut jar);
}

#[test]
fn no_script_runs_while_an_import_is_at_work() {
    let log = Log::default();
    let (first, second) = (log.clone(), log.clone());
    let router = log
        .console()
        .handle("now", move |_: &Call, (): ()| {
            first.push("now");
            Ok(())
        })
        .handle_async("later", move |_: Call, (): ()| {
            let log = second.clone();
            async move {
                log.push("begin");
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                log.push("end");
                Ok(())
            }
        })
        .handle_async("quick", |_: Call, (): ()| async move { Ok(()) });
    let mut jar = jar_with_router(&router);
    block_on(jar.eval_async(
        "const job = name => Promise.resolve().then(() => console.log(name));
         job('job');
         const quick = host.rpc('quick').then(() => console.log('answer'));
         host.rpcSync('now'); console.log('after now');
         host.rpcSync('later'); console.log('after later');
         await quick",
    ))
    .unwrap();
    assert_eq!(log.take(), ["now", "after now", "begin", "end", "after later", "job", "answer"]);
}

#[test]
fn a_call_inside_the_parameters_of_a_call_does_not_mix_with_it() {
    let router = Router::new().handle("echo", |_: &Call, value: belljar::Value| Ok(value));
    let mut jar = jar_with_router(&router);
    let nested = "host.rpcSync('echo', { toJSON: () => [host.rpcSync('echo', 'inner'), 'outer'] })";
    assert_eq!(jar.eval(nested).unwrap().as_str(), r#"["inner","outer"]"#);
    assert_eq!(block_on(jar.eval_async(nested)).unwrap().as_str(), r#"["inner","outer"]"#);
}

#[test]
fn bytecode_of_another_build_is_refused() {
    let mut bytes = runtime().compile("1").unwrap().to_bytes();
    bytes[20] ^= 1;
    assert_eq!(Program::from_bytes(&bytes).unwrap_err().code(), "invalid_program");
}

#[test]
fn there_is_a_console() {
    let log = Log::default();
    jar_with_router(&log.console()).eval("console.log('hello', 1)").unwrap();
    assert_eq!(log.take(), ["hello 1"]);
}

#[test]
fn stack_traces_name_the_script() {
    let script = Script::new("\nfunction price() { throw new Error('no') }\nprice()").named("billing.js");
    let stack = thrown(jar().eval(script)).stack.unwrap();
    assert!(stack.contains("billing.js:2") && stack.contains("billing.js:3"), "{stack}");
}
