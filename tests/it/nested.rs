//! Nested calls: a handler runs a script in another instance, whose script calls the handler again.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use belljar::{Call, Error, Instance, JsError, Limits, Router, RpcError, Runtime, Value, Verdict};

use crate::support::{assert_usable, block_on, is_alone, jar, poll_until_waiting, runtime, thrown};

/// The most nested calls, as the error says.
const MOST: usize = 24;
/// The stack of a thread of the standard library, and of tokio's.
const STACK_BYTES: usize = 2 << 20;

/// The position of the stack in each handler.
type Places = Arc<Mutex<Vec<usize>>>;

fn note(places: &Places) {
    let here = 0_u8;
    places.lock().unwrap().push(&raw const here as usize);
}

fn failed(error: Error) -> RpcError {
    RpcError::new(error.code(), error.to_string())
}

fn instance(runtime: &Runtime, places: &Places) -> Instance {
    runtime.instance(&router(runtime, places), &Limits::default()).unwrap()
}

/// A router whose every handler and closure runs a script in another instance with such a router.
fn router(runtime: &Runtime, places: &Places) -> Router {
    let world = (runtime.clone(), places.clone());
    let (run, later, read, print, judge) = (world.clone(), world.clone(), world.clone(), world.clone(), world);
    Router::new()
        .handle("run", move |_: &Call, source: String| {
            note(&run.1);
            instance(&run.0, &run.1).eval(&*source).map_err(failed)
        })
        .handle_async("later", move |_: Call, source: String| {
            let (runtime, places) = later.clone();
            async move {
                note(&places);
                instance(&runtime, &places).eval_async(&*source).await.map_err(failed)
            }
        })
        .handle("read", move |_: &Call, value: serde_json::Value| {
            note(&read.1);
            Ok(value.is_array())
        })
        .on_console(move |_, _, source| {
            note(&print.1);
            // The console closure cannot return the result.
            let _ = instance(&print.0, &print.1).eval(source);
        })
        .on_unhandled_rejection(move |_, error: &JsError| {
            note(&judge.1);
            let _ = instance(&judge.0, &judge.1).eval(&*error.message);
            Verdict::Continue
        })
}

/// A script that nests itself in `levels` further instances, and counts them on the way back. The last one makes its
/// handler read the deepest JSON that is allowed.
fn nesting(open: &str, close: &str, levels: usize) -> String {
    const DEEPEST: &str = "(host.rpcSync(\"read\", JSON.parse(\"[\".repeat(120) + \"]\".repeat(120))) ? 0 : NaN)";
    format!(
        "{{ const f = n => 'var f = ' + f + '; ' + (n ? '{open}f(' + (n - 1) + '){close} + 1' : '{DEEPEST}'); {open}f({}){close} + 1 }}",
        levels - 1
    )
}

/// The ways to nest that return a result.
const WAYS: [(&str, &str); 3] = [
    ("host.rpcSync(\"run\", ", ")"),
    ("(await host.rpc(\"later\", ", "))"),
    // The same with async calls at each level.
    ("host.rpcSync(\"later\", ", ")"),
];

fn go_down(jar: &mut Instance, (open, close): (&str, &str), levels: usize) -> belljar::Result<Value> {
    let script = nesting(open, close, levels);
    if open.contains("later") { block_on(jar.eval_async(script)) } else { jar.eval(script) }
}

/// Runs some work on a thread with the default stack size.
fn on_a_thread(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).unwrap().join().unwrap();
    });
}

#[test]
fn a_handler_can_run_scripts_that_call_it_down_to_a_bound() {
    if !is_alone("nested::a_handler_can_run_scripts_that_call_it_down_to_a_bound") {
        return;
    }
    on_a_thread(|| {
        for way in WAYS {
            let mut jar = instance(runtime(), &Places::default());
            // The outermost call counts too.
            let deepest = MOST - 1;
            assert_eq!(go_down(&mut jar, way, deepest).unwrap().as_str(), deepest.to_string(), "{way:?}");
            for levels in [deepest + 1, 1000] {
                let error = thrown(go_down(&mut jar, way, levels));
                assert!(
                    error.message.contains(&format!("{MOST} calls")) && error.message.contains("router"),
                    "{error}"
                );
                assert_usable(&mut jar);
            }
            assert_eq!(go_down(&mut jar, way, deepest).unwrap().as_str(), deepest.to_string(), "{way:?}");
        }
    });
}

