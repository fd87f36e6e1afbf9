//! Fresh instances and complete snapshots while the kernel swaps, migrates, merges or collapses their pages.
//!
//! A test that needs a feature that the machine lacks prints this and passes. `make verify-fresh` uses a machine with
//! all features.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use belljar::{Clock, Instance, Limits, Router, Runtime, Snapshot};

use super::SECRET;
use crate::pages;
use crate::process::fork;
use crate::support::is_alone;

/// How many instances are made and dropped at a time.
const TENANTS: u32 = 8;
/// The prelude of some of the runtimes here: its image is large enough for a huge page.
const PRELUDE: &str = "globalThis.block = new BigUint64Array(1 << 16).fill(7n); 0";

/// How long one test keeps the kernel busy. `make verify-fresh` sets a longer time.
fn busy_time() -> Duration {
    let seconds = std::env::var("BELLJAR_FRESH_SECONDS").ok();
    Duration::from_secs(seconds.map_or(2, |seconds| seconds.parse().unwrap()))
}

/// Runs some work while another thread repeats `busy`.
fn meanwhile<R>(busy: impl Fn() + Sync, work: impl FnOnce() -> R) -> R {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Even if the work panics.
        let _over = Over(&is_over);
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                busy();
            }
        });
        work()
    })
}

/// A runtime, and the contents of a fresh instance of it.
struct House {
    name: &'static str,
    runtime: Runtime,
    pristine: Vec<u8>,
}

impl House {
    /// Runtimes whose instances map the guest's image or a prelude's, from a pool and on demand.
    fn all() -> [House; 3] {
        let builder = || Runtime::builder().max_instances(TENANTS);
        let houses =
            [("bare", builder()), ("with a prelude", builder().prelude(PRELUDE)), ("on demand", builder().on_demand())];
        houses.map(|(name, builder)| {
            let runtime = builder.build().unwrap();
            let pristine = start(&runtime).snapshot().unwrap().to_bytes();
            House { name, runtime, pristine }
        })
    }

    /// Instances that have written a secret, and zeros over their initial memory.
    fn tenants(&self) -> Vec<Instance> {
        let write = |number| {
            let mut jar = start(&self.runtime);
            let script = format!(
                "globalThis.secret = '{SECRET} {number}'; globalThis.more = Array(9000).fill(secret); \
                 globalThis.zeros = new Uint8Array(1 << 18); globalThis.block?.fill(0n); 0"
            );
            jar.eval(&*script).unwrap();
            jar
        };
        (0..TENANTS).map(write).collect()
    }

    /// Checks as many fresh instances as there were tenants.
    #[track_caller]
    fn assert_fresh(&self) {
        let mut found = Found::default();
        let strangers: Vec<Instance> = (0..TENANTS).map(|_| start(&self.runtime)).collect();
        for jar in strangers {
            let script = "typeof secret + typeof more === 'undefinedundefined' && (globalThis.block?.every(word => word === 7n) ?? true)";
            found.look(jar, |snapshot| snapshot.to_bytes() == self.pristine, script);
        }
        found.assert_none(self.name);
    }
}

/// An instance that equals the others in every page if it is clean.
fn start(runtime: &Runtime) -> Instance {
    let clock = Clock::Fixed(Duration::from_secs(1_700_000_000));
    runtime.build_instance().seed(1).clock(clock).start(&Router::new(), &patient()).unwrap()
}

/// Limits for a busy and perhaps emulated machine.
fn patient() -> Limits {
    Limits { cpu_time: Duration::from_secs(600), wall_time: Duration::from_secs(600), ..Limits::default() }
}

/// The findings about fresh instances.
#[derive(Default)]
struct Found {
    looked_at: u32,
    /// Instances that differ from the image in a page.
    differ: u32,
    /// Instances whose scripts see data of an earlier tenant, or cannot run.
    tell: u32,
}

impl Found {
    /// Checks a fresh instance: its memory, with `is_equal`, and the result of a script.
    fn look(&mut self, mut jar: Instance, is_equal: impl FnOnce(&Snapshot) -> bool, script: &str) {
        self.looked_at += 1;
        // An instance whose snapshot fails counts too, and says why.
        let is_as_made = match jar.snapshot() {
            Ok(snapshot) => {
                is_equal(&snapshot) || {
                    println!("it differs: {} bytes of memory beside the image", snapshot.memory_bytes());
                    false
                }
            }
            Err(error) => {
                println!("its snapshot failed: {error}");
                false
            }
        };
        self.differ += u32::from(!is_as_made);
        self.tell += u32::from(jar.eval(script).ok().and_then(|says| says.get().ok()) != Some(true));
    }

    #[track_caller]
    fn assert_none(&self, name: &str) {
        let Found { looked_at, differ, tell } = self;
        println!(
            "{name}: {looked_at} fresh instances: {differ} differ from the image, and {tell} tell what was before or break"
        );
        assert!(*looked_at > 0 && *differ == 0 && *tell == 0);
    }
}

