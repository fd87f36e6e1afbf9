//! Slots: the maximum number of instances, waiting for one, and that a slot is clean for its next instance.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use belljar::{Error, Instance, Limits, Router, Runtime, Stats};
use futures_util::future::{BoxFuture, FutureExt};

use crate::support::{assert_usable, block_on, jar, poll_until_waiting, runtime};

fn pool_of(instances: u32) -> Runtime {
    Runtime::builder().max_instances(instances).build().unwrap()
}

fn take(runtime: &Runtime) -> belljar::Result<Instance> {
    runtime.instance(&Router::new(), &Limits::default())
}

/// A future that waits in the queue for a slot.
fn queue(runtime: &Runtime) -> BoxFuture<'static, belljar::Result<Instance>> {
    let runtime = runtime.clone();
    async move { runtime.instance_async(&Router::new(), &Limits::default()).await }.boxed()
}

#[track_caller]
fn assert_full(runtime: &Runtime, instances: u32) {
    let error = take(runtime).unwrap_err();
    assert_eq!(error, Error::Capacity { instances });
    assert_eq!((error.code(), error.blame()), ("no_capacity", belljar::Blame::Host));
}

#[test]
fn a_full_pool_says_so_at_once_and_has_room_again_when_an_instance_is_dropped() {
    let runtime = pool_of(3);
    let mut jars: Vec<_> = (0..3).map(|_| take(&runtime).unwrap()).collect();
    assert_full(&runtime, 3);
    for _ in 0..10 {
        jars.remove(0);
        jars.push(take(&runtime).unwrap());
        assert_full(&runtime, 3);
    }
    jars.iter_mut().for_each(assert_usable);
}

#[test]
fn a_full_pool_has_no_room_to_compile_in() {
    let runtime = pool_of(1);
    let jar = take(&runtime).unwrap();
    assert_eq!(runtime.compile("1").unwrap_err().code(), "no_capacity");
    drop(jar);
    runtime.compile("1").unwrap();
    runtime.compile("(").unwrap_err();
    assert_usable(&mut take(&runtime).unwrap());
}

#[test]
fn every_thread_can_have_every_place() {
    const PLACES: u32 = 300;
    let runtime = pool_of(PLACES);
    let take_all = || {
        let mut jars: Vec<_> = (0..PLACES).map(|_| take(&runtime).unwrap()).collect();
        assert_full(&runtime, PLACES);
        for (number, jar) in jars.iter_mut().enumerate() {
            assert_eq!(jar.eval(format!("globalThis.mine = {number}")).unwrap().get::<usize>().unwrap(), number);
        }
        for (number, jar) in jars.iter_mut().enumerate() {
            assert_eq!(jar.eval("mine").unwrap().get::<usize>().unwrap(), number);
        }
        jars
    };
    let mut elsewhere = Vec::new();
    for _ in 0..3 {
        drop(elsewhere);
        elsewhere = std::thread::scope(|scope| scope.spawn(take_all).join().unwrap());
        // Instances outlive the thread that made them.
        elsewhere.iter_mut().take(3).for_each(assert_usable);
    }
}

#[test]
fn a_snapshot_of_one_thread_goes_on_in_another() {
    let runtime = pool_of(4);
    let snapshot = {
        let mut jar = take(&runtime).unwrap();
        jar.eval("let count = 40; host.on('next', () => ++count)").unwrap();
        jar.snapshot().unwrap()
    };
    for number in 41..44 {
        let restore = || {
            let mut jar = runtime.restore(&snapshot, &Router::new(), &Limits::default()).unwrap();
            (0..number - 40).map(|_| jar.dispatch("next", &()).unwrap().get::<u32>().unwrap()).last()
        };
        let last = std::thread::scope(|scope| scope.spawn(restore).join().unwrap());
        assert_eq!(last, Some(number));
    }
}

#[test]
fn clones_of_a_runtime_share_its_slots() {
    let runtime = pool_of(1);
    let _jar = take(&runtime.clone()).unwrap();
    assert_full(&runtime, 1);
}

#[test]
fn an_instance_that_waits_gets_the_slot_of_one_that_is_dropped() {
    let runtime = pool_of(1);
    let first = take(&runtime).unwrap();
    let mut waiting = queue(&runtime);
    assert!(poll_until_waiting(&mut waiting).is_pending());
    drop(first);
    let Poll::Ready(second) = poll_until_waiting(&mut waiting) else { panic!("its turn has come") };
    assert_usable(&mut second.unwrap());
}

