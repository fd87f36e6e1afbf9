//! Every field of `Limits`: exceeded, just not exceeded, and the state of the instance afterwards.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use belljar::{Call, Error, LimitKind, Limits, OPCODES_PER_POLL, Router, RpcError, Status, Value};

use crate::support::{
    Alive, assert_poisoned_until_reset, assert_usable, block_on, jar, jar_of, jar_with, limit_of, poll_until_waiting,
    runtime, thrown,
};

const MS: Duration = Duration::from_millis(1);
/// A native built-in in which QuickJS never polls, which needs no memory and takes minutes.
const ENDLESS_BUILT_IN: &str = "new Array(4294967295).join('')";
/// Deterministic work of a few milliseconds during which QuickJS polls.
const WORK: &str = "let x = 0; for (let i = 0; i < 100000; i++) x += i; x";
const WORK_RESULT: i64 = 4_999_950_000;

/// A router with a sync and an async handler that return their parameter at once.
fn echo() -> Router {
    Router::new()
        .handle("echo", |_: &Call, value: Value| Ok(value))
        .handle_async("later", |_: Call, value: Value| async move { Ok(value) })
}

fn int(result: belljar::Result<Value>) -> i64 {
    result.unwrap().get().unwrap()
}

/// Keeps the host busy for at least this time, like a handler that computes.
fn work_for(time: Duration) {
    let from = Instant::now();
    while from.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn every_default_is_finite_but_fuel_and_opcodes_which_time_bounds() {
    let Limits {
        fuel,
        opcodes,
        cpu_time,
        wall_time,
        js_heap_bytes,
        memory_bytes,
        stack_bytes,
        pending_rpcs,
        rpc_calls,
        message_bytes,
        source_bytes,
        console_bytes,
    } = Limits::default();
    assert_eq!((fuel, opcodes), (None, None));
    assert_eq!((cpu_time, wall_time), (Duration::from_secs(5), Duration::from_secs(30)));
    assert_eq!((js_heap_bytes, memory_bytes, stack_bytes), (32 << 20, 64 << 20, 512 << 10));
    assert_eq!((pending_rpcs, rpc_calls), (256, 10_000));
    assert_eq!((message_bytes, source_bytes, console_bytes), (10 << 20, 10 << 20, 64 << 10));
}

#[test]
fn every_kind_of_limit_has_a_code_a_field_and_a_value() {
    let limits = Limits { fuel: Some(1), opcodes: Some(5), cpu_time: 2 * MS, wall_time: 3 * MS, ..Limits::default() };
    for (kind, code, field, value) in [
        (LimitKind::Fuel, "fuel_limit_exceeded", "fuel", 1),
        (LimitKind::Opcodes, "opcode_limit_exceeded", "opcodes", 5),
        (LimitKind::CpuTime, "cpu_limit_exceeded", "cpu_time", 2),
        (LimitKind::WallTime, "wall_limit_exceeded", "wall_time", 3),
        (LimitKind::JsHeap, "memory_limit_exceeded", "js_heap_bytes", 32 << 20),
        (LimitKind::Memory, "memory_limit_exceeded", "memory_bytes", 64 << 20),
        (LimitKind::Stack, "stack_overflow", "stack_bytes", 512 << 10),
        (LimitKind::PendingRpcs, "rpc_limit_exceeded", "pending_rpcs", 256),
        (LimitKind::RpcCalls, "rpc_limit_exceeded", "rpc_calls", 10_000),
        (LimitKind::Message, "message_too_large", "message_bytes", 10 << 20),
        (LimitKind::Source, "source_too_large", "source_bytes", 10 << 20),
        (LimitKind::Console, "console_limit_exceeded", "console_bytes", 64 << 10),
    ] {
        assert_eq!((kind.code(), kind.field(), kind.of(&limits)), (code, field, value));
    }
}

// ---- opcodes

#[test]
fn opcodes_stop_a_loop_at_the_same_turn_every_time_and_leave_the_instance_usable() {
    let limits = Limits { opcodes: Some(50_000), ..Limits::default() };
    let turns = || {
        let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
        let stopped = jar.eval("var turns = 0; try { for (;;) turns++ } catch { turns = -1 }");
        assert_eq!(limit_of(stopped), (LimitKind::Opcodes, 50_000));
        assert_eq!(jar.call_stats().polls * OPCODES_PER_POLL, 60_000);
        jar.eval("turns").unwrap().get::<u64>().unwrap()
    };
    assert!((50_000..70_000).contains(&turns()), "{}", turns());
    assert_eq!(turns(), turns());
    let mut jar = runtime().instance(&Router::new(), &limits).unwrap();
    assert_eq!(jar.eval("for (let n = 0; n < 20000; n++); 'short'").unwrap().as_str(), "\"short\"");
}

// ---- fuel

fn fuel_of(script: &str) -> u64 {
    let mut jar = jar();
    jar.eval(script).unwrap();
    jar.stats().fuel
}

#[test]
fn fuel_is_the_same_for_the_same_script_in_every_instance_and_thread() {
    let script = "[3, 1, 2].map(n => `${n}`).sort().join() + JSON.stringify({ a: [1.5, 'x'] }) + /a+/.exec('aaa')[0] \
                  + new Map([['k', 2n ** 70n]]).get('k')";
    let here = fuel_of(script);
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(move || [fuel_of(script), fuel_of(script)])).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), [here, here]);
    }
    assert_ne!(fuel_of(&format!("{script}; 1")), here);
}

