//! Threads: which types are `Send` and `Sync`, panics of handlers, no cross-talk, no leak.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use belljar::{
    Call, CancelHandle, Error, Instance, InstanceBuilder, LimitKind, Limits, Program, Router, RpcError, Runtime,
    RuntimeBuilder, Script, Stats, Value,
};

use crate::support::{
    Alive, assert_poisoned_until_reset, assert_usable, block_on, is_alone, jar, jar_of, limit_of, poll_until_waiting,
    resident_bytes, runtime,
};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}

/// Has one implementation for a type that is not `Sync`, and two for a type that is, which makes its use ambiguous.
trait NotSync<Which> {
    fn holds() {}
}
impl<T: ?Sized> NotSync<()> for T {}
impl<T: ?Sized + Sync> NotSync<u8> for T {}

#[test]
fn what_is_shared_is_sync_and_an_instance_is_only_send() {
    is_send::<Runtime>();
    is_sync::<Runtime>();
    is_send::<Router>();
    is_sync::<Router>();
    is_send::<CancelHandle>();
    is_sync::<CancelHandle>();
    is_send::<Program>();
    is_sync::<Program>();
    is_send::<Call>();
    is_sync::<Call>();
    is_send::<Error>();
    is_sync::<Error>();
    is_send::<Value>();
    is_sync::<Value>();
    is_send::<Limits>();
    is_sync::<Limits>();
    is_send::<Stats>();
    is_send::<Script<'_>>();
    is_send::<RuntimeBuilder>();
    is_send::<InstanceBuilder>();
    is_send::<Instance>();
    <Instance as NotSync<_>>::holds();
}

#[test]
fn every_future_can_move_between_threads() {
    fn moves<F: Future + Send>(future: F) -> F {
        future
    }
    let mut jar = jar();
    let program = runtime().compile("1").unwrap();
    drop(moves(jar.eval_async("1")));
    drop(moves(jar.dispatch_async("event", &())));
    drop(moves(jar.run_async(&program)));
    drop(moves(runtime().instance_async(&Router::new(), &Limits::default())));
    drop(moves(runtime().build_instance().start_async(&Router::new(), &Limits::default())));
    assert_usable(&mut jar);
}

#[test]
fn an_instance_goes_on_in_another_thread() {
    let router = Router::new().handle("add", |_: &Call, (a, b): (i64, i64)| Ok(a + b));
    let mut jar = jar_of(&router, &Limits::default());
    jar.eval("var total = 0; host.on('add', n => total = host.rpcSync('add', [total, n]))").unwrap();
    for n in 1..=8 {
        jar = std::thread::spawn(move || {
            jar.dispatch("add", &n).unwrap();
            jar
        })
        .join()
        .unwrap();
    }
    assert_eq!(jar.eval("total").unwrap().as_str(), "36");
}

#[test]
fn async_calls_of_many_instances_share_the_threads_of_one_executor() {
    let router = Router::new().handle_async("double", |_: Call, n: u64| async move {
        tokio::task::yield_now().await;
        Ok(2 * n)
    });
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let tasks: Vec<_> = (0..64_u64)
        .map(|n| {
            let mut jar = jar_of(&router, &Limits::default());
            executor.spawn(async move {
                let script = format!(
                    "for (let i = 0; i < 200000; i++); \
                     const all = await Promise.all([host.rpc('double', {n}), host.rpc('double', {n} + 1)]); \
                     all[0] + all[1] + host.rpcSync('double', {n})"
                );
                jar.eval_async(&script).await.unwrap().get::<u64>().unwrap()
            })
        })
        .collect();
    for (n, task) in (0_u64..).zip(tasks) {
        assert_eq!(executor.block_on(task).unwrap(), 6 * n + 2);
    }
}

// ---- panics

fn panicking() -> Router {
    Router::new()
        .handle("sync", |_: &Call, (): ()| -> Result<(), RpcError> { panic!("on purpose") })
        .handle_async("at_once", |_: Call, (): ()| -> std::future::Ready<Result<(), RpcError>> { panic!("on purpose") })
        .handle_async("later", |_: Call, (): ()| async {
            tokio::task::yield_now().await;
            if true {
                panic!("on purpose");
            }
            Ok(())
        })
        .handle_async("well", |_: Call, (): ()| async { Ok("well") })
}