#[test]
fn an_instance_that_waits_is_woken_on_another_thread() {
    let runtime = pool_of(1);
    let first = take(&runtime).unwrap();
    let mut waiting = queue(&runtime);
    assert!(poll_until_waiting(&mut waiting).is_pending());
    let waiter = std::thread::spawn(move || block_on(waiting).unwrap());
    drop(first);
    assert_usable(&mut waiter.join().unwrap());
}

/// A waker that records that it was woken.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn those_who_wait_are_woken_one_at_a_time_and_in_order() {
    let runtime = pool_of(1);
    let mut holder = Some(take(&runtime).unwrap());
    let mut waiting: VecDeque<_> = (0..5).map(|_| (queue(&runtime), Arc::new(Bell::default()))).collect();
    for (place, bell) in &mut waiting {
        assert!(place.poll_unpin(&mut Context::from_waker(&Waker::from(bell.clone()))).is_pending());
    }
    while !waiting.is_empty() {
        drop(holder.take());
        let woken: Vec<_> = waiting.iter().map(|(_, bell)| bell.0.load(Ordering::SeqCst)).collect();
        assert_eq!(woken.iter().position(|woken| *woken), Some(0));
        assert_eq!(woken.iter().filter(|woken| **woken).count(), 1);
        let Some((mut first, _)) = waiting.pop_front() else { break };
        let Poll::Ready(next) = poll_until_waiting(&mut first) else {
            panic!("the first in the queue was passed over")
        };
        holder = Some(next.unwrap());
    }
}

#[test]
fn one_who_gives_up_waiting_takes_no_slot_along() {
    let runtime = pool_of(1);
    let first = take(&runtime).unwrap();
    let (mut early, mut chosen, mut late) = (queue(&runtime), queue(&runtime), queue(&runtime));
    for place in [&mut early, &mut chosen, &mut late] {
        assert!(poll_until_waiting(place).is_pending());
    }
    drop(early);
    drop(first);
    // This caller was woken for its turn, and is dropped without being polled.
    drop(chosen);
    let Poll::Ready(last) = poll_until_waiting(&mut late) else { panic!("the slot is lost") };
    drop(last);
    assert_usable(&mut take(&runtime).unwrap());
}

#[test]
fn a_pool_that_is_full_through_thousands_of_hand_overs_serves_everybody_in_turn() {
    const SLOTS: u32 = 3;
    const WAITERS: usize = 50;
    const HAND_OVERS: usize = 5_000;
    let runtime = pool_of(SLOTS);
    let line_up = |who: usize| {
        let bell = Arc::<Bell>::default();
        let mut place = queue(&runtime);
        assert!(place.poll_unpin(&mut Context::from_waker(&Waker::from(bell.clone()))).is_pending());
        (who, place, bell)
    };
    let mut held: VecDeque<_> = (0..SLOTS).map(|_| take(&runtime).unwrap()).collect();
    let mut waiting: VecDeque<_> = (0..WAITERS).map(line_up).collect();
    let mut served = [0; WAITERS];
    for number in 0..HAND_OVERS {
        drop(held.pop_front());
        let rung = |waiting: &VecDeque<(usize, _, Arc<Bell>)>| {
            waiting.iter().map(|(_, _, bell)| bell.0.load(Ordering::SeqCst)).collect::<Vec<_>>()
        };
        let first_alone = |rung: Vec<bool>| rung.iter().enumerate().all(|(at, is_rung)| *is_rung == (at == 0));
        assert!(first_alone(rung(&waiting)), "hand-over {number} woke somebody else");
        // Some give up: the one that was just served, and one in the middle. They queue again at the end.
        if number % 7 == 0 {
            let (who, called, _) = waiting.pop_front().unwrap();
            drop(called);
            waiting.push_back(line_up(who));
            assert!(first_alone(rung(&waiting)), "hand-over {number} was lost");
        }
        if number % 11 == 0 {
            let (who, place, _) = waiting.remove(WAITERS / 2).unwrap();
            drop(place);
            waiting.push_back(line_up(who));
        }
        let (who, mut place, _) = waiting.pop_front().unwrap();
        let Poll::Ready(jar) = poll_until_waiting(&mut place) else { panic!("the first in the queue was passed over") };
        let mut jar = jar.unwrap();
        // A caller that does not wait cannot overtake, and no state of the last instance is left.
        assert_full(&runtime, SLOTS);
        assert_eq!(
            jar.eval(format!("var marks = typeof marks + {number}; marks")).unwrap().get::<String>().unwrap(),
            format!("undefined{number}")
        );
        held.push_back(jar);
        served[who] += 1;
        waiting.push_back(line_up(who));
    }
    assert!(
        served.iter().all(|times| (HAND_OVERS / WAITERS / 2..HAND_OVERS / WAITERS * 2).contains(times)),
        "{served:?}"
    );
    drop((held, waiting));
    let mut jars: Vec<_> = (0..SLOTS).map(|_| take(&runtime).unwrap()).collect();
    jars.iter_mut().for_each(assert_usable);
}