#[test]
fn fuel_does_not_depend_on_the_time_of_day_or_on_the_limits_that_are_armed() {
    let plain = fuel_of(WORK);
    let limits =
        Limits { fuel: Some(plain), cpu_time: Duration::from_secs(60), wall_time: Duration::MAX, ..Limits::default() };
    let mut jar = jar_with(&limits);
    assert_eq!(int(jar.eval(WORK)), WORK_RESULT);
    assert_eq!(jar.stats().fuel, plain);
}

#[test]
fn fuel_that_is_just_enough_is_enough_and_one_unit_less_is_not() {
    for script in ["1 + 2", WORK] {
        let needed = fuel_of(script);
        let mut enough = jar_with(&Limits { fuel: Some(needed), ..Limits::default() });
        enough.eval(script).unwrap();
        let mut short = jar_with(&Limits { fuel: Some(needed - 1), ..Limits::default() });
        assert_eq!(limit_of(short.eval(script)), (LimitKind::Fuel, needed - 1), "{script}");
        assert_eq!(short.status(), Status::Ready);
    }
}

#[test]
fn fuel_stops_a_loop_and_leaves_the_instance_its_state() {
    let limits = Limits { fuel: Some(1_000_000), ..Limits::default() };
    let mut jar = jar_with(&limits);
    jar.eval("var kept = 'kept'").unwrap();
    assert_eq!(limit_of(jar.eval("for (;;) {}")), (LimitKind::Fuel, 1_000_000));
    assert_usable(&mut jar);
    assert_eq!(jar.eval("kept").unwrap().as_str(), "\"kept\"");
}

#[test]
fn fuel_stops_a_built_in_that_never_polls_at_the_same_figure_each_time() {
    let limits = Limits { fuel: Some(1_000_000), ..Limits::default() };
    let figures = [(); 2].map(|()| {
        let mut jar = jar_with(&limits);
        assert_eq!(limit_of(jar.eval(ENDLESS_BUILT_IN)), (LimitKind::Fuel, 1_000_000));
        let fuel = jar.call_stats().fuel;
        assert_poisoned_until_reset(&mut jar);
        fuel
    });
    assert_eq!(figures[0], figures[1]);
}

#[test]
fn fuel_is_per_call() {
    let needed = fuel_of(WORK);
    let mut jar = jar_with(&Limits { fuel: Some(2 * needed), ..Limits::default() });
    for _ in 0..5 {
        assert_eq!(int(jar.eval(format!("{{ {WORK} }}"))), WORK_RESULT);
    }
    assert!(jar.stats().fuel > 2 * needed);
}

// ---- cpu_time

#[test]
fn cpu_time_stops_a_loop_and_leaves_the_instance_its_state() {
    let mut jar = jar_with(&Limits { cpu_time: 20 * MS, ..Limits::default() });
    jar.eval("var kept = 'kept'").unwrap();
    assert_eq!(limit_of(jar.eval("for (;;) {}")), (LimitKind::CpuTime, 20));
    assert_usable(&mut jar);
    assert_eq!(jar.eval("kept").unwrap().as_str(), "\"kept\"");
}

#[test]
fn cpu_time_cannot_be_caught_by_script() {
    let mut jar = jar_with(&Limits { cpu_time: 20 * MS, ..Limits::default() });
    let script = "var caught = 0; for (;;) { try { for (;;) {} } catch (e) { caught++ } finally { caught++ } }";
    assert_eq!(limit_of(jar.eval(script)), (LimitKind::CpuTime, 20));
    assert_eq!(int(jar.eval("caught")), 0);
    let script =
        "(async () => { try { for (;;) {} } catch (e) { caught++ } finally { caught++ } })().catch(() => caught++)";
    assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::CpuTime, 20));
    assert_eq!(int(jar.eval("caught")), 0);
}