#[test]
fn a_call_that_is_nested_too_deep_has_a_code_and_its_instance_takes_the_next_one() {
    let ended: Arc<Mutex<Vec<Error>>> = Arc::default();
    fn router(ended: &Arc<Mutex<Vec<Error>>>) -> Router {
        let ended = ended.clone();
        Router::new().handle("down", move |_: &Call, (): ()| {
            let mut jar = runtime().instance(&router(&ended), &Limits::default()).unwrap();
            let calls = jar.stats().calls;
            if let Err(error) = jar.eval("host.rpcSync('down'); 1") {
                assert_eq!(jar.stats().calls, calls, "a call that is refused is none");
                assert_eq!(jar.eval_async("1").now(), Err(error.clone()));
                ended.lock().unwrap().push(error);
            }
            Ok(())
        })
    }
    let mut jar = runtime().instance(&router(&ended), &Limits::default()).unwrap();
    assert_eq!(jar.eval("host.rpcSync('down'); 1").unwrap().as_str(), "1");
    let ended = ended.lock().unwrap();
    let [error] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((error.code(), error.blame()), ("host_error", belljar::Blame::Host));
    assert_usable(&mut jar);
}

/// The output of a future that never waits.
trait Now: Future + Sized {
    fn now(self) -> Self::Output {
        match poll_until_waiting(&mut Box::pin(self)) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }
}

impl<F: Future> Now for F {}

#[test]
fn closures_that_run_scripts_are_bounded_too() {
    if !is_alone("nested::closures_that_run_scripts_are_bounded_too") {
        return;
    }
    on_a_thread(|| {
        for (open, close) in [("console.log(", ")"), ("(Promise.reject(new Error(", ")), 1)")] {
            let places = Places::default();
            let mut jar = instance(runtime(), &places);
            go_down(&mut jar, (open, close), 1000).unwrap();
            let runs = places.lock().unwrap().len();
            assert_eq!(runs, MOST, "{open}: each level has it called once, and the last one is refused");
            assert_usable(&mut jar);
        }
    });
}

#[test]
fn calls_beside_each_other_are_not_inside_each_other() {
    // Many calls on one thread, all in progress, but none polled inside another.
    let router = Router::new().handle_async("never", |_: Call, (): ()| std::future::pending::<Result<(), RpcError>>());
    let mut jars: Vec<Instance> =
        (0..2 * MOST).map(|_| runtime().instance(&router, &Limits::default()).unwrap()).collect();
    let mut calls: Vec<_> = jars.iter_mut().map(|jar| Box::pin(jar.eval_async("await host.rpc('never')"))).collect();
    for _ in 0..3 {
        assert!(calls.iter_mut().all(|call| poll_until_waiting(call).is_pending()));
    }
    drop(calls);
    assert_usable(&mut jar());
}

#[test]
fn a_panic_that_goes_through_a_call_leaves_no_trace_in_the_count() {
    let router = Router::new().handle("loud", |_: &Call, (): ()| -> Result<(), RpcError> {
        std::panic::resume_unwind(Box::new("a handler has a bug"))
    });
    for _ in 0..2 * MOST {
        let mut jar = runtime().instance(&router, &Limits::default()).unwrap();
        thrown(jar.eval("host.rpcSync('loud')"));
    }
    assert_usable(&mut jar());
}

#[test]
fn the_bound_leaves_half_of_a_thread_s_stack_to_the_embedder() {
    let levels = WAYS.map(|way| {
        let places = Places::default();
        let mut jar = instance(runtime(), &places);
        go_down(&mut jar, way, MOST - 1).unwrap();
        let places = places.lock().unwrap();
        // Each handler is one level deeper than the one before.
        let level = places[0].abs_diff(places[MOST - 2]) / (MOST - 2);
        println!("{level} bytes of stack a level through {}", way.0);
        level
    });
    assert!(levels.iter().all(|level| level * MOST < STACK_BYTES / 2), "{levels:?} bytes a level");
}
