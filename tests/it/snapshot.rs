//! Snapshots: taken, stored, refused, restored.

use belljar::{Answer, Call, CallId, Clock, Error, Limits, Reply, Router, RpcError, Script, Snapshot, Turn, Value};
use std::time::Duration;

use crate::support::{Alive, assert_usable, block_on, jar, jar_with_router, runtime};

const KEY: [u8; 32] = [7; 32];

fn restore(snapshot: &Snapshot) -> belljar::Instance {
    runtime().restore(snapshot, &Router::new(), &Limits::default()).unwrap()
}

/// A router with a handler that always pauses.
fn pausing() -> Router {
    Router::new().handle("approve", |_: &Call, _: Value| Reply::pause())
}

fn paused(turn: belljar::Result<Turn>) -> Snapshot {
    match turn.unwrap() {
        Turn::Paused(paused) => paused.snapshot().clone(),
        other => panic!("nothing was paused: {other:?}"),
    }
}

fn done(turn: belljar::Result<Turn>) -> Value {
    match turn.unwrap() {
        Turn::Done(value) => value,
        other => panic!("it should be done: {other:?}"),
    }
}

#[test]
fn a_state_of_every_kind_survives() {
    let mut jar = jar();
    jar.eval(
        "let n = 40; const f = () => ++n; const g = (function* () { try { yield 1; yield 2 } finally { n += 100 } })(); g.next();
         const m = new Map([[1, new Set(['x'])]]), b = 2n ** 80n, r = /a/g, t = new Float32Array([1.5]), s = Symbol.for('s');
         r.test('aa'); class P { #q = 5; q() { return this.#q } } const p = new P(), w = new WeakRef(p);
         host.on('next', () => [f(), g.next().value, [...m.get(1)][0], String(b), r.lastIndex, t[0], p.q(), w.deref() === p])",
    )
    .unwrap();
    let bytes = jar.snapshot().unwrap().to_bytes();
    let mut twin = restore(&Snapshot::from_bytes(&bytes).unwrap());
    let expected = r#"[41,2,"x","1208925819614629174706176",1,1.5,5,true]"#;
    assert_eq!(twin.dispatch("next", &()).unwrap().as_str(), expected);
    assert_eq!(jar.dispatch("next", &()).unwrap().as_str(), expected);
}

#[test]
fn twins_share_nothing() {
    let mut jar = jar();
    jar.eval("let n = 0; Math.random()").unwrap();
    let snapshot = jar.snapshot().unwrap();
    let mut draws = std::collections::HashSet::new();
    for twin in 0..1000 {
        let mut twin_jar = restore(&snapshot);
        assert_eq!(twin_jar.eval(format!("n += {twin}; n")).unwrap().get::<u32>().unwrap(), twin);
        draws.insert(twin_jar.eval("Math.random()").unwrap().as_str().to_owned());
    }
    assert_eq!(draws.len(), 1000);
    assert_eq!(jar.eval("n").unwrap().as_str(), "0");
}

#[test]
fn a_seeded_instance_goes_on_with_its_numbers() {
    let start = || runtime().build_instance().seed(5).start(&Router::new(), &Limits::default()).unwrap();
    let (mut straight, mut frozen) = (start(), start());
    let first = straight.eval("Math.random()").unwrap();
    assert_eq!(frozen.eval("Math.random()").unwrap(), first);
    let second = straight.eval("Math.random()").unwrap();
    assert_eq!(restore(&frozen.snapshot().unwrap()).eval("Math.random()").unwrap(), second);
}

#[test]
fn a_stepped_clock_goes_on_where_it_was() {
    let clock = Clock::Stepped { start: Duration::from_secs(1), step: Duration::from_secs(1) };
    let mut jar = runtime().build_instance().clock(clock).start(&Router::new(), &Limits::default()).unwrap();
    assert_eq!(jar.eval("Date.now()").unwrap().as_str(), "1000");
    assert_eq!(restore(&jar.snapshot().unwrap()).eval("Date.now()").unwrap().as_str(), "2000");
}

#[test]
fn the_age_of_a_restored_instance_counts_on_and_that_of_a_prelude_does_not() {
    // Eleven days; no test runs that long.
    const AGE_MS: f64 = 1e9;
    let mut jar = jar();
    jar.eval("performance.now()").unwrap();
    let old = crate::forgery::with_number(&jar.snapshot().unwrap().to_bytes(), "age", "1000000000000000");
    let old = Snapshot::from_bytes(&old).unwrap();
    let now = |mut jar: belljar::Instance| jar.eval("performance.now()").unwrap().get::<f64>().unwrap();
    assert!(now(restore(&old)) >= AGE_MS);
    // The same after a second snapshot.
    assert!(now(restore(&restore(&old).snapshot().unwrap())) >= AGE_MS);
    let fresh = runtime().build_instance().begin_from(&old).start(&Router::new(), &Limits::default()).unwrap();
    assert!(now(fresh) < AGE_MS);
}

#[test]
fn memory_that_grew_comes_back() {
    let mut jar = jar();
    jar.eval("const big = new Uint8Array(8 << 20).fill(3)").unwrap();
    let snapshot = Snapshot::from_bytes(&jar.snapshot().unwrap().to_bytes()).unwrap();
    assert_eq!(restore(&snapshot).eval("big.reduce((a, b) => a + b, 0)").unwrap().get::<u32>().unwrap(), 3 << 23);
    let small = Limits { memory_bytes: 4 << 20, js_heap_bytes: 4 << 20, ..Limits::default() };
    let refused = runtime().restore(&snapshot, &Router::new(), &small).unwrap_err();
    assert_eq!(refused.code(), "limit_too_low");
    assert!(refused.to_string().starts_with("the memory limit is 4194304 bytes, and "), "{refused}");
}

#[test]
fn reset_brings_a_restored_instance_back_to_its_snapshot() {
    let mut jar = jar();
    jar.eval("let n = 1").unwrap();
    let mut twin = restore(&jar.snapshot().unwrap());
    twin.eval("n = 2").unwrap();
    twin.reset().unwrap();
    assert_eq!(twin.eval("n").unwrap().as_str(), "1");
}

#[test]
fn limits_of_a_restored_instance_are_the_ones_that_it_is_given() {
    let mut jar = jar();
    jar.eval("let n = 1").unwrap();
    let limits = Limits { js_heap_bytes: 4 << 20, ..Limits::default() };
    let mut twin = runtime().restore(&jar.snapshot().unwrap(), &Router::new(), &limits).unwrap();
    assert_eq!(twin.eval("new Uint8Array(8 << 20).length").unwrap_err().code(), "memory_limit_exceeded");
    assert_usable(&mut twin);
}

#[test]
fn a_sealed_snapshot_opens_with_its_key_and_context_only() {
    let snapshot = jar().snapshot().unwrap().labelled("night shift");
    let sealed = snapshot.seal(&KEY, b"tenant 1").unwrap();
    assert_eq!(Snapshot::open(&sealed, &KEY, b"tenant 1").unwrap().label(), "night shift");
    assert!(matches!(Snapshot::open(&sealed, &[8; 32], b"tenant 1"), Err(Error::Snapshot { .. })));
    assert!(matches!(Snapshot::open(&sealed, &KEY, b"tenant 2"), Err(Error::Snapshot { .. })));
    assert!(matches!(Snapshot::from_bytes(&sealed), Err(Error::Snapshot { .. })));
    assert!(matches!(Snapshot::open(&snapshot.to_bytes(), &KEY, b"tenant 1"), Err(Error::Snapshot { .. })));
}

#[test]
fn bytes_that_were_changed_or_cut_are_refused() {
    let snapshot = jar().snapshot().unwrap();
    let (plain, sealed) = (snapshot.to_bytes(), snapshot.seal(&KEY, b"").unwrap());
    for at in (0..plain.len()).step_by(101).chain([plain.len() - 1]) {
        let mut changed = plain.clone();
        changed[at] ^= 1;
        assert!(matches!(Snapshot::from_bytes(&changed), Err(Error::Snapshot { .. })), "byte {at}");
        assert!(matches!(Snapshot::from_bytes(&plain[..at]), Err(Error::Snapshot { .. })), "cut at {at}");
    }
    for at in (0..sealed.len()).step_by(101).chain([sealed.len() - 1]) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(matches!(Snapshot::open(&changed, &KEY, b""), Err(Error::Snapshot { .. })), "byte {at}");
        assert!(matches!(Snapshot::open(&sealed[..at], &KEY, b""), Err(Error::Snapshot { .. })), "cut at {at}");
    }
}