#[test]
fn cpu_time_stops_a_built_in_that_never_polls() {
    let mut jar = jar_with(&Limits { cpu_time: 20 * MS, ..Limits::default() });
    assert_eq!(limit_of(jar.eval(ENDLESS_BUILT_IN)), (LimitKind::CpuTime, 20));
    assert_poisoned_until_reset(&mut jar);
}

#[test]
fn cpu_time_is_enough_for_a_script_that_stays_under_it() {
    let mut jar = jar_with(&Limits { cpu_time: Duration::from_secs(60), ..Limits::default() });
    assert_eq!(int(jar.eval(WORK)), WORK_RESULT);
}

#[test]
fn cpu_time_is_one_budget_over_every_await_of_a_call() {
    let ticks = Arc::new(AtomicU64::new(0));
    let counted = ticks.clone();
    let router = Router::new().handle_async("tick", move |_: Call, (): ()| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(()))
    });
    let limits = Limits { cpu_time: 60 * MS, rpc_calls: u32::MAX, ..Limits::default() };
    let mut jar = jar_of(&router, &limits);
    let script = "for (;;) { for (let i = 0; i < 20000; i++); await host.rpc('tick') }";
    assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::CpuTime, 60));
    assert!(ticks.load(Ordering::SeqCst) > 1, "the budget was used up before the second segment");
    assert_usable(&mut jar);
}

#[test]
fn cpu_time_is_one_budget_over_every_synchronous_rpc_of_a_call() {
    let ticks = Arc::new(AtomicU64::new(0));
    let counted = ticks.clone();
    let router = Router::new().handle("tick", move |_: &Call, (): ()| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let mut jar = jar_of(&router, &Limits { cpu_time: 60 * MS, rpc_calls: u32::MAX, ..Limits::default() });
    let script = "for (;;) { for (let i = 0; i < 20000; i++); host.rpcSync('tick') }";
    assert_eq!(limit_of(jar.eval(script)), (LimitKind::CpuTime, 60));
    assert!(ticks.load(Ordering::SeqCst) > 1, "the budget was used up before the second segment");
}

#[test]
fn cpu_time_starts_anew_with_every_call() {
    let router = Router::new();
    let limits = Limits { cpu_time: 200 * MS, ..Limits::default() };
    let mut jar = jar_of(&router, &limits);
    let mut used = Duration::ZERO;
    while used < 2 * limits.cpu_time {
        assert_eq!(int(jar.eval(format!("{{ {WORK} }}"))), WORK_RESULT);
        used = jar.stats().cpu_time;
    }
}

#[test]
fn cpu_time_does_not_count_the_work_of_a_sync_handler() {
    let limits = Limits { cpu_time: 150 * MS, ..Limits::default() };
    let busy = 2 * limits.cpu_time;
    let router = Router::new().handle("work", move |_: &Call, (): ()| {
        work_for(busy);
        Ok(())
    });
    let mut jar = jar_of(&router, &limits);
    // The loop after the call polls, so it would notice if the handler had used up the budget.
    assert_eq!(int(jar.eval(format!("host.rpcSync('work'); {{ {WORK} }}"))), WORK_RESULT);
    assert!(jar.call_stats().handler_time >= busy);
    let script = format!("await host.rpc('work'); {WORK}");
    assert_eq!(int(block_on(jar.eval_async(script))), WORK_RESULT);
}

#[test]
fn cpu_time_does_not_count_the_work_or_the_waiting_of_an_async_handler() {
    let limits = Limits { cpu_time: 150 * MS, ..Limits::default() };
    let busy = 2 * limits.cpu_time;
    let router = Router::new().handle_async("work", move |_: Call, (): ()| async move {
        work_for(busy);
        tokio::time::sleep(busy).await;
        Ok(())
    });
    let mut jar = jar_of(&router, &limits);
    for call in ["await host.rpc('work')", "host.rpcSync('work')"] {
        let script = format!("{call}; {{ {WORK} }}");
        assert_eq!(int(block_on(jar.eval_async(&script))), WORK_RESULT, "{call}");
    }
}

#[test]
fn a_forged_limit_error_stays_an_error_of_the_script() {
    let mut jar = jar();
    for script in [
        "throw new Error('interrupted')",
        "throw new InternalError('interrupted')",
        "throw new InternalError('out of memory')",
        "throw new RangeError('Maximum call stack size exceeded')",
        "throw { code: 'cpu_limit_exceeded', name: 'InternalError', message: 'interrupted', native: 'memory' }",
        "throw Object.assign(new Error('x'), { code: 'memory_limit_exceeded', native: 'memory' })",
    ] {
        let error = jar.eval(script).unwrap_err();
        assert!(matches!(error, Error::Js(_)), "{script}: {error:?}");
        assert_eq!(error.code(), "js_error");
    }
    assert_usable(&mut jar);
}

// ---- wall_time

#[test]
fn wall_time_stops_a_loop_that_has_cpu_time_left() {
    let mut jar = jar_with(&Limits { wall_time: 20 * MS, ..Limits::default() });
    assert_eq!(limit_of(jar.eval("for (;;) {}")), (LimitKind::WallTime, 20));
    assert_usable(&mut jar);
}

#[test]
fn wall_time_stops_a_built_in_that_never_polls() {
    let mut jar = jar_with(&Limits { wall_time: 20 * MS, ..Limits::default() });
    assert_eq!(limit_of(jar.eval(ENDLESS_BUILT_IN)), (LimitKind::WallTime, 20));
    assert_poisoned_until_reset(&mut jar);
}

#[test]
fn wall_time_ends_the_wait_for_a_handler_that_never_answers() {
    let alive = Alive::counter();
    let router = Router::new().handle_async("never", move |_: Call, (): ()| {
        let guard = Alive::new(alive);
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        }
    });
    let mut jar = jar_of(&router, &Limits { wall_time: 30 * MS, ..Limits::default() });
    // At an `await` the guest has returned, so the stop is soft; inside `rpcSync` an exception unwinds it.
    for script in ["await host.rpc('never')", "host.rpcSync('never')", "try { host.rpcSync('never') } catch {}"] {
        assert_eq!(limit_of(block_on(jar.eval_async(script))), (LimitKind::WallTime, 30), "{script}");
        assert_eq!(alive.load(Ordering::SeqCst), 0, "{script}: the handler is still there");
        assert_usable(&mut jar);
    }
}