#[test]
fn a_panic_in_a_handler_is_the_rejection_of_its_call_and_nothing_else() {
    let mut jar = jar_of(&panicking(), &Limits::default());
    for method in ["sync", "at_once", "later"] {
        for call in [format!("host.rpcSync('{method}')"), format!("await host.rpc('{method}')")] {
            let script = format!("try {{ {call}; 'went well' }} catch (e) {{ `${{e instanceof Error}} ${{e.code}}` }}");
            let caught = block_on(jar.eval_async(&script)).unwrap().get::<String>().unwrap();
            assert_eq!(caught, "true handler_panicked", "{call}");
            let uncaught = block_on(jar.eval_async(&call));
            assert!(matches!(uncaught, Err(Error::Js(_))), "{call}: {uncaught:?}");
            assert_usable(&mut jar);
        }
    }
    let code = jar.eval("try { host.rpcSync('sync') } catch (e) { e.code }").unwrap();
    assert_eq!(code.as_str(), "\"handler_panicked\"");
    assert_usable(&mut runtime().instance(&panicking(), &Limits::default()).unwrap());
}

#[test]
fn a_panic_in_one_of_many_handlers_leaves_the_others_their_answers() {
    let mut jar = jar_of(&panicking(), &Limits::default());
    let script = "(await Promise.allSettled(['well', 'later', 'sync', 'well'].map(m => host.rpc(m)))) \
                  .map(each => each.value ?? each.reason.code).join()";
    let all = block_on(jar.eval_async(script)).unwrap().get::<String>().unwrap();
    assert_eq!(all, "well,handler_panicked,handler_panicked,well");
}

#[test]
fn nothing_of_a_panic_reaches_the_script_but_its_code() {
    let mut jar = jar_of(&panicking(), &Limits::default());
    let seen =
        jar.eval("try { host.rpcSync('sync') } catch (e) { [e.message, e.stack, JSON.stringify(e)].join() }").unwrap();
    for secret in ["on purpose", "concurrency", ".rs"] {
        assert!(!seen.as_str().contains(secret), "{seen}");
    }
}

#[test]
fn a_panic_while_a_handler_is_dropped_harms_nothing() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("on purpose");
            }
        }
    }
    let alive = Alive::counter();
    let router = Router::new().handle_async("never", move |_: Call, (): ()| {
        let both = (Bomb, Alive::new(alive));
        async move {
            std::future::pending::<()>().await;
            drop(both);
            Ok(())
        }
    });
    let mut jar = jar_of(&router, &Limits { wall_time: Duration::from_millis(500), ..Limits::default() });
    for script in ["host.rpc('never'); host.rpc('never'); await host.rpc('never')", "host.rpcSync('never')"] {
        assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::WallTime, 500), "{script}");
        assert_eq!(alive.load(Ordering::SeqCst), 0, "one that panics keeps no other alive");
        assert_usable(&mut jar);
    }
    assert!(poll_until_waiting(&mut Box::pin(jar.eval_async("await host.rpc('never')"))).is_pending());
    assert_usable(&mut jar);
}

#[test]
fn a_panic_whose_payload_panics_when_it_is_dropped_is_contained_wherever_it_comes_from() {
    /// Its destructor panics with another one as payload, so dropping each payload would never end.
    struct Chain;
    impl Drop for Chain {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(Chain));
        }
    }
    fn fall() {
        std::panic::resume_unwind(Box::new(Chain));
    }
    struct Fall;
    impl Drop for Fall {
        fn drop(&mut self) {
            fall();
        }
    }
    impl<'de> serde::Deserialize<'de> for Fall {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Fall, D::Error> {
            fall();
            Ok(Fall)
        }
    }
    let router = Router::new()
        .handle("sync", |_: &Call, (): ()| {
            fall();
            Ok(())
        })
        .handle("read", |_: &Call, _: Fall| Ok(()))
        .handle_async("read_later", |_: Call, _: Fall| async { Ok(()) })
        .handle_async("at_once", |_: Call, (): ()| {
            fall();
            std::future::ready(Ok(()))
        })
        .handle_async("later", |_: Call, (): ()| async {
            tokio::task::yield_now().await;
            fall();
            Ok(())
        })
        .handle_async("never", |_: Call, (): ()| {
            let falls = Fall;
            async move {
                std::future::pending::<()>().await;
                drop(falls);
                Ok(())
            }
        })
        .on_console(|_, _, _| fall())
        .on_unhandled_rejection(|_, _| {
            fall();
            belljar::Verdict::Continue
        });
    let mut jar = jar_of(&router, &Limits { wall_time: Duration::from_millis(200), ..Limits::default() });
    for method in ["sync", "read", "read_later", "at_once", "later"] {
        for call in ["host.rpcSync", "await host.rpc"] {
            let script = format!("try {{ {call}('{method}') }} catch (e) {{ e.code }}");
            assert_eq!(block_on(jar.eval_async(&script)).unwrap().as_str(), "\"handler_panicked\"", "{call} {method}");
        }
    }
    assert_eq!(jar.eval("console.log('x'); 1").unwrap().as_str(), "1");
    assert_eq!(jar.eval("Promise.reject(new Error('x')); 1").unwrap_err().code(), "js_error");
    for script in ["host.rpc('never'); await host.rpc('never')", "host.rpcSync('never')"] {
        assert_eq!(limit_of(block_on(jar.eval_async(script))).0, LimitKind::WallTime, "{script}");
    }
    assert_usable(&mut jar);
}

