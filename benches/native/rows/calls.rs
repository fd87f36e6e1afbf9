//! Calls of a warm instance, in both directions.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use belljar::{Instance, Runtime};
use rquickjs as native;
use serde_json::Value;

use super::{context, functions, limits, router, run_native, same};
use crate::report::{Goal, NATIVE};
use crate::scripts::SMALL;
use crate::{Bench, timed};

/// The most handler calls of one script; belljar's default limit is 10,000.
const CALLS: u64 = 5000;

pub(super) fn eval(bench: &mut Bench, runtime: &Runtime) {
    let mut jar = runtime.instance(&router(), &limits()).unwrap();
    let context = context();
    bench.pair(
        "eval",
        Goal::Times(2.0, 1.3),
        NATIVE,
        &mut |runs| timed(runs, || drop(black_box(jar.eval("1+2").unwrap()))),
        &mut |runs| timed(runs, || run_native(&context, "1+2")),
    );
    let program = runtime.compile("1+2").unwrap();
    bench.pair(
        "eval/of its program",
        Goal::None,
        NATIVE,
        &mut |runs| timed(runs, || drop(black_box(jar.run(&program).unwrap()))),
        &mut |runs| timed(runs, || run_native(&context, "1+2")),
    );
    // QuickJS's allocator makes and frees an arena in every eval if the context holds no block of some size, as in a
    // bare native context. So the row above has a variant in a context that holds functions.
    jar.eval(&*functions(2000)).unwrap();
    run_native(&context, &functions(2000));
    bench.pair(
        "eval/among functions",
        Goal::None,
        NATIVE,
        &mut |runs| timed(runs, || drop(black_box(jar.eval("1+2").unwrap()))),
        &mut |runs| timed(runs, || run_native(&context, "1+2")),
    );
}

/// A message that is sent and returned. Large messages are made beforehand, so that making them is not measured.
struct Message {
    name: &'static str,
    /// Number of objects of about 48 bytes of JSON in the script's `sent`.
    items: usize,
    expression: &'static str,
    /// The goal of a handler call with this message; only the small one has one.
    goal: Goal,
}

const MESSAGES: [Message; 4] = [
    Message { name: "", items: 0, expression: SMALL, goal: Goal::Times(1.0, 0.4) },
    Message { name: "/empty", items: 0, expression: "null", goal: Goal::None },
    Message { name: "/10 KB", items: 214, expression: "sent", goal: Goal::None },
    Message { name: "/1 MB", items: 20_500, expression: "sent", goal: Goal::None },
];

impl Message {
    fn preparation(&self) -> String {
        let items = self.items;
        format!(
            "globalThis.sent = Array.from({{ length: {items} }}, (_, id) => ({{ id, name: 'item number ' + id, ok: true }}));
             JSON.stringify(sent).length"
        )
    }
}

/// Scripts with many calls each, so that the cost of the script itself does not show.
fn scripts(runs: u64, script: impl Fn(u64) -> String) -> impl Iterator<Item = String> {
    (0..runs).step_by(CALLS as usize).map(move |done| script((runs - done).min(CALLS)))
}

pub(super) fn rpc_sync(bench: &mut Bench, mut jar: Instance) {
    let context = context();
    context.with(|ctx| {
        let call = native::Function::new(ctx.clone(), |_method: String, params: String| same(&params)).unwrap();
        ctx.globals().set("call", call).unwrap();
        let host = "globalThis.host = { rpcSync: (m, p) => JSON.parse(call(m, JSON.stringify(p))) }; 0";
        let _: i32 = ctx.eval(host).unwrap();
    });
    for message in MESSAGES {
        jar.eval(&*message.preparation()).unwrap();
        run_native(&context, &message.preparation());
        let sent = message.expression;
        let script = |calls| format!("for (let i = 0; i < {calls}; i++) host.rpcSync('same', {sent})");
        bench.pair(
            &format!("rpc_sync{}", message.name),
            message.goal,
            NATIVE,
            &mut |runs| scripts(runs, script).map(|script| timed(1, || drop(jar.eval(&*script).unwrap()))).sum(),
            &mut |runs| scripts(runs, script).map(|script| timed(1, || run_native(&context, &script))).sum(),
        );
    }
}

/// A hand-written host for native QuickJS: a queue of calls, and a function that settles the promise of each.
struct NativeHost {
    context: native::Context,
    queue: Rc<RefCell<Vec<String>>>,
}