#[test]
fn wall_time_works_on_an_executor_without_timers() {
    let router = Router::new().handle_async("never", |_: Call, (): ()| std::future::pending::<Result<(), RpcError>>());
    let mut jar = jar_of(&router, &Limits { wall_time: 30 * MS, ..Limits::default() });
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(limit_of(bare.block_on(jar.eval_async("await host.rpc('never')"))), (LimitKind::WallTime, 30));
}

#[test]
fn wall_time_counts_the_work_of_a_sync_handler() {
    let router = Router::new().handle("work", |_: &Call, (): ()| {
        work_for(40 * MS);
        Ok(1)
    });
    let mut jar = jar_of(&router, &Limits { wall_time: 20 * MS, ..Limits::default() });
    assert_eq!(limit_of(jar.eval("host.rpcSync('work')")), (LimitKind::WallTime, 20));
    assert_usable(&mut jar);
    assert_eq!(limit_of(block_on(jar.eval_async("await host.rpc('work')"))), (LimitKind::WallTime, 20));
    assert_usable(&mut jar);
}

#[test]
fn wall_time_of_any_length_lets_a_call_wait() {
    let router = Router::new().handle_async("wait", |_: Call, (): ()| async {
        tokio::task::yield_now().await;
        tokio::time::sleep(MS).await;
        Ok("done")
    });
    for wall_time in [Duration::from_secs(60), Duration::MAX] {
        let mut jar = jar_of(&router, &Limits { wall_time, ..Limits::default() });
        for script in ["await host.rpc('wait')", "host.rpcSync('wait')"] {
            assert_eq!(block_on(jar.eval_async(script)).unwrap().as_str(), "\"done\"");
        }
    }
}

#[test]
fn time_left_of_a_call_never_exceeds_the_wall_time() {
    let router = Router::new().handle("left", |call: &Call, (): ()| Ok(call.time_left().as_micros() as u64));
    let mut jar = jar_of(&router, &Limits { wall_time: Duration::from_secs(10), ..Limits::default() });
    let [first, second]: [u64; 2] = jar.eval("[host.rpcSync('left'), host.rpcSync('left')]").unwrap().get().unwrap();
    assert!(second <= first && first <= 10_000_000);
}

// ---- console_bytes

fn console() -> (Router, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let taken = lines.clone();
    (Router::new().on_console(move |_, _, line| taken.lock().unwrap().push(line.to_owned())), lines)
}