#[test]
fn a_paused_script_goes_on_in_another_instance() {
    let script = "let log = []; for (let i = 0; i < 3; i++) { try { log.push(await host.rpc('approve', i)) } finally { log.push('f') } } log";
    let mut snapshot = paused(block_on(jar_with_router(&pausing()).step_eval_async(script)));
    for round in 0..3 {
        let bytes = snapshot.seal(&KEY, b"t").unwrap();
        let thawed = Snapshot::open(&bytes, &KEY, b"t").unwrap();
        let call = &thawed.pending()[0];
        assert_eq!((call.method.as_str(), call.params.as_str()), ("approve", round.to_string().as_str()));
        let mut jar = runtime().restore(&thawed, &pausing(), &Limits::default()).unwrap();
        assert_eq!(jar.pending(), thawed.pending());
        let answer = Answer::Result(Value::of(&(round * 10)).unwrap());
        match block_on(jar.resume_async([(call.id, answer)])).unwrap() {
            Turn::Paused(paused) => snapshot = paused.snapshot().clone(),
            Turn::Done(value) => assert_eq!((round, value.as_str()), (2, r#"[0,"f",10,"f",20,"f"]"#)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn calls_that_are_not_paused_settle_first() {
    let router = pausing().handle_async("quick", |_: Call, n: u32| async move { Ok(n) });
    let mut jar = jar_with_router(&router);
    let script =
        "const all = [1, 2].map(n => host.rpc('quick', n)); all.push(host.rpc('approve', 'x')); await Promise.all(all)";
    let snapshot = paused(block_on(jar.step_eval_async(script)));
    assert_eq!(snapshot.pending().len(), 1);
    let answer = (snapshot.pending()[0].id, Answer::Result(Value::of(&3).unwrap()));
    assert_eq!(done(block_on(jar.resume_async([answer]))).as_str(), "[1,2,3]");
}

#[test]
fn an_answer_can_be_an_error_or_the_handlers_own() {
    let script = "const r = []; for (const p of [host.rpc('approve', 1), host.rpc('approve', 2)]) r.push(await p.catch(e => e.code)); r";
    let snapshot = paused(block_on(jar_with_router(&pausing()).step_eval_async(script)));
    let answering = Router::new().handle("approve", |_: &Call, n: u32| Ok(n * 100));
    let mut jar = runtime().restore(&snapshot, &answering, &Limits::default()).unwrap();
    let ids: Vec<CallId> = jar.pending().iter().map(|call| call.id).collect();
    let answers = [(ids[0], Answer::Error(RpcError::new("refused", "no"))), (ids[1], Answer::CallAgain)];
    assert_eq!(done(block_on(jar.resume_async(answers))).as_str(), r#"["refused",200]"#);
}

#[test]
fn calls_without_an_answer_stay_paused() {
    let script = "await Promise.all([host.rpc('approve', 1), host.rpc('approve', 2)])";
    let mut jar = jar_with_router(&pausing());
    let first = paused(block_on(jar.step_eval_async(script)));
    let [one, two] = first.pending() else { panic!("two calls were made") };
    let value = |n: u32| Answer::Result(Value::of(&n).unwrap());
    let second = paused(block_on(jar.resume_async([(one.id, value(7))])));
    assert_eq!(second.pending(), std::slice::from_ref(two));
    assert_eq!(done(block_on(jar.resume_async([(two.id, value(8))]))).as_str(), "[7,8]");
}

#[test]
fn an_answer_to_nothing_is_refused_and_changes_nothing() {
    let mut jar = jar_with_router(&pausing());
    assert!(matches!(block_on(jar.resume_async([])), Err(Error::Input { .. })));
    let snapshot = paused(block_on(jar.step_eval_async("await host.rpc('approve', 1)")));
    let id = snapshot.pending()[0].id;
    let (nonce, number) = id.to_string().split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for other in [format!("{nonce}-1{number}"), format!("{:016x}-{number}", !u64::from_str_radix(&nonce, 16).unwrap())]
    {
        let nobody = [(other.parse().unwrap(), Answer::Result(Value::UNDEFINED))];
        assert!(matches!(block_on(jar.resume_async(nobody)), Err(Error::Input { .. })));
    }
    assert!(done(block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]))).is_undefined());
}

#[test]
fn a_call_that_cannot_begin_does_not_give_the_paused_one_up() {
    let limits = Limits { source_bytes: 100, ..Limits::default() };
    let mut jar = runtime().instance(&pausing(), &limits).unwrap();
    let snapshot = paused(block_on(jar.step_eval_async("await host.rpc('approve', 1)")));
    let calls = jar.stats().calls;
    let large = "1;".repeat(100);
    assert_eq!(block_on(jar.step_eval_async(large.as_str())).unwrap_err().code(), "source_too_large");
    assert_eq!(jar.eval(large.as_str()).unwrap_err().code(), "source_too_large");
    assert_eq!((jar.stats().calls, jar.pending()), (calls, snapshot.pending()));
    let answer = (snapshot.pending()[0].id, Answer::Result(Value::of(&7).unwrap()));
    assert_eq!(done(block_on(jar.resume_async([answer]))).as_str(), "7");
}

#[test]
fn a_pause_gives_no_fresh_budget() {
    let limits = Limits { fuel: Some(40_000_000), ..Limits::default() };
    let script = "for (;;) { for (let i = 0; i < 5000; i++); await host.rpc('approve', 1) }";
    let mut jar = runtime().instance(&pausing(), &limits).unwrap();
    let mut turn = block_on(jar.step_eval_async(script));
    let mut rounds = 0;
    while let Ok(Turn::Paused(paused)) = turn {
        rounds += 1;
        assert!(rounds < 1000, "the budget began anew");
        let snapshot = Snapshot::from_bytes(&paused.snapshot().to_bytes()).unwrap();
        jar = runtime().restore(&snapshot, &pausing(), &limits).unwrap();
        let id = jar.pending()[0].id;
        turn = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
    }
    assert!(rounds > 1);
    assert_eq!(turn.unwrap_err().code(), "fuel_limit_exceeded");
}

#[test]
fn a_renewed_budget_is_a_fresh_one() {
    let limits = Limits { fuel: Some(20_000_000), ..Limits::default() };
    let mut jar = runtime().instance(&pausing(), &limits).unwrap();
    let burn = "for (let i = 0; i < 10000; i++);";
    let mut turn = block_on(jar.step_eval_async(format!("for (;;) {{ {burn} await host.rpc('approve', 1) }}")));
    for _ in 0..20 {
        assert!(matches!(turn, Ok(Turn::Paused(_))), "{turn:?}");
        jar.renew_budget();
        let id = jar.pending()[0].id;
        turn = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
    }
}

#[test]
fn a_pause_where_nobody_can_take_it_over_is_an_error() {
    let mut jar = jar_with_router(&pausing());
    let error = block_on(jar.eval_async("await host.rpc('approve', 1)")).unwrap_err();
    assert_eq!((error.code(), &error), ("paused", &Error::Paused { pending: vec!["approve".into()] }));
    assert_usable(&mut jar);
    assert_eq!(jar.eval("try { host.rpcSync('approve', 1) } catch (e) { e.code }").unwrap().as_str(), r#""paused""#);
}

#[test]
fn a_new_call_gives_a_paused_one_up() {
    let mut jar = jar_with_router(&pausing());
    jar.eval("globalThis.late = 'no'").unwrap();
    paused(block_on(jar.step_eval_async("await host.rpc('approve', 1); globalThis.late = 'yes'")));
    assert_eq!(jar.eval("late").unwrap().as_str(), r#""no""#);
    assert!(jar.pending().is_empty());
    assert_eq!(jar.eval("late").unwrap().as_str(), r#""no""#);
}

#[test]
fn ten_thousand_calls_with_a_freeze_at_every_hundredth_give_the_same_answer() {
    const CALLS: u32 = 10_000;
    const EVERY: u32 = 100;
    // The script keeps little, but makes garbage of every kind at every step.
    let script = format!(
        "let sum = 0, last = new Map(), text = '';
         for (let i = 0; i < {CALLS}; i++) {{
             const {{ n, list }} = await host.rpc('next', {{ i, list: [sum, String(i)] }});
             sum = (sum * 31 + n + list.length + (() => list[1].length)()) % 1000003;
             last.set(i % 10, {{ i, text: text = `${{i}}${{text}}`.slice(0, 20) }});
         }}
         [sum, [...last.values()], text]"
    );
    let answer = |params: &Value| {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Step {
            #[serde(alias = "i")]
            n: u32,
            list: Value,
        }
        let step: Step = params.get().unwrap();
        Value::of(&Step { n: step.n ^ 5, ..step }).unwrap()
    };
    let straight = Router::new().handle("next", move |_: &Call, params: Value| Ok(answer(&params)));
    let expected = block_on(jar_with_router(&straight).eval_async(script.as_str())).unwrap();

    let calls = std::sync::atomic::AtomicU32::new(0);
    let pausing = Router::new().handle("next", move |_: &Call, params: Value| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if call % EVERY == EVERY - 1 { Reply::pause() } else { Reply::value(&answer(&params)) }
    });
    let mut turn = block_on(jar_with_router(&pausing).step_eval_async(script.as_str()));
    let mut sizes = Vec::new();
    let result = loop {
        match turn.unwrap() {
            Turn::Done(value) => break value,
            Turn::Paused(paused) => {
                let bytes = paused.snapshot().seal(&KEY, b"ten thousand").unwrap();
                sizes.push(bytes.len());
                let thawed = Snapshot::open(&bytes, &KEY, b"ten thousand").unwrap();
                let mut jar = runtime().restore(&thawed, &pausing, &Limits::default()).unwrap();
                let call = jar.pending()[0].clone();
                turn = block_on(jar.resume_async([(call.id, Answer::Result(answer(&call.params)))]));
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(result, expected);
    assert_eq!(sizes.len() as u32, CALLS / EVERY);
    // After ten thousand calls the size is that after a few hundred, except for noise in the compression.
    let (early, largest) = (sizes[4], *sizes.iter().max().unwrap());
    assert!(largest <= early + (2 << 10), "{early} bytes grew to {largest}: {sizes:?}");
    assert!(largest < 96 << 10, "a small script takes {largest} bytes");
}

#[test]
fn a_thousand_forks_of_one_pause_go_their_own_ways() {
    let clock = Clock::Stepped { start: Duration::from_secs(5), step: Duration::from_secs(1) };
    let mut origin = runtime().build_instance().clock(clock).start(&pausing(), &Limits::default()).unwrap();
    let script = "const seen = [Date.now()]; let chosen = await host.rpc('approve', 'first');
        seen.push(chosen, Date.now()); chosen += await host.rpc('approve', chosen); [seen, chosen, Math.random()]";
    let snapshot = paused(block_on(origin.step_eval_async(script)));
    let id = snapshot.pending()[0].id;
    let value = |n: u32| Answer::Result(Value::of(&n).unwrap());
    let mut draws = std::collections::HashSet::new();
    let mut ids = std::collections::HashSet::from([id]);
    // Several are alive at the same time and are used alternately.
    for group in 0..125 {
        let choices: Vec<u32> = (0..8).map(|twin| group * 8 + twin).collect();
        let mut twins: Vec<_> =
            choices.iter().map(|_| runtime().restore(&snapshot, &pausing(), &Limits::default()).unwrap()).collect();
        for (twin, choice) in twins.iter_mut().zip(&choices) {
            assert_eq!(twin.pending(), snapshot.pending());
            let second = paused(block_on(twin.resume_async([(id, value(*choice))])));
            // Its next call has an id that differs from all earlier ones of all copies, and asks about its own
            // choice.
            assert!(second.pending().len() == 1 && ids.insert(second.pending()[0].id));
            assert_eq!(second.pending()[0].params.as_str(), choice.to_string());
        }
        for (twin, choice) in twins.iter_mut().zip(&choices).rev() {
            let id = twin.pending()[0].id;
            let result = done(block_on(twin.resume_async([(id, value(10_000))])));
            let (seen, chosen, draw): (Vec<u32>, u32, f64) = result.get().unwrap();
            assert_eq!((seen, chosen), (vec![5000, *choice, 6000], choice + 10_000));
            draws.insert(draw.to_bits());
        }
    }
    assert_eq!(draws.len(), 1000);
    // The original still waits, and its next call has a new id too.
    assert_eq!(origin.pending(), snapshot.pending());
    let second = paused(block_on(origin.resume_async([(id, value(1))])));
    assert!(ids.insert(second.pending()[0].id));
    assert_eq!(ids.len(), 1002);
}

#[test]
fn twins_of_a_seeded_instance_draw_the_same_unless_they_get_seeds_of_their_own() {
    let mut jar = runtime().build_instance().seed(5).start(&Router::new(), &Limits::default()).unwrap();
    jar.eval("Math.random()").unwrap();
    let snapshot = jar.snapshot().unwrap();
    let draw = |seed: Option<u64>| {
        let builder = runtime().build_instance().restore(&snapshot);
        let builder = seed.into_iter().fold(builder, belljar::InstanceBuilder::seed);
        builder.start(&Router::new(), &Limits::default()).unwrap().eval("Math.random()").unwrap().as_str().to_owned()
    };
    assert_eq!(draw(None), draw(None));
    assert_eq!(draw(Some(1)), draw(Some(1)));
    let draws = std::collections::HashSet::from([draw(None), draw(Some(1)), draw(Some(2)), draw(Some(5))]);
    assert_eq!(draws.len(), 4);
}

#[test]
fn a_poisoned_instance_has_no_snapshot() {
    let mut jar = runtime()
        .instance(&Router::new(), &Limits { cpu_time: Duration::from_millis(20), ..Limits::default() })
        .unwrap();
    jar.eval("(3n ** 3000000n).toString()").unwrap_err();
    assert_eq!(jar.status(), belljar::Status::Poisoned);
    assert!(matches!(jar.snapshot(), Err(Error::Poisoned)));
}

#[test]
fn an_id_is_never_used_for_a_second_call() {
    let script = "for (let i = 0; i < 3; i++) await Promise.all([host.rpc('approve', i), host.rpc('approve', -i)])";
    let mut snapshot = paused(block_on(jar_with_router(&pausing()).step_eval_async(script)));
    let first = snapshot.clone();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        let mut jar = runtime().restore(&snapshot, &pausing(), &Limits::default()).unwrap();
        let ids: Vec<CallId> = jar.pending().iter().map(|call| call.id).collect();
        assert!(ids.iter().all(|id| seen.insert(*id)), "{ids:?} were used before");
        snapshot = paused(block_on(jar.resume_async(ids.into_iter().map(|id| (id, Answer::Result(Value::UNDEFINED))))));
    }
    // An answer to the first call does not answer a later one.
    let mut jar = runtime().restore(&snapshot, &pausing(), &Limits::default()).unwrap();
    let late = [(first.pending()[0].id, Answer::Result(Value::UNDEFINED))];
    assert!(matches!(block_on(jar.resume_async(late)), Err(Error::Input { .. })));
    // A call that is made again keeps its id, and moves to the end.
    let ids: Vec<CallId> = jar.pending().iter().map(|call| call.id).collect();
    let again = paused(block_on(jar.resume_async([(ids[0], Answer::CallAgain)])));
    assert_eq!(again.pending().iter().map(|call| call.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert!(seen.insert(ids[0]) && seen.insert(ids[1]));
    // Nor does it answer a call of a later script in the same instance, or of one after a reset.
    for _ in 0..2 {
        let other = paused(block_on(jar.step_eval_async("await host.rpc('approve', 9)")));
        assert!(seen.insert(other.pending()[0].id));
        jar.reset().unwrap();
    }
}

#[test]
fn the_oldest_call_comes_first_whatever_the_ids_are() {
    let router = Router::new().fallback(|_: &Call, _: Value| Reply::pause());
    let script = "const more = n => host.rpc('call', n).then(() => host.rpc('call', n + 10));
        await Promise.all([0, 1, 2, 3].map(more))";
    let mut snapshot = paused(block_on(jar_with_router(&router).step_eval_async(script)));
    // The answered call makes another one, whose id may sort anywhere.
    for expected in [["0", "2", "3", "11"], ["0", "3", "11", "12"], ["0", "11", "12", "13"]] {
        let mut jar = runtime().restore(&snapshot, &router, &Limits::default()).unwrap();
        let id = jar.pending()[1].id;
        snapshot = paused(block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))])));
        let params: Vec<&str> = snapshot.pending().iter().map(|call| call.params.as_str()).collect();
        assert_eq!(params, expected);
        // Resuming without an answer changes nothing.
        assert_eq!(paused(block_on(jar.resume_async([]))).pending(), snapshot.pending());
    }
}

#[test]
fn an_id_is_text_wherever_it_is_kept() {
    let snapshot = paused(block_on(jar_with_router(&pausing()).step_eval_async("await host.rpc('approve', 1)")));
    let id = snapshot.pending()[0].id;
    let text = id.to_string();
    assert!(text.len() <= 37, "{text}");
    assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
    assert_eq!(serde_json::from_str::<CallId>(&format!("{text:?}")).unwrap(), id);
    // The stored id answers the call in another process.
    let thawed = Snapshot::from_bytes(&snapshot.to_bytes()).unwrap();
    let mut jar = runtime().restore(&thawed, &pausing(), &Limits::default()).unwrap();
    let answer = (text.parse().unwrap(), Answer::Result(Value::of(&7).unwrap()));
    assert_eq!(done(block_on(jar.resume_async([answer]))).as_str(), "7");
    for wrong in [
        "",
        "-",
        "7",
        "00c0ffee00c0ffee-",
        "00c0ffee00c0ffee-+7",
        "00C0FFEE00c0ffee-7",
        "0-7",
        "00c0ffee00c0ffee-07",
        "00c0ffee00c0ffee-18446744073709551616",
        "00c0ffee00c0ffeeff-1",
        "00c0ffee00c0ffee-1 ",
    ] {
        assert_eq!(wrong.parse::<CallId>().unwrap_err().code(), "invalid_input", "{wrong}");
    }
    let last = "ffffffffffffffff-18446744073709551615";
    assert_eq!(last.parse::<CallId>().unwrap().to_string(), last);
}

#[test]
fn the_same_seed_gives_the_same_ids_and_another_seed_others() {
    let ids = |seed: Option<u64>| {
        let builder = seed.into_iter().fold(runtime().build_instance(), belljar::InstanceBuilder::seed);
        let mut jar = builder.start(&pausing(), &Limits::default()).unwrap();
        let script = "await Promise.all([host.rpc('approve', 1), host.rpc('approve', 2)])";
        let snapshot = paused(block_on(jar.step_eval_async(script)));
        snapshot.pending().iter().map(|call| call.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some(5)), ids(Some(5)));
    let all = [None, None, Some(0), Some(5), Some(6)].map(ids).concat();
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
    // The seed cannot be seen in the ids.
    assert!(ids(Some(5)).iter().all(|id| !id.to_string().starts_with("0000000000000005")));
    // Copies of a seeded instance have the same ids, unless they get different seeds.
    let mut jar = runtime().build_instance().seed(5).start(&pausing(), &Limits::default()).unwrap();
    let snapshot = paused(block_on(jar.step_eval_async("await host.rpc('approve', await host.rpc('approve', 1))")));
    let next = |seed: Option<u64>| {
        let builder =
            seed.into_iter().fold(runtime().build_instance().restore(&snapshot), belljar::InstanceBuilder::seed);
        let mut twin = builder.start(&pausing(), &Limits::default()).unwrap();
        assert_eq!(twin.pending(), snapshot.pending());
        let answer = (twin.pending()[0].id, Answer::Result(Value::UNDEFINED));
        paused(block_on(twin.resume_async([answer]))).pending()[0].id
    };
    assert_eq!(next(None), next(None));
    assert_ne!(next(Some(1)), next(Some(2)));
    assert_ne!(next(None), snapshot.pending()[0].id);
}

#[test]
fn handlers_that_allow_it_are_dropped_for_a_pause() {
    let alive = Alive::counter();
    let router = pausing().handle_async("watch", move |call: Call, n: u32| async move {
        let _alive = Alive::new(alive);
        call.allow_drop();
        std::future::pending::<()>().await;
        Ok(n)
    });
    let script = "const r = []; await Promise.all([host.rpc('watch', 1).then(n => r.push(n)), host.rpc('approve', 2).then(n => r.push(n))]); r";
    let snapshot = paused(block_on(jar_with_router(&router).step_eval_async(script)));
    assert_eq!(alive.load(std::sync::atomic::Ordering::SeqCst), 0);
    let calls: Vec<(&str, &str)> =
        snapshot.pending().iter().map(|call| (call.method.as_str(), call.params.as_str())).collect();
    assert_eq!(calls, [("watch", "1"), ("approve", "2")]);
    let ids: Vec<CallId> = snapshot.pending().iter().map(|call| call.id).collect();
    let answering = pausing().handle_async("watch", |_: Call, n: u32| async move { Ok(n * 10) });
    let mut jar = runtime().restore(&snapshot, &answering, &Limits::default()).unwrap();
    let second = paused(block_on(jar.resume_async([(ids[0], Answer::CallAgain)])));
    assert_eq!(second.pending().len(), 1);
    let answer = Answer::Result(Value::of(&2).unwrap());
    assert_eq!(done(block_on(jar.resume_async([(ids[1], answer)]))).as_str(), "[10,2]");
}

#[test]
fn one_handler_that_does_not_allow_it_is_waited_for() {
    let alive = Alive::counter();
    let router = pausing()
        .handle_async("watch", move |call: Call, (): ()| async move {
            let _alive = Alive::new(alive);
            call.allow_drop();
            std::future::pending::<Result<(), RpcError>>().await
        })
        .handle_async("write", |_: Call, (): ()| async move {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            Ok("written")
        });
    let script = "let w; host.rpc('write').then(v => { w = v }); await Promise.race([host.rpc('watch'), host.rpc('approve', 1)]); w";
    let snapshot = paused(block_on(jar_with_router(&router).step_eval_async(script)));
    let methods: Vec<&str> = snapshot.pending().iter().map(|call| call.method.as_str()).collect();
    assert_eq!(methods, ["watch", "approve"]);
    let mut jar = runtime().restore(&snapshot, &router, &Limits::default()).unwrap();
    let answers = snapshot.pending().iter().map(|call| (call.id, Answer::Result(Value::UNDEFINED)));
    assert_eq!(done(block_on(jar.resume_async(answers))).as_str(), r#""written""#);
}

#[test]
fn params_that_were_left_out_stay_so() {
    let router = Router::new().fallback(|_: &Call, _: Value| Reply::pause());
    let script = "await Promise.all([host.rpc('a'), host.rpc('b', null), host.rpc('c', undefined)])";
    let snapshot = paused(block_on(jar_with_router(&router).step_eval_async(script)));
    let thawed = Snapshot::from_bytes(&snapshot.to_bytes()).unwrap();
    assert_eq!(thawed.pending(), snapshot.pending());
    let params: Vec<&str> = thawed.pending().iter().map(|call| call.params.as_str()).collect();
    assert_eq!(params, ["undefined", "null", "undefined"]);
}

#[test]
fn each_refusal_says_what_did_not_match() {
    let snapshot = jar().snapshot().unwrap();
    let (plain, sealed) = (snapshot.to_bytes(), snapshot.seal(&KEY, b"tenant").unwrap());
    let refusal = |bytes: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = bytes.to_vec();
        change(&mut changed);
        let read =
            if bytes == plain { Snapshot::from_bytes(&changed) } else { Snapshot::open(&changed, &KEY, b"tenant") };
        let Err(Error::Snapshot { message }) = read else { panic!("it should be refused: {read:?}") };
        message
    };
    for bytes in [&plain, &sealed] {
        assert_eq!(refusal(bytes, &|bytes| bytes.truncate(10)), "it is shorter than its header");
        assert_eq!(refusal(bytes, &|bytes| bytes.truncate(50)), "it ends in its header");
        assert_eq!(refusal(bytes, &|bytes| bytes[0] ^= 1), "it does not begin like one");
        assert_eq!(refusal(bytes, &|bytes| bytes[8] ^= 1), "it has format 3, and this build reads format 2");
    }
    assert_eq!(refusal(&plain, &|bytes| bytes.push(0)), "its checksum is wrong");
    let changed = "the key or the context is another one, or it was changed";
    // The build's identity and the nonce are authenticated too.
    for at in [12, 43, 44, 67, 68, sealed.len() - 1] {
        assert_eq!(refusal(&sealed, &|bytes| bytes[at] ^= 1), changed, "byte {at}");
    }
    for (key, context) in [(&[8; 32], b"tenant".as_slice()), (&KEY, b"tenant 2"), (&KEY, b"")] {
        let Err(Error::Snapshot { message }) = Snapshot::open(&sealed, key, context) else { panic!("it opened") };
        assert_eq!(message, changed);
    }
}

#[test]
fn a_snapshot_of_another_build_is_refused_before_it_runs() {
    let mut bytes = jar().snapshot().unwrap().to_bytes();
    bytes[12] ^= 1;
    crate::forgery::forge_checksum(&mut bytes);
    // Bytes of another build are valid, but not for this one.
    let foreign = Snapshot::from_bytes(&bytes).unwrap();
    for refused in [
        runtime().restore(&foreign, &Router::new(), &Limits::default()),
        runtime().build_instance().begin_from(&foreign).start(&Router::new(), &Limits::default()),
    ] {
        let message = refused.unwrap_err().to_string();
        assert!(message.starts_with("not a snapshot of this build: it was taken from the guest "), "{message}");
    }
}

#[test]
fn an_event_and_a_program_can_be_paused_too() {
    let mut jar = jar_with_router(&pausing());
    jar.eval("let asked = 0; host.on('order', async n => { asked++; return [asked, await host.rpc('approve', n)] })")
        .unwrap();
    let program = runtime().compile(Script::new("[++asked, await host.rpc('approve', 'p')]").named("p.js")).unwrap();
    for (snapshot, params, expected) in [
        (paused(block_on(jar.step_dispatch_async("order", &7))), "7", "[1,true]"),
        (paused(block_on(jar.step_run_async(&program))), r#""p""#, "[2,true]"),
    ] {
        let mut twin = runtime().restore(&snapshot, &pausing(), &Limits::default()).unwrap();
        assert_eq!(twin.pending()[0].params.as_str(), params);
        let answer = (twin.pending()[0].id, Answer::Result(Value::of(&true).unwrap()));
        assert_eq!(done(block_on(twin.resume_async([answer]))).as_str(), expected);
    }
    assert_eq!(block_on(jar.step_dispatch_async("unknown", &7)).unwrap_err().code(), "no_such_event");
    assert_eq!(block_on(jar.dispatch_async("order", &7)).unwrap_err().code(), "paused");
    assert_eq!(block_on(jar.run_async(&program)).unwrap_err().code(), "paused");
    assert_usable(&mut jar);
}

#[test]
fn what_a_thawed_script_has_used_counts_for_every_limit_on_a_call() {
    let limits = Limits { rpc_calls: 5, console_bytes: 20, ..Limits::default() };
    for (script, code) in [
        ("for (;;) await host.rpc('approve', 1)", "rpc_limit_exceeded"),
        ("for (;;) { console.log('1234'); await host.rpc('approve', 1) }", "console_limit_exceeded"),
    ] {
        let router = pausing().on_console(|_, _, _| {});
        let mut turn = block_on(runtime().instance(&router, &limits).unwrap().step_eval_async(script));
        for _ in 0..10 {
            let Ok(Turn::Paused(paused)) = &turn else { break };
            let mut jar = runtime().restore(paused.snapshot(), &router, &limits).unwrap();
            let id = jar.pending()[0].id;
            turn = block_on(jar.resume_async([(id, Answer::Result(Value::UNDEFINED))]));
        }
        assert_eq!(turn.unwrap_err().code(), code, "{script}");
    }
}

#[test]
fn code_generation_that_was_off_stays_off() {
    let mut strict =
        runtime().build_instance().without_code_generation().start(&Router::new(), &Limits::default()).unwrap();
    strict.eval("1").unwrap();
    let mut twin = restore(&strict.snapshot().unwrap());
    assert_eq!(twin.eval("try { eval('1') } catch (e) { e.name }").unwrap().as_str(), r#""EvalError""#);
    // And an instance that had handlers can be restored without them.
    let snapshot = jar().snapshot().unwrap();
    let mut twin = runtime()
        .build_instance()
        .without_code_generation()
        .restore(&snapshot)
        .start(&Router::new(), &Limits::default())
        .unwrap();
    assert_eq!(twin.eval("try { eval('1') } catch (e) { e.name }").unwrap().as_str(), r#""EvalError""#);
}

#[test]
fn a_snapshot_is_about_as_large_as_what_script_keeps() {
    let size = |script: &str| {
        let mut jar = jar();
        jar.eval(script).unwrap();
        jar.snapshot().unwrap().to_bytes().len()
    };
    let small = size("let n = 1");
    assert!(small < 24 << 10, "{small}");
    let large = size("const kept = Array.from({ length: 10000 }, (_, i) => ({ i, name: 'name ' + i }))");
    assert!(large > small && large < 1 << 20, "{large}");
    // Garbage costs little, because freed memory is cleared.
    let garbage = size("for (let i = 0; i < 10000; i++) ({ i, name: 'name ' + i })");
    assert!(garbage < small + (4 << 10), "{garbage} after garbage, {small} without");
}