/// Makes and drops instances while another thread keeps the kernel busy with their pages.
#[track_caller]
fn assert_fresh_while(busy: impl Fn() + Sync) {
    let runtime = Runtime::builder().max_instances(TENANTS).build().unwrap();
    let script = format!(
        "globalThis.secret = '{SECRET}'; globalThis.more = Array.from({{ length: 200 }}, (_, i) => secret + i); 0"
    );
    let mut found = Found::default();
    meanwhile(busy, || {
        let begin = Instant::now();
        while begin.elapsed() < busy_time() {
            let mut tenants: Vec<Instance> = (0..TENANTS).map(|_| start(&runtime)).collect();
            found.tell += tenants.iter_mut().map(|jar| u32::from(jar.eval(&*script).is_err())).sum::<u32>();
            drop(tenants);
            let strangers: Vec<Instance> = (0..TENANTS).map(|_| start(&runtime)).collect();
            for jar in strangers {
                found.look(
                    jar,
                    |snapshot| snapshot.memory_bytes() == 0,
                    "typeof secret + typeof more === 'undefinedundefined'",
                );
            }
        }
    });
    found.assert_none("meanwhile");
}

/// Does something to the pages of instances, and then drops them.
#[track_caller]
fn assert_fresh_after(take_pages_away: impl Fn()) {
    let houses = House::all();
    let tenants = houses.each_ref().map(House::tenants);
    take_pages_away();
    drop(tenants);
    houses.iter().for_each(House::assert_fresh);
}

/// Swaps out, and then pauses, so that the other threads make progress.
fn swap_out_now_and_then() {
    pages::swap_out();
    std::thread::sleep(Duration::from_millis(20));
}

/// Whether the test can run here. It runs in a separate process, because it affects the pages of the whole process.
#[track_caller]
fn can_run(test: &str, wanted: &str, is_there: bool) -> bool {
    if !is_there {
        println!("{wanted} is not here; `make verify-fresh` runs this test where it is");
        return false;
    }
    is_alone(&format!("residue::absent::{test}"))
}

#[test]
fn a_page_that_was_being_moved_when_its_instance_went_is_not_the_next_ones() {
    let nodes = pages::two_nodes();
    let test = "a_page_that_was_being_moved_when_its_instance_went_is_not_the_next_ones";
    if can_run(test, "a second node of memory", nodes.is_some()) {
        assert_fresh_while(|| pages::move_between(nodes.unwrap()));
    }
}

#[test]
fn a_page_that_was_being_compacted_when_its_instance_went_is_not_the_next_ones() {
    let test = "a_page_that_was_being_compacted_when_its_instance_went_is_not_the_next_ones";
    if can_run(test, "the right to have memory compacted", pages::may_compact()) {
        assert_fresh_while(pages::compact);
    }
}

#[test]
fn a_page_that_was_swapped_out_when_its_instance_went_is_not_the_next_ones() {
    let test = "a_page_that_was_swapped_out_when_its_instance_went_is_not_the_next_ones";
    if can_run(test, "swap", pages::there_is_swap()) {
        assert_fresh_after(|| {
            pages::swap_out();
            assert!(pages::swapped_bytes() > 0, "nothing was swapped out");
        });
    }
}

#[test]
fn a_page_that_was_being_swapped_out_when_its_instance_went_is_not_the_next_ones() {
    let test = "a_page_that_was_being_swapped_out_when_its_instance_went_is_not_the_next_ones";
    if can_run(test, "swap", pages::there_is_swap()) {
        assert_fresh_while(swap_out_now_and_then);
    }
}

#[test]
fn a_machine_that_runs_short_of_memory_gives_fresh_instances() {
    let test = "a_machine_that_runs_short_of_memory_gives_fresh_instances";
    if can_run(test, "a small machine with swap", pages::can_run_short()) {
        assert_fresh_after(pages::run_short);
    }
}

#[test]
fn a_page_that_was_merged_with_others_is_not_the_next_ones() {
    let test = "a_page_that_was_merged_with_others_is_not_the_next_ones";
    if can_run(test, "a kernel that merges pages", pages::are_merged()) {
        assert_fresh_after(pages::merge);
    }
}

#[test]
fn a_large_page_that_an_instance_left_is_not_the_next_ones() {
    let test = "a_large_page_that_an_instance_left_is_not_the_next_ones";
    if can_run(test, "a kernel that makes large pages", pages::can_be_large()) {
        assert_fresh_after(pages::enlarge);
        assert_fresh_while(pages::enlarge);
    }
}