#[test]
fn console_bytes_count_every_line_and_its_end() {
    let (router, lines) = console();
    let mut jar = jar_of(&router, &Limits { console_bytes: 100, ..Limits::default() });
    jar.eval("console.log('x'.repeat(49)); console.error('x'.repeat(49))").unwrap();
    // The next call has a fresh budget.
    jar.eval("console.log('x'.repeat(99))").unwrap();
    assert_eq!(lines.lock().unwrap().len(), 3);
    let over = jar.eval("var after = false; console.log('x'.repeat(50)); console.log('y'.repeat(49)); after = true");
    assert_eq!(limit_of(over), (LimitKind::Console, 100));
    assert_eq!(lines.lock().unwrap().len(), 4, "the line that fitted was printed, the other one was not");
    assert_eq!(jar.eval("after").unwrap().as_str(), "false");
    assert_usable(&mut jar);
}

#[test]
fn console_bytes_bound_a_script_that_prints_for_ever() {
    let (router, lines) = console();
    let mut jar = jar_of(&router, &Limits::default());
    assert_eq!(limit_of(jar.eval("for (;;) try { console.log('') } catch {}")), (LimitKind::Console, 64 << 10));
    assert_eq!(lines.lock().unwrap().len(), 64 << 10);
    assert_usable(&mut jar);
}

#[test]
fn console_bytes_do_not_count_what_nobody_hears() {
    let mut jar = jar_with(&Limits { console_bytes: 0, ..Limits::default() });
    assert_eq!(int(jar.eval("for (let i = 0; i < 1000; i++) console.log(i); 7")), 7);
}

// ---- message_bytes

#[test]
fn message_bytes_bound_a_result() {
    let mut jar = jar_with(&Limits { message_bytes: 100, ..Limits::default() });
    assert_eq!(jar.eval("'x'.repeat(98)").unwrap().as_str().len(), 100);
    assert_eq!(limit_of(jar.eval("'x'.repeat(99)")), (LimitKind::Message, 100));
    assert_usable(&mut jar);
    assert_eq!(limit_of(block_on(jar.eval_async("await 'x'.repeat(99)"))), (LimitKind::Message, 100));
    assert_usable(&mut jar);
}

#[test]
fn message_bytes_bound_the_parameters_of_a_call() {
    let mut jar = jar_of(&echo(), &Limits { message_bytes: 104, ..Limits::default() });
    // The method counts, and so do the quotes.
    assert_eq!(int(jar.eval("host.rpcSync('echo', 'x'.repeat(98)).length")), 98);
    assert_eq!(int(block_on(jar.eval_async("(await host.rpc('echo', 'x'.repeat(98))).length"))), 98);
    for over in ["host.rpcSync('echo', 'x'.repeat(99))", "try { host.rpcSync('echo', 'x'.repeat(99)) } catch {}"] {
        assert_eq!(limit_of(jar.eval(over)), (LimitKind::Message, 104));
        assert_usable(&mut jar);
    }
    let over = "await host.rpc('echo', 'x'.repeat(99)).catch(() => 1)";
    assert_eq!(limit_of(block_on(jar.eval_async(over))), (LimitKind::Message, 104));
    assert_usable(&mut jar);
}

#[test]
fn message_bytes_bound_a_reply_with_an_error_that_script_can_catch() {
    let answers = |length: usize| "x".repeat(length);
    let router = Router::new()
        .handle("sync", move |_: &Call, length: usize| Ok(answers(length)))
        .handle_async("async", move |_: Call, length: usize| async move { Ok(answers(length)) })
        .handle("error", move |_: &Call, length: usize| Err::<(), _>(RpcError::new("e", answers(length))));
    let mut jar = jar_of(&router, &Limits { message_bytes: 1000, ..Limits::default() });
    for (call, fits, over) in [
        ("host.rpcSync('sync', ", 998, 999),
        ("await host.rpc('sync', ", 998, 999),
        ("host.rpcSync('async', ", 998, 999),
        ("await host.rpc('async', ", 998, 999),
    ] {
        assert_eq!(int(block_on(jar.eval_async(format!("({call}{fits})).length")))), fits, "{call}");
        let code = block_on(jar.eval_async(format!("try {{ {call}{over}) }} catch (e) {{ e.code }}")));
        assert_eq!(code.unwrap().get::<String>().unwrap(), "message_too_large", "{call}");
    }
    for (length, code) in [(999, "e"), (1000, "message_too_large")] {
        let caught = jar.eval(format!("try {{ host.rpcSync('error', {length}) }} catch (e) {{ e.code }}"));
        assert_eq!(caught.unwrap().get::<String>().unwrap(), code);
    }
    let uncaught = jar.eval("host.rpcSync('sync', 999)").unwrap_err();
    assert!(matches!(uncaught, Error::Js(_)), "{uncaught:?}");
    assert_usable(&mut jar);
}