#[test]
fn reset_keeps_the_slot() {
    let runtime = pool_of(2);
    let mut one = take(&runtime).unwrap();
    let mut two = take(&runtime).unwrap();
    let mut waiting = queue(&runtime);
    assert!(poll_until_waiting(&mut waiting).is_pending());
    for _ in 0..100 {
        one.eval("var mark = 1").unwrap();
        one.reset().unwrap();
        two.reset().unwrap();
        assert_eq!(one.eval("typeof mark").unwrap().as_str(), "\"undefined\"");
        assert_full(&runtime, 2);
        assert!(poll_until_waiting(&mut waiting).is_pending(), "a reset let somebody in");
    }
    assert_usable(&mut two);
}

#[test]
fn an_instance_that_could_not_be_made_takes_no_slot() {
    let runtime = pool_of(1);
    for limits in
        [Limits { memory_bytes: 1 << 16, ..Limits::default() }, Limits { stack_bytes: 1 << 30, ..Limits::default() }]
    {
        for _ in 0..3 {
            assert_eq!(runtime.instance(&Router::new(), &limits).unwrap_err().code(), "invalid_input");
            let waited = block_on(runtime.instance_async(&Router::new(), &limits));
            assert_eq!(waited.unwrap_err().code(), "invalid_input");
        }
    }
    assert_usable(&mut take(&runtime).unwrap());
}

#[test]
fn a_poisoned_instance_gives_its_slot_back_when_it_is_dropped() {
    let runtime = pool_of(1);
    let limits = Limits { fuel: Some(1_000_000), ..Limits::default() };
    for _ in 0..3 {
        let mut jar = runtime.instance(&Router::new(), &limits).unwrap();
        jar.eval("new Array(4294967295).join('')").unwrap_err();
        assert_eq!(jar.status(), belljar::Status::Poisoned);
        // A poisoned instance keeps its slot for the reset.
        assert_full(&runtime, 1);
    }
    assert_usable(&mut take(&runtime).unwrap());
}

#[test]
fn instances_outlive_their_runtime() {
    let runtime = pool_of(1);
    let mut jar = take(&runtime).unwrap();
    drop(runtime);
    assert_usable(&mut jar);
    jar.reset().unwrap();
    assert_usable(&mut jar);
}

#[test]
fn a_runtime_without_a_pool_counts_its_instances_too() {
    let runtime = Runtime::builder().max_instances(2).on_demand().build().unwrap();
    let (mut one, mut two) = (take(&runtime).unwrap(), take(&runtime).unwrap());
    assert_full(&runtime, 2);
    one.reset().unwrap();
    assert_usable(&mut one);
    assert_usable(&mut two);
}

#[test]
fn a_runtime_without_room_is_refused() {
    assert_eq!(Runtime::builder().max_instances(0).build().unwrap_err().code(), "invalid_input");
}

#[test]
fn ten_thousand_instances_live_side_by_side() {
    const INSTANCES: u32 = 10_000;
    let runtime = pool_of(INSTANCES);
    let (router, limits) = (Router::new(), Limits::default());
    let mut jars: Vec<_> = (0..INSTANCES)
        .map(|number| {
            let mut jar = runtime.instance(&router, &limits).unwrap();
            jar.eval(format!("var mine = {number}; 1 + 2")).unwrap();
            jar
        })
        .collect();
    assert_full(&runtime, INSTANCES);
    // Each still has its own state while all the others exist.
    for (number, jar) in jars.iter_mut().enumerate() {
        assert_eq!(jar.eval("mine").unwrap().get::<usize>().unwrap(), number);
    }
    if let Some(own) = crate::support::own_bytes() {
        // The exact figure is for the benches; this is an upper bound for every machine.
        assert!(own / u64::from(INSTANCES) < 384 << 10, "{own} bytes for {INSTANCES} instances");
    }
}

