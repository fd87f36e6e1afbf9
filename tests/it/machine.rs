//! Faults of an instance's environment: handlers, executors and threads that end too late or too early, and a system
//! without free resources. The error says what happened, and nothing leaks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use belljar::{Call, Error, Instance, Limits, Router, RpcError, Runtime, Value};
use tokio::sync::oneshot;

use crate::support::{Alive, assert_usable, block_on, is_alone_under, jar_of, jar_with_router, poll_until_waiting};

// ---- handlers

#[test]
fn a_reply_of_ten_megabytes_crosses_and_a_larger_one_is_the_rejection_of_its_call() {
    let most = usize::try_from(Limits::default().message_bytes).unwrap();
    let reply = |bytes: usize| Value::from_json(format!("\"{}\"", "x".repeat(bytes - 2))).unwrap();
    let (fits, larger) = (reply(most), reply(most + 1));
    let router = Router::new()
        .handle("fits", move |_: &Call, (): ()| Ok(fits.clone()))
        .handle("larger", move |_: &Call, (): ()| Ok(larger.clone()));
    let mut jar = jar_of(&router, &Limits { js_heap_bytes: 60 << 20, memory_bytes: 120 << 20, ..Limits::default() });
    for call in ["host.rpcSync", "await host.rpc"] {
        let length = block_on(jar.eval_async(&format!("(({call}('fits'))).length"))).unwrap();
        assert_eq!(length.get::<usize>().unwrap(), most - 2, "{call}");
        let code = block_on(jar.eval_async(&format!("try {{ {call}('larger') }} catch (e) {{ e.code }}"))).unwrap();
        assert_eq!(code.as_str(), "\"message_too_large\"", "{call}");
    }
    assert_usable(&mut jar);
}

/// A router whose one handler waits for an answer from the test.
fn answered_by_hand() -> (Router, Arc<Mutex<Vec<oneshot::Sender<u32>>>>) {
    let senders = Arc::new(Mutex::new(Vec::new()));
    let kept = senders.clone();
    let router = Router::new().handle_async("slow", move |_: Call, (): ()| {
        let (sender, receiver) = oneshot::channel();
        kept.lock().unwrap().push(sender);
        async move { receiver.await.map_err(|_| RpcError::new("gone", "nobody answers")) }
    });
    (router, senders)
}

#[test]
fn an_answer_that_comes_after_the_instance_was_dropped_is_nobodys() {
    let (router, senders) = answered_by_hand();
    let mut jar = jar_with_router(&router);
    assert!(poll_until_waiting(&mut Box::pin(jar.eval_async("await host.rpc('slow')"))).is_pending());
    drop(jar);
    let sender = senders.lock().unwrap().pop().unwrap();
    assert!(sender.is_closed());
    assert_eq!(sender.send(7), Err(7));
}

#[test]
fn a_handler_whose_own_source_of_answers_is_gone_says_so() {
    let (router, senders) = answered_by_hand();
    let mut jar = jar_with_router(&router);
    let mut call = Box::pin(jar.eval_async("try { await host.rpc('slow') } catch (e) { e.code }"));
    assert!(poll_until_waiting(&mut call).is_pending());
    senders.lock().unwrap().clear();
    assert_eq!(block_on(call).unwrap().as_str(), "\"gone\"");
    assert_usable(&mut jar);
}

// ---- executors and threads

fn pool_of_one() -> Runtime {
    Runtime::builder().max_instances(1).build().unwrap()
}

#[test]
fn an_executor_that_is_shut_down_in_the_middle_of_a_call_drops_its_handlers_and_gives_the_slot_back() {
    let alive = Alive::counter();
    let runtime = pool_of_one();
    for script in ["await host.rpc('never')", "host.rpcSync('never')", "host.rpc('never'); for (;;);"] {
        let (begun, has_begun) = std::sync::mpsc::channel();
        let router = Router::new().handle_async("never", move |_: Call, (): ()| {
            let guard = Alive::new(alive);
            begun.send(()).unwrap();
            async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok(())
            }
        });
        let mut jar = runtime.instance(&router, &Limits::default()).unwrap();
        let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let task = executor.spawn(async move { jar.eval_async(script).await });
        has_begun.recv().unwrap();
        drop(executor);
        assert_eq!(alive.load(Ordering::SeqCst), 0, "{script}");
        assert!(block_on(task).unwrap_err().is_cancelled(), "{script}");
        assert_usable(&mut runtime.instance(&Router::new(), &Limits::default()).unwrap());
    }
}