#[test]
fn message_bytes_bound_the_parameters_of_an_event() {
    let mut jar = jar_with(&Limits { message_bytes: 105, ..Limits::default() });
    jar.eval("var seen = 0; host.on('event', text => { seen++; return text.length })").unwrap();
    // The name counts, and so do the quotes.
    assert_eq!(int(jar.dispatch("event", &"x".repeat(98))), 98);
    assert_eq!(limit_of(jar.dispatch("event", &"x".repeat(99))), (LimitKind::Message, 105));
    assert_eq!(limit_of(block_on(jar.dispatch_async("event", &"x".repeat(99)))), (LimitKind::Message, 105));
    assert_eq!(int(jar.eval("seen")), 1);
}

// ---- source_bytes

#[test]
fn source_bytes_bound_a_script_before_it_enters() {
    let mut jar = jar_with(&Limits { source_bytes: 10, ..Limits::default() });
    assert_eq!(int(jar.eval("        42")), 42);
    assert_eq!(limit_of(jar.eval("         42")), (LimitKind::Source, 10));
    assert_eq!(limit_of(block_on(jar.eval_async("         42"))), (LimitKind::Source, 10));
    assert_eq!(jar.stats().calls, 1);
    assert_usable(&mut jar);
}

#[test]
fn source_bytes_bound_a_program() {
    let program = runtime().compile("'a string that makes the bytecode longer than this.'.length").unwrap();
    let mut enough = jar();
    assert_eq!(int(enough.run(&program)), 50);
    let mut jar = jar_with(&Limits { source_bytes: 40, ..Limits::default() });
    assert_eq!(limit_of(jar.run(&program)), (LimitKind::Source, 40));
    assert_eq!(limit_of(block_on(jar.run_async(&program))), (LimitKind::Source, 40));
    assert_usable(&mut jar);
}

// ---- pending_rpcs and rpc_calls

#[test]
fn pending_rpcs_bound_the_calls_in_flight() {
    let mut jar = jar_of(&echo(), &Limits { pending_rpcs: 8, ..Limits::default() });
    let all = |method: &str, count: u32| {
        format!("(await Promise.all(Array.from({{ length: {count} }}, (_, i) => host.rpc('{method}', i)))).length")
    };
    for method in ["echo", "later"] {
        // Answered calls make room for others.
        let rounds = format!("let n = 0; for (let r = 0; r < 3; r++) n += {}; n", all(method, 8));
        assert_eq!(int(block_on(jar.eval_async(format!("{{ {rounds} }}")))), 24);
        assert_eq!(limit_of(block_on(jar.eval_async(all(method, 9)))), (LimitKind::PendingRpcs, 8));
        assert_usable(&mut jar);
    }
}

#[test]
fn pending_rpcs_of_an_abandoned_call_make_room_again() {
    let router = echo().handle_async("never", |_: Call, (): ()| std::future::pending::<Result<(), RpcError>>());
    let mut jar = jar_of(&router, &Limits { pending_rpcs: 2, ..Limits::default() });
    for _ in 0..5 {
        let mut call = Box::pin(jar.eval_async("await Promise.all([host.rpc('never'), host.rpc('never')])"));
        assert!(poll_until_waiting(&mut call).is_pending());
    }
    let script = "(await Promise.all([host.rpc('later', 1), host.rpc('later', 2)])).length";
    assert_eq!(int(block_on(jar.eval_async(script))), 2);
}

#[test]
fn rpc_calls_bound_the_calls_of_one_call() {
    let mut jar = jar_of(&echo(), &Limits { rpc_calls: 6, ..Limits::default() });
    let script = |count: u32| {
        format!("for (let i = 0; i < {count}; i++) {{ host.rpcSync('echo', i); await host.rpc('later', i) }} 1")
    };
    for _ in 0..3 {
        assert_eq!(int(block_on(jar.eval_async(script(3)))), 1);
        assert_eq!(jar.call_stats().rpc_calls, 6);
    }
    assert_eq!(limit_of(block_on(jar.eval_async(script(4)))), (LimitKind::RpcCalls, 6));
    assert_usable(&mut jar);
    assert_eq!(limit_of(jar.eval("for (;;) try { host.rpcSync('echo') } catch {}")), (LimitKind::RpcCalls, 6));
    assert_usable(&mut jar);
}