// ---- nothing of an older instance

/// What a fresh instance can observe of its memory: its size, and the contents of a large buffer.
fn look(jar: &mut Instance) -> (Stats, String, u64) {
    let stats = jar.stats();
    let globals = jar.eval("Reflect.ownKeys(globalThis).map(String).join()").unwrap().get::<String>().unwrap();
    let dirty = "new Uint32Array(4 << 20).reduce((sum, word) => sum + word, 0)";
    (stats, globals, jar.eval(dirty).unwrap().get().unwrap())
}

#[test]
fn a_fresh_instance_sees_nothing_of_an_older_one_in_its_slot() {
    let runtime = pool_of(1);
    let (fresh_stats, fresh_globals, fresh_buffer) = look(&mut take(&runtime).unwrap());
    assert_eq!(fresh_buffer, 0);
    for round in 0..5 {
        let mut older = take(&runtime).unwrap();
        let script = format!(
            "var marker = 'marker {round} '.repeat(40000); var buffer = new Uint8Array(8 << 20).fill(0xa5); \
             host.on('marker', () => marker); Object.prototype.marker = marker; Array.prototype.push = null; \
             JSON.parse = () => marker; Math.random = () => 4; var deep = (function f(n) {{ return n && f(n - 1) }})(1000); \
             marker.length + buffer.length"
        );
        assert!(older.eval(&script).unwrap().get::<u64>().unwrap() > 8 << 20);
        assert!(older.stats().memory_bytes > fresh_stats.memory_bytes);
        drop(older);

        let mut jar = take(&runtime).unwrap();
        assert_eq!(look(&mut jar), (fresh_stats, fresh_globals.clone(), 0));
        let seen = jar.eval("[typeof marker, typeof ({}).marker, typeof [].push, JSON.parse('1')]").unwrap();
        assert_eq!(seen.as_str(), r#"["undefined","undefined","function",1]"#);
        assert_eq!(jar.dispatch("marker", &()).unwrap_err().code(), "no_such_event");
    }
}

#[test]
fn a_reset_instance_sees_nothing_of_what_it_was() {
    let mut jar = jar();
    let (_, fresh_globals, _) = look(&mut jar);
    jar.reset().unwrap();
    let fresh = take(runtime()).unwrap().stats();
    let before = jar.stats();
    assert_eq!((before.memory_bytes, before.heap_bytes), (fresh.memory_bytes, fresh.heap_bytes));
    jar.eval("var marker = 'marker'.repeat(100000); var buffer = new Uint8Array(8 << 20).fill(0xa5); 1").unwrap();
    jar.reset().unwrap();
    let after = jar.stats();
    assert_eq!((after.memory_bytes, after.heap_bytes), (fresh.memory_bytes, fresh.heap_bytes));
    let (_, globals, buffer) = look(&mut jar);
    assert_eq!((globals, buffer), (fresh_globals, 0));
}

#[test]
fn an_instance_stopped_in_the_middle_leaves_nothing_for_the_next() {
    let runtime = pool_of(1);
    let (fresh_stats, fresh_globals, _) = look(&mut take(&runtime).unwrap());
    let limits = Limits { fuel: Some(20_000_000), ..Limits::default() };
    for _ in 0..5 {
        let mut older = runtime.instance(&Router::new(), &limits).unwrap();
        let script = "var marker = new Uint8Array(8 << 20).fill(0xa5); new Array(4294967295).join('')";
        older.eval(script).unwrap_err();
        drop(older);
        assert_eq!(look(&mut take(&runtime).unwrap()), (fresh_stats, fresh_globals.clone(), 0));
    }
}

#[test]
fn random_numbers_differ_between_instances_of_one_slot() {
    let runtime = pool_of(1);
    let draws: std::collections::HashSet<String> =
        (0..10).map(|_| take(&runtime).unwrap().eval("Math.random()").unwrap().as_str().to_owned()).collect();
    assert_eq!(draws.len(), 10);
}