#[test]
fn a_forked_child_brings_its_own_pages_back_and_not_its_parents() {
    if !can_run("a_forked_child_brings_its_own_pages_back_and_not_its_parents", "Linux", true) {
        return;
    }
    let houses = House::all();
    // Some slots are in use, and others were returned, so the files for resetting them are open.
    let mut tenants = houses.each_ref().map(House::tenants);
    tenants.iter_mut().for_each(|tenants| tenants.truncate(TENANTS as usize / 2));
    let child = fork(|| {
        // Pages from the parent, and pages that only the child has written to.
        for (house, tenants) in houses.iter().zip(&mut tenants) {
            tenants.clear();
            drop(house.tenants());
            house.assert_fresh();
        }
        "all were fresh".to_owned()
    });
    assert_eq!(child.join(), "all were fresh");
    for jar in tenants.iter_mut().flatten() {
        assert_eq!(jar.eval("more.length").unwrap().as_str(), "9000");
    }
    drop(tenants);
    houses.iter().for_each(House::assert_fresh);
}

/// An instance with half a megabyte of changed memory, and an undisturbed snapshot of it.
fn full() -> (Runtime, Instance, Snapshot) {
    let runtime = Runtime::builder().max_instances(TENANTS).build().unwrap();
    let mut jar = start(&runtime);
    let script = "const list = Array.from({ length: 500 }, (_, i) => ({ ['name' + i]: 'value ' + i })), \
                  bytes = new Uint8Array(1 << 18).map((_, i) => i * 7); 0";
    jar.eval(script).unwrap();
    let snapshot = jar.snapshot().unwrap();
    (runtime, jar, snapshot)
}

/// Checks that an instance restored from a snapshot is complete.
#[track_caller]
fn assert_whole(runtime: &Runtime, snapshot: &Snapshot) {
    let mut jar = runtime.restore(snapshot, &Router::new(), &patient()).unwrap();
    let whole = "list.every((entry, i) => entry['name' + i] === 'value ' + i) && bytes.every((byte, i) => byte === (i * 7 & 255))";
    assert_eq!(jar.eval(whole).unwrap().as_str(), "true");
}

#[test]
fn a_snapshot_of_pages_in_swap_has_them_all() {
    let test = "a_snapshot_of_pages_in_swap_has_them_all";
    if !can_run(test, "swap", pages::there_is_swap()) {
        return;
    }
    let (runtime, mut jar, before) = full();
    pages::swap_out();
    assert!(pages::swapped_bytes() > before.memory_bytes() as u64, "too little was swapped out");
    let after = jar.snapshot().unwrap();
    assert!(after.to_bytes() == before.to_bytes());
    pages::swap_out();
    assert_whole(&runtime, &after);
}

#[test]
fn a_snapshot_of_merged_pages_has_them_all() {
    let test = "a_snapshot_of_merged_pages_has_them_all";
    if !can_run(test, "a kernel that merges pages", pages::are_merged()) {
        return;
    }
    let (runtime, mut jar, before) = full();
    pages::merge();
    let after = jar.snapshot().unwrap();
    assert!(after.to_bytes() == before.to_bytes());
    assert_whole(&runtime, &after);
}

/// Takes snapshots of one instance while another thread keeps the kernel busy with its pages.
#[track_caller]
fn assert_whole_while(name: &str, busy: impl Fn() + Sync) {
    let (runtime, mut jar, before) = full();
    let before = before.to_bytes();
    let (mut taken, mut differ) = (0, 0);
    let last = meanwhile(busy, || {
        let begin = Instant::now();
        loop {
            let snapshot = jar.snapshot().unwrap();
            taken += 1;
            differ += u32::from(snapshot.to_bytes() != before);
            if begin.elapsed() >= busy_time() {
                return snapshot;
            }
        }
    });
    println!("{name}: {taken} snapshots, of which {differ} differ from the one before");
    assert_eq!(differ, 0);
    assert_whole(&runtime, &last);
}

#[test]
fn a_snapshot_that_is_taken_while_its_pages_move_has_them_all() {
    let nodes = pages::two_nodes();
    let test = "a_snapshot_that_is_taken_while_its_pages_move_has_them_all";
    if can_run(test, "a second node of memory", nodes.is_some()) {
        assert_whole_while("moved", || pages::move_between(nodes.unwrap()));
    }
}

#[test]
fn a_snapshot_that_is_taken_while_its_pages_are_swapped_out_has_them_all() {
    let test = "a_snapshot_that_is_taken_while_its_pages_are_swapped_out_has_them_all";
    if can_run(test, "swap", pages::there_is_swap()) {
        assert_whole_while("swapped out", swap_out_now_and_then);
    }
}

#[test]
fn a_snapshot_that_is_taken_while_memory_is_compacted_is_whole() {
    let test = "a_snapshot_that_is_taken_while_memory_is_compacted_is_whole";
    if can_run(test, "the right to have memory compacted", pages::may_compact()) {
        assert_whole_while("compacted", pages::compact);
    }
}