#[test]
fn a_call_that_is_finished_by_another_executor_than_the_one_that_began_it_ends_well() {
    let (router, senders) = answered_by_hand();
    let mut jar = jar_with_router(&router);
    let mut call = Box::pin(jar.eval_async("1 + await host.rpc('slow')"));
    let first = tokio::runtime::Builder::new_current_thread().build().unwrap();
    first.block_on(async { assert!(poll_until_waiting(&mut call).is_pending()) });
    drop(first);
    senders.lock().unwrap().pop().unwrap().send(41).unwrap();
    assert_eq!(block_on(call).unwrap().as_str(), "42");
}

#[test]
fn a_thread_that_panics_while_it_holds_an_instance_gives_the_slot_back() {
    let alive = Alive::counter();
    let runtime = pool_of_one();
    let router = Router::new().handle_async("never", move |_: Call, (): ()| {
        let guard = Alive::new(alive);
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        }
    });
    for script in ["1", "await host.rpc('never')", "host.rpcSync('never')", "for (;;);"] {
        let mut jar = runtime.instance(&router, &Limits::default()).unwrap();
        let thread = std::thread::spawn(move || {
            let mut call = Box::pin(jar.eval_async(script));
            let _ = poll_until_waiting(&mut call);
            // A resumed panic does not call the hook that prints it.
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(thread.join().is_err());
        assert_eq!(alive.load(Ordering::SeqCst), 0, "{script}");
        assert_usable(&mut runtime.instance(&Router::new(), &Limits::default()).unwrap());
    }
}

#[test]
fn a_pool_that_stays_full_wakes_nobody_and_forgets_nobody() {
    struct Wakes(AtomicUsize);
    impl std::task::Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let runtime = pool_of_one();
    let mut holder = runtime.instance(&Router::new(), &Limits::default()).unwrap();
    let wakes = Arc::new(Wakes(0.into()));
    let waker = wakes.clone().into();
    let mut context = std::task::Context::from_waker(&waker);
    let (router, limits) = (Router::new(), Limits::default());
    let mut queue: Vec<_> = (0..100).map(|_| Box::pin(runtime.instance_async(&router, &limits))).collect();
    assert!(queue.iter_mut().all(|waiting| waiting.as_mut().poll(&mut context).is_pending()));
    for round in 0..1000_u32 {
        assert_eq!(holder.eval(format!("{round}")).unwrap().get::<u32>().unwrap(), round);
        assert_eq!(runtime.instance(&router, &limits).unwrap_err().code(), "no_capacity");
    }
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    drop(holder);
    for waiting in queue {
        assert_usable(&mut block_on(waiting).unwrap());
    }
}

// ---- a machine that is out of something

/// Opens all files that this process may still open.
#[cfg(unix)]
fn take_all_files() -> Vec<std::fs::File> {
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    files
}

#[test]
#[cfg(unix)]
fn without_a_file_to_open_instances_work_or_the_error_is_the_machines() {
    let test = "machine::without_a_file_to_open_instances_work_or_the_error_is_the_machines";
    if !is_alone_under("ulimit -n 100", test) {
        return;
    }
    let (router, limits) = (Router::new(), Limits::default());
    let refused =
        |error: Error| assert_eq!((error.code(), error.blame()), ("host_error", belljar::Blame::Host), "{error}");
    let ready = pool_of_one();
    let files = take_all_files();
    assert!(files.len() > 10);
    for builder in [Runtime::builder(), Runtime::builder().on_demand()] {
        match builder.max_instances(2).build().and_then(|runtime| runtime.instance(&router, &limits)) {
            Ok(mut jar) => assert_usable_without_files(&mut jar),
            Err(error) => refused(error),
        }
    }
    match ready.instance(&router, &limits) {
        Ok(mut jar) => assert_usable_without_files(&mut jar),
        Err(error) => refused(error),
    }
    drop(files);
    assert_usable(&mut ready.instance(&router, &limits).unwrap());
    assert_usable(&mut pool_of_one().instance(&router, &limits).unwrap());
}

/// As [`assert_usable`], without an executor, which would open files.
#[cfg(unix)]
fn assert_usable_without_files(jar: &mut Instance) {
    assert_eq!(jar.eval("[1, 2, 3].map(n => n * n).join()").unwrap().as_str(), "\"1,4,9\"");
    assert_eq!(jar.eval("new Uint8Array(8 << 20).length").unwrap().as_str(), "8388608");
    jar.snapshot().unwrap();
    jar.reset().unwrap();
    assert_eq!(jar.eval("1 + 2").unwrap().as_str(), "3");
}

#[test]
#[cfg(unix)]
fn without_address_space_the_error_names_the_way_out_and_what_fits_works() {
    let test = "machine::without_address_space_the_error_names_the_way_out_and_what_fits_works";
    // Twenty gigabytes: room for a few instances, each of which reserves a little more than four.
    if !is_alone_under("ulimit -v 20971520", test) {
        return;
    }
    let (router, limits) = (Router::new(), Limits::default());
    for builder in [Runtime::builder(), Runtime::builder().on_demand()] {
        let runtime = builder.build().unwrap();
        for _ in 0..3 {
            let mut jars = Vec::new();
            let error = loop {
                match runtime.instance(&router, &limits) {
                    Ok(jar) => jars.push(jar),
                    Err(error) => break error,
                }
            };
            assert_eq!((error.code(), error.blame()), ("host_error", belljar::Blame::Host), "{error}");
            assert!(
                error.to_string().contains("`ulimit -v`") && error.to_string().contains("fewer instances at once"),
                "{error}"
            );
            assert!((1..10).contains(&jars.len()), "{} instances", jars.len());
            jars.iter_mut().for_each(assert_usable);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn memory_that_the_system_refuses_is_the_systems_fault_and_not_a_limit() {
    let test = "machine::memory_that_the_system_refuses_is_the_systems_fault_and_not_a_limit";
    // This limit counts writable memory, which an instance has more of when it grows.
    if !is_alone_under("ulimit -d 400000", test) {
        return;
    }
    let runtime = Runtime::builder().max_instances(2).build().unwrap();
    let limits = Limits { js_heap_bytes: 900 << 20, memory_bytes: 1 << 30, ..Limits::default() };
    let mut jar = runtime.instance(&Router::new(), &limits).unwrap();
    let error = jar.eval("new Uint8Array(600 << 20).length").unwrap_err();
    assert_eq!((error.code(), error.blame()), ("host_error", belljar::Blame::Host), "{error}");
    assert!(error.to_string().contains("the system gave an instance no more memory"), "{error}");
    assert_eq!(jar.eval("new Uint8Array(8 << 20).length").unwrap().as_str(), "8388608");
    let error = jar.eval("new Uint8Array(2 ** 31).length").unwrap_err();
    assert_ne!(error.code(), "host_error", "{error}");
    jar.reset().unwrap();
    assert_usable(&mut jar);
}

#[test]
#[cfg(unix)]
fn without_address_space_for_a_lane_of_their_own_threads_share_one() {
    let test = "machine::without_address_space_for_a_lane_of_their_own_threads_share_one";
    // Twenty gigabytes: room for the instances of a few threads.
    if !is_alone_under("ulimit -v 20971520", test) {
        return;
    }
    let runtime = Runtime::builder().max_instances(2).build().unwrap();
    let take = || runtime.instance(&Router::new(), &Limits::default());
    assert_usable(&mut take().unwrap());
    for _ in 0..4 {
        std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| assert_usable(&mut take().unwrap())));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_thread_to_start_a_call_that_waits_ends_in_an_error_that_says_what_to_change() {
    let test = "machine::without_a_thread_to_start_a_call_that_waits_ends_in_an_error_that_says_what_to_change";
    if !crate::support::is_alone(test) {
        return;
    }
    let router = Router::new()
        .handle_async("never", |_: Call, (): ()| std::future::pending::<Result<(), RpcError>>())
        .handle_async("at_once", |_: Call, (): ()| async { Ok(7) });
    let limits = Limits { wall_time: std::time::Duration::from_millis(50), ..Limits::default() };
    let mut jar = jar_of(&router, &limits);
    crate::process::allow_threads(false);
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "this test needs a system that obeys RLIMIT_NPROC");
    for _ in 0..3 {
        for script in ["await host.rpc('never')", "host.rpcSync('never')"] {
            let refused = block_on(jar.eval_async(script)).unwrap_err();
            assert_eq!((refused.code(), refused.blame()), ("host_error", belljar::Blame::Host), "{script}");
            let told = refused.to_string();
            assert!(told.contains("thread") && told.contains("ulimit -u") && told.contains("pids"), "{told}");
        }
        // A call that does not wait needs no thread.
        assert_eq!(block_on(jar.eval_async("await host.rpc('at_once')")).unwrap().as_str(), "7");
        assert_usable(&mut jar);
    }
    crate::process::allow_threads(true);
    let ended = block_on(jar.eval_async("await host.rpc('never')"));
    assert_eq!(ended.unwrap_err().code(), "wall_limit_exceeded");
    assert_usable(&mut jar);
}