// ---- memory_bytes and js_heap_bytes

#[test]
fn js_heap_bytes_make_an_error_that_script_can_catch() {
    let mut jar = jar_with(&Limits { js_heap_bytes: 4 << 20, ..Limits::default() });
    let caught = jar.eval("try { new Uint8Array(4 << 20); 'made' } catch (e) { e instanceof Error }");
    assert_eq!(caught.unwrap().as_str(), "true");
    assert_eq!(int(jar.eval("new Uint8Array(3 << 20).length")), 3 << 20);
    assert_usable(&mut jar);
}

#[test]
fn js_heap_bytes_name_themselves_when_script_does_not_catch() {
    let mut jar = jar_with(&Limits { js_heap_bytes: 4 << 20, ..Limits::default() });
    jar.eval("var kept = 'kept'").unwrap();
    for script in [
        "new Uint8Array(4 << 20)",
        "'x'.repeat(5 << 20)",
        "{ const all = []; for (;;) all.push(new Uint8Array(1 << 16)) }",
        "{ let all = null; for (;;) all = [all] }",
        "{ const all = new Map(); for (;;) all.set(all.size, 1.5) }",
    ] {
        assert_eq!(limit_of(jar.eval(script)), (LimitKind::JsHeap, 4 << 20), "{script}");
        assert_usable(&mut jar);
    }
    assert_eq!(jar.eval("kept").unwrap().as_str(), "\"kept\"");
}

#[test]
fn js_heap_bytes_hold_after_a_reset() {
    let mut jar = jar_with(&Limits { js_heap_bytes: 4 << 20, ..Limits::default() });
    jar.reset().unwrap();
    assert_eq!(limit_of(jar.eval("new Uint8Array(4 << 20)")), (LimitKind::JsHeap, 4 << 20));
    assert_usable(&mut jar);
}

#[test]
fn js_heap_bytes_can_be_raised_over_what_the_image_began_with() {
    let limits = Limits { js_heap_bytes: 100 << 20, memory_bytes: 200 << 20, ..Limits::default() };
    let mut jar = jar_with(&limits);
    assert_eq!(int(jar.eval("new Uint8Array(90 << 20).length")), 90 << 20);
    assert!(jar.stats().memory_bytes > 90 << 20);
    assert_eq!(limit_of(jar.eval("new Uint8Array(100 << 20)")), (LimitKind::JsHeap, 100 << 20));
}

#[test]
fn memory_bytes_are_a_ceiling_that_the_heap_limit_does_not_lift() {
    let limits = Limits { js_heap_bytes: 16 << 20, memory_bytes: 16 << 20, ..Limits::default() };
    let mut jar = jar_with(&limits);
    jar.eval("var kept = 'kept'").unwrap();
    assert_eq!(int(jar.eval("new Uint8Array(8 << 20).length")), 8 << 20);
    for script in ["new Uint8Array(15 << 20)", "{ const all = []; for (;;) all.push(new Uint8Array(1 << 16)) }"] {
        assert_eq!(limit_of(jar.eval(script)), (LimitKind::Memory, 16 << 20), "{script}");
        assert!(jar.stats().memory_bytes <= 16 << 20);
        assert_usable(&mut jar);
    }
    assert_eq!(jar.eval("kept").unwrap().as_str(), "\"kept\"");
    let caught = jar.eval("try { new Uint8Array(15 << 20); 'made' } catch (e) { e instanceof Error }");
    assert_eq!(caught.unwrap().as_str(), "true");
}

#[test]
fn memory_bytes_stop_a_message_that_does_not_fit_beside_the_script() {
    let limits = Limits { js_heap_bytes: 8 << 20, memory_bytes: 8 << 20, ..Limits::default() };
    let mut jar = jar_with(&limits);
    let source = format!("/*{}*/ 1", "x".repeat(9 << 20));
    assert_eq!(limit_of(jar.eval(&source)), (LimitKind::Memory, 8 << 20));
    assert_usable(&mut jar);
    let source = format!("/*{}*/ 1", "x".repeat(1 << 20));
    assert_eq!(int(jar.eval(&source)), 1);
}

#[test]
fn memory_bytes_bound_what_calls_in_flight_hold_on_the_host() {
    let limits =
        Limits { memory_bytes: 16 << 20, js_heap_bytes: 16 << 20, pending_rpcs: u32::MAX, ..Limits::default() };
    let mut jar = jar_of(&echo(), &limits);
    let script = "const big = 'x'.repeat(1 << 20); for (;;) host.rpc('echo', big).catch(() => {})";
    assert_eq!(limit_of(jar.eval(format!("{{ {script} }}"))), (LimitKind::Memory, 16 << 20));
    assert_usable(&mut jar);
}