#[test]
fn a_panic_in_the_console_or_in_the_judge_of_rejections_harms_nothing() {
    let router =
        Router::new().on_console(|_, _, _| panic!("on purpose")).on_unhandled_rejection(|_, _| panic!("on purpose"));
    let mut jar = jar_of(&router, &Limits::default());
    assert_eq!(jar.eval("console.log('x'); 1").unwrap().as_str(), "1");
    // A closure that panics has not allowed the call to continue.
    assert_eq!(jar.eval("Promise.reject(new Error('x')); 1").unwrap_err().code(), "js_error");
    assert_usable(&mut jar);
}

#[test]
fn a_panic_in_what_reads_params_or_writes_a_reply_is_the_rejection_of_its_call() {
    struct Trap;
    impl<'de> serde::Deserialize<'de> for Trap {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Trap, D::Error> {
            panic!("on purpose")
        }
    }
    impl serde::Serialize for Trap {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("on purpose")
        }
    }
    let router = Router::new()
        .handle("read", |_: &Call, _: Trap| Ok(()))
        .handle("write", |_: &Call, (): ()| Ok(Trap))
        .handle_async("read_async", |_: Call, _: Trap| async { Ok(()) })
        .handle_async("write_async", |_: Call, (): ()| async { Ok(Trap) });
    let mut jar = jar_of(&router, &Limits::default());
    for method in ["read", "write", "read_async", "write_async"] {
        for call in ["host.rpcSync", "await host.rpc"] {
            let script = format!("try {{ {call}('{method}') }} catch (e) {{ e.code }}");
            let code = block_on(jar.eval_async(&script)).unwrap();
            assert_eq!(code.as_str(), "\"handler_panicked\"", "{call} {method}");
            assert_usable(&mut jar);
        }
    }
}

// ---- eight threads

const THREADS: usize = 8;
const ROUNDS: usize = 90;
/// Fewer slots than threads, so that some threads wait.
const SLOTS: u32 = 6;

/// One round of a thread with one instance; `mine` is a number that is unique to it.
fn round(
    kind: usize,
    mine: usize,
    jar: &mut Instance,
    cancels: &Sender<CancelHandle>,
    handle: &Mutex<Option<CancelHandle>>,
) {
    jar.eval(format!("var mine = {mine}; var big = '{mine} '.repeat(10000); host.on('mine', () => mine)")).unwrap();
    match kind {
        0 => {
            let echoed = block_on(jar.eval_async("await host.rpc('echo', mine) + host.rpcSync('echo', mine)")).unwrap();
            assert_eq!(echoed.get::<usize>().unwrap(), 2 * mine);
        }
        1 => {
            assert_eq!(limit_of(jar.eval("new Array(4294967295).join('')")).0, LimitKind::Fuel);
            assert_poisoned_until_reset(jar);
            assert_eq!(jar.eval("typeof mine").unwrap().as_str(), "\"undefined\"");
            jar.eval(format!("var mine = {mine}; host.on('mine', () => mine)")).unwrap();
        }
        2 => {
            *handle.lock().unwrap() = Some(jar.cancel_handle());
            // The handler sends the handle to a thread that cancels it.
            let ended = block_on(jar.eval_async("host.rpcSync('ready'); await host.rpc('never')"));
            assert_eq!(ended, Err(Error::Cancelled));
            cancels.send(jar.cancel_handle()).unwrap();
        }
        3 => {
            let mut call = Box::pin(jar.eval_async("host.rpc('never'); await host.rpc('never')"));
            assert!(poll_until_waiting(&mut call).is_pending());
        }
        4 => {
            let mut call = Box::pin(jar.eval_async("host.rpcSync('never')"));
            assert!(poll_until_waiting(&mut call).is_pending());
            drop(call);
            assert_poisoned_until_reset(jar);
            jar.eval(format!("var mine = {mine}; host.on('mine', () => mine)")).unwrap();
        }
        _ => {
            let code = jar.eval("try { host.rpcSync('panic') } catch (e) { e.code }").unwrap();
            assert_eq!(code.as_str(), "\"handler_panicked\"");
            assert_eq!(
                jar.eval("const all = []; for (;;) all.push(new Uint8Array(1 << 20))").unwrap_err().code(),
                "memory_limit_exceeded"
            );
        }
    }
    // The cancellation was sent when no call was in progress, but it may arrive during this one.
    let ended = std::iter::repeat_with(|| jar.dispatch("mine", &())).find(|ended| *ended != Err(Error::Cancelled));
    assert_eq!(ended.unwrap().unwrap().get::<usize>().unwrap(), mine);
}