impl NativeHost {
    fn new() -> NativeHost {
        let (context, queue) = (context(), Rc::new(RefCell::new(Vec::<String>::new())));
        let calls_made = queue.clone();
        context.with(|ctx| {
            let start = move |_method: String, params: String| calls_made.borrow_mut().push(params);
            ctx.globals().set("start", native::Function::new(ctx.clone(), start).unwrap()).unwrap();
        });
        run_native(
            &context,
            "globalThis.waiting = [];
             globalThis.host = { rpc: (m, p) => new Promise(settle => { start(m, JSON.stringify(p)); waiting.push(settle) }) };
             globalThis.settle = text => waiting.shift()(JSON.parse(text)); 0",
        );
        NativeHost { context, queue }
    }

    /// Runs an expression to its end, answers its calls, and returns its value as JSON.
    fn awaited(&self, expression: &str) -> String {
        let script =
            format!("globalThis.result = undefined; {expression}.then(it => {{ result = JSON.stringify(it) }}); 0");
        self.context.with(|ctx| {
            let _: i32 = ctx.eval(script).unwrap();
            let settle: native::Function<'_> = ctx.globals().get("settle").unwrap();
            loop {
                let calls = self.queue.take();
                if calls.is_empty() {
                    break;
                }
                for params in calls {
                    let () = settle.call((same(&params),)).unwrap();
                }
                while ctx.execute_pending_job() {}
            }
            ctx.globals().get("result").unwrap()
        })
    }
}

/// Measures the same expression on both sides, after a check that both give the same value.
fn pair_awaited(
    bench: &mut Bench,
    name: &str,
    goal: Goal,
    jar: &mut Instance,
    host: &NativeHost,
    expression: &dyn Fn(u64) -> String,
    calls_per_script: u64,
) {
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut belljar = |expression: &str| executor.block_on(jar.eval_async(&*format!("await {expression}"))).unwrap();
    assert_eq!(belljar(&expression(1)).as_str(), host.awaited(&expression(1)));
    let each =
        |runs: u64| (0..runs).step_by(calls_per_script as usize).map(move |done| (runs - done).min(calls_per_script));
    bench.pair(
        name,
        goal,
        NATIVE,
        &mut |runs| each(runs).map(expression).map(|it| timed(1, || drop(black_box(belljar(&it))))).sum(),
        &mut |runs| each(runs).map(expression).map(|it| timed(1, || drop(black_box(host.awaited(&it))))).sum(),
    );
}

/// Sequential calls, each awaited.
pub(super) fn rpc_async(bench: &mut Bench, mut jar: Instance) {
    let host = NativeHost::new();
    for message in MESSAGES {
        jar.eval(&*message.preparation()).unwrap();
        run_native(&host.context, &message.preparation());
        let sent = message.expression;
        let calls = |calls: u64| {
            format!(
                "(async () => {{ for (let i = 0; i < {calls}; i++) await host.rpc('same_later', {sent}); return 'done' }})()"
            )
        };
        pair_awaited(bench, &format!("rpc_async{}", message.name), Goal::None, &mut jar, &host, &calls, CALLS);
    }
}

/// A hundred concurrent calls, each answered as soon as the script waits.
pub(super) fn parallel_async(bench: &mut Bench, mut jar: Instance) {
    let calls = "Promise.all(Array.from({ length: 100 }, (_, i) => host.rpc('same_later', { i })))";
    let goal = Goal::Times(1.0, 0.5);
    pair_awaited(bench, "parallel_async", goal, &mut jar, &NativeHost::new(), &|_| calls.into(), 1);
}

pub(super) fn dispatch(bench: &mut Bench, mut jar: Instance) {
    let handler = "p => ({ ok: p.a, l: p.c })";
    let payload = serde_json::json!({ "a": 1, "b": "two", "c": [1, 2, 3] });
    jar.eval(&*format!("host.on('event', {handler})")).unwrap();
    let context = context();
    run_native(&context, &format!("globalThis.handle = text => JSON.stringify(({handler})(JSON.parse(text))); 0"));
    bench.pair(
        "dispatch",
        Goal::Times(1.0, 0.4),
        NATIVE,
        &mut |runs| {
            timed(runs, || {
                black_box(jar.dispatch("event", &payload).unwrap().get::<Value>().unwrap());
            })
        },
        &mut |runs| {
            context.with(|ctx| {
                let handle: native::Function<'_> = ctx.globals().get("handle").unwrap();
                timed(runs, || {
                    let text: String = handle.call((serde_json::to_string(&payload).unwrap(),)).unwrap();
                    black_box(serde_json::from_str::<Value>(&text).unwrap());
                })
            })
        },
    );
}