#[test]
fn memory_bytes_that_cannot_hold_the_guest_are_the_callers_fault() {
    let limits = Limits { memory_bytes: 64 << 10, js_heap_bytes: 64 << 10, ..Limits::default() };
    let error = runtime().instance(&Router::new(), &limits).unwrap_err();
    assert_eq!((error.code(), error.blame()), ("limit_too_low", belljar::Blame::Caller));
}

// ---- stack_bytes

#[test]
fn stack_bytes_make_a_range_error_that_script_can_catch() {
    let mut jar = jar();
    let caught = jar.eval("function f() { return f() + 1 } try { f() } catch (e) { e instanceof RangeError }");
    assert_eq!(caught.unwrap().as_str(), "true");
    assert_usable(&mut jar);
}

#[test]
fn stack_bytes_give_a_range_error_when_script_does_not_catch() {
    let mut jar = jar();
    let Err(Error::Js(error)) = jar.eval("(function f() { f() })()") else { panic!("it must end with an error") };
    assert_eq!(error.name, "RangeError");
    assert_usable(&mut jar);
}

#[test]
fn stack_bytes_decide_how_deep_script_can_go() {
    let depth = |stack_bytes| {
        let mut jar = jar_with(&Limits { stack_bytes, ..Limits::default() });
        int(jar.eval("let n = 0; try { (function f() { n++; f() })() } catch {} n"))
    };
    let (small, middle, large) = (depth(64 << 10), depth(256 << 10), depth(896 << 10));
    assert!(small > 50 && small * 3 < middle && middle * 3 < large, "{small}, {middle}, {large}");
}

#[test]
fn stack_bytes_over_what_the_guest_has_are_the_callers_fault() {
    let limits = Limits { stack_bytes: 1 << 20, ..Limits::default() };
    let error = runtime().instance(&Router::new(), &limits).unwrap_err();
    assert_eq!((error.code(), error.blame()), ("invalid_input", belljar::Blame::Caller));
}

#[test]
fn stack_bytes_are_enough_for_a_script_that_stays_under_them() {
    let mut jar = jar();
    assert_eq!(int(jar.eval("(function f(n) { return n ? f(n - 1) + 1 : 0 })(500)")), 500);
}

#[test]
fn null_that_is_thrown_because_memory_ran_out_is_the_heap_limit() {
    let limits = Limits { js_heap_bytes: 4 << 20, ..Limits::default() };
    for script in [
        "{ const list = []; for (;;) list.push({ list }) }",
        "{ let head; for (;;) head = { head } }",
        "{ const map = new Map(); for (let i = 0; ; i++) map.set(i, { map }) }",
        "{ const f = n => () => n; let g = f(); for (;;) g = f(g) }",
    ] {
        let mut jar = jar_with(&limits);
        assert_eq!(limit_of(jar.eval(script)).0, LimitKind::JsHeap, "{script}");
        assert_usable(&mut jar);
        assert_eq!(limit_of(block_on(jar.eval_async(script))).0, LimitKind::JsHeap, "{script}");
        assert_usable(&mut jar);
        // `null` that the script throws is an ordinary value, even after a call that ran out of memory.
        assert_eq!(thrown(jar.eval("throw null")).thrown.unwrap().as_str(), "null");
    }
}

#[test]
fn a_heap_full_of_live_objects_leaves_room_for_a_script_that_lets_them_go() {
    for js_heap_bytes in [2 << 20, 8 << 20] {
        for fill in [
            "var head; for (;;) head = { head }",
            "var head = []; for (;;) head.push([1, {}])",
            "var head = ''; for (;;) head += 'x'.repeat(99)",
        ] {
            let mut jar = jar_with(&Limits { js_heap_bytes, ..Limits::default() });
            assert_eq!(limit_of(jar.eval(fill)).0, LimitKind::JsHeap, "{fill}");
            for _ in 0..5 {
                assert_usable(&mut jar);
            }
            assert!(jar.stats().heap_peak_bytes <= js_heap_bytes);
            assert_eq!(thrown(jar.eval("throw new Error('mine')")).message, "mine");
            jar.eval("head = undefined").unwrap();
            assert_eq!(jar.eval("Array(10000).fill(7).length").unwrap().as_str(), "10000", "{fill}");
        }
    }
}