/// Runs the threads; returns the resident memory of the process after a third of the rounds and at the end.
fn eight_threads() -> (Option<u64>, Option<u64>) {
    let alive: &'static AtomicUsize = Alive::counter();
    let runtime = Runtime::builder().max_instances(SLOTS).build().unwrap();
    let limits = Limits {
        fuel: Some(100_000_000),
        cpu_time: Duration::from_secs(120),
        wall_time: Duration::from_secs(120),
        js_heap_bytes: 8 << 20,
        ..Limits::default()
    };
    let (cancels, to_cancel) = channel::<CancelHandle>();
    let (warm, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    std::thread::scope(|scope| {
        scope.spawn(move || to_cancel.iter().for_each(|handle| handle.cancel()));
        for thread in 0..THREADS {
            let (runtime, limits, cancels, warm, end) = (&runtime, &limits, cancels.clone(), &warm, &end);
            scope.spawn(move || {
                let handle = std::sync::Arc::new(Mutex::new(None::<CancelHandle>));
                let (ready, sender) = (handle.clone(), Mutex::new(cancels.clone()));
                let router = Router::new()
                    .handle("ready", move |_: &Call, (): ()| {
                        if let Some(handle) = ready.lock().unwrap().take() {
                            sender.lock().unwrap().send(handle).unwrap();
                        }
                        Ok(())
                    })
                    .handle_async("echo", |_: Call, value: Value| async move {
                        tokio::task::yield_now().await;
                        Ok(value)
                    })
                    .handle_async("never", move |_: Call, (): ()| {
                        let guard = Alive::new(alive);
                        async move {
                            std::future::pending::<()>().await;
                            drop(guard);
                            Ok(())
                        }
                    })
                    .handle("panic", |_: &Call, (): ()| -> Result<(), RpcError> {
                        // A resumed panic does not call the hook that prints it.
                        std::panic::resume_unwind(Box::new("on purpose"))
                    });
                for number in 0..ROUNDS {
                    let mut jar = block_on(runtime.instance_async(&router, limits)).unwrap();
                    assert_eq!(jar.eval("typeof mine + typeof big").unwrap().as_str(), "\"undefinedundefined\"");
                    round((number + thread) % 6, thread * ROUNDS + number, &mut jar, &cancels, &handle);
                    drop(jar);
                    if number == ROUNDS / 3 {
                        warm.wait();
                        warm.wait();
                    }
                }
                end.wait();
            });
        }
        drop(cancels);
        warm.wait();
        let before = resident_bytes();
        warm.wait();
        end.wait();
        assert_eq!(alive.load(Ordering::SeqCst), 0, "a handler is still alive");
        let mut jars: Vec<_> = (0..SLOTS).map(|_| runtime.instance(&Router::new(), &limits).unwrap()).collect();
        jars.iter_mut().for_each(assert_usable);
        drop(jars);
        (before, resident_bytes())
    })
}

#[test]
fn eight_threads_create_use_cancel_and_drop_instances_without_a_leak() {
    if !is_alone("concurrency::eight_threads_create_use_cancel_and_drop_instances_without_a_leak") {
        return;
    }
    if let (Some(before), Some(after)) = eight_threads() {
        let rounds = (THREADS * ROUNDS) as u64;
        // A leak of one page per round would be a few megabytes, a leak of an instance per round some hundred.
        assert!(after < before + (8 << 20), "{before} bytes after a third of {rounds} rounds, {after} at the end");
    }
}
