//! Statistics of a running host, and images of snapshots.

use std::time::Duration;

use belljar::{Limits, Router, Runtime, RuntimeStats, Snapshot};

use crate::support::{block_on, is_alone, poll_once};

fn start(runtime: &Runtime) -> belljar::Instance {
    runtime.instance(&Router::new(), &Limits::default()).unwrap()
}

/// A snapshot that holds a few hundred kilobytes.
fn snapshot(runtime: &Runtime) -> Snapshot {
    let mut jar = start(runtime);
    jar.eval("const table = Array.from({ length: 10000 }, (_, n) => ({ n }))").unwrap();
    jar.snapshot().unwrap()
}

#[test]
fn instances_are_counted_by_what_became_of_them() {
    let runtime = Runtime::builder().max_instances(2).build().unwrap();
    let figures = || {
        let RuntimeStats { instances_in_use, instances_free, waiting, made, reset, poisoned, refused, .. } =
            runtime.stats();
        [instances_in_use, instances_free, waiting, made, reset, poisoned, refused]
    };
    assert_eq!(figures(), [0, 2, 0, 0, 0, 0, 0]);
    let limits = Limits::default().with_cpu_time(Duration::from_millis(20));
    let mut first = runtime.instance(&Router::new(), &limits).unwrap();
    let second = start(&runtime);
    assert_eq!(figures(), [2, 0, 0, 2, 0, 0, 0]);
    runtime.instance(&Router::new(), &limits).unwrap_err();
    first.eval("(3n ** 3000000n).toString()").unwrap_err();
    assert_eq!(figures(), [2, 0, 0, 2, 0, 1, 1]);
    first.reset().unwrap();
    assert_eq!(figures(), [2, 0, 0, 2, 1, 1, 1]);
    let (router, limits) = (Router::new(), Limits::default());
    let mut waiting = Box::pin(runtime.instance_async(&router, &limits));
    assert!(poll_once(&mut waiting).is_pending());
    assert_eq!(figures(), [2, 0, 1, 2, 1, 1, 1]);
    drop(second);
    let third = block_on(waiting).unwrap();
    assert_eq!(figures(), [2, 0, 0, 3, 1, 1, 1]);
    drop((first, third));
    assert_eq!(figures(), [0, 2, 0, 3, 1, 1, 1]);
}

#[test]
fn figures_are_told_as_json() {
    let runtime = Runtime::builder().max_instances(3).build().unwrap();
    let json = serde_json::to_value(runtime.stats()).unwrap();
    assert_eq!((&json["instancesFree"], &json["instancesInUse"]), (&3.into(), &0.into()));
    assert_eq!(json.as_object().unwrap().len(), 11);
}

#[test]
#[cfg(target_os = "linux")]
fn memory_of_instances_is_counted_while_they_hold_it() {
    // The slots of other tests would be counted too.
    if !is_alone("figures::memory_of_instances_is_counted_while_they_hold_it") {
        return;
    }
    const FOUR_GIGABYTES: u64 = 4 << 30;
    let runtime = Runtime::builder().max_instances(4).build().unwrap();
    let resident = || runtime.stats().resident_bytes.unwrap_or_default();
    let jars: Vec<_> = (0..4).map(|_| start(&runtime)).collect();
    let stats = runtime.stats();
    assert!((4 * FOUR_GIGABYTES..5 * FOUR_GIGABYTES).contains(&stats.mapped_bytes), "{stats:?}");
    assert!(stats.image_bytes >= 1 << 20, "{stats:?}");
    drop(jars);
    let mut jar = start(&runtime);
    let before = resident();
    jar.eval("var big = new Uint8Array(20 << 20).fill(7)").unwrap();
    if stats.resident_bytes.is_some() {
        assert!(resident() >= before + (20 << 20), "{before} bytes before, {} after", resident());
        drop(jar);
        assert!(resident() < before + (1 << 20), "{before} bytes before, {} in the end", resident());
    }
    let idle = runtime.stats().mapped_bytes;
    drop(runtime);
    let other = Runtime::builder().max_instances(1).build().unwrap();
    assert!(other.stats().mapped_bytes < idle, "the slots of a runtime go with it");
}

#[test]
fn a_snapshot_becomes_an_image_when_it_is_asked_for_and_goes_with_its_last_clone() {
    if !is_alone("figures::a_snapshot_becomes_an_image_when_it_is_asked_for_and_goes_with_its_last_clone") {
        return;
    }
    let runtime = Runtime::builder().max_instances(4).build().unwrap();
    let bare = runtime.stats();
    let snapshot = snapshot(&runtime);
    assert_eq!(runtime.stats().images, bare.images);
    runtime.image_of(&snapshot).unwrap();
    runtime.image_of(&snapshot).unwrap();
    let made = runtime.stats();
    assert_eq!(made.images, bare.images + 1);
    let clone = snapshot.clone();
    drop(snapshot);
    let mut jar = runtime.build_instance().begin_from(&clone).start(&Router::new(), &Limits::default()).unwrap();
    assert_eq!(jar.eval("table[9].n").unwrap().as_str(), "9");
    drop((jar, clone));
    assert_eq!((runtime.stats().images, runtime.stats().image_bytes), (bare.images, bare.image_bytes));
}

#[test]
fn images_are_bounded_and_what_is_beyond_can_be_used_all_the_same() {
    if !is_alone("figures::images_are_bounded_and_what_is_beyond_can_be_used_all_the_same") {
        return;
    }
    let runtime = Runtime::builder().max_instances(2).build().unwrap();
    let bytes = {
        let mut jar = start(&runtime);
        jar.eval("const n = 7").unwrap();
        jar.snapshot().unwrap().to_bytes()
    };
    let mut kept = Vec::new();
    let error = loop {
        let snapshot = Snapshot::from_bytes(&bytes).unwrap();
        match runtime.image_of(&snapshot) {
            Ok(()) => kept.push(snapshot),
            Err(error) => break error,
        }
        assert!(kept.len() <= 1024, "there is no bound");
    };
    assert_eq!(error.code(), "host_error", "{error}");
    assert!(runtime.stats().images <= 1024 && kept.len() > 64, "{}", kept.len());
    let mut more = runtime.build_instance().begin_from(&Snapshot::from_bytes(&bytes).unwrap());
    more = more.seed(1);
    assert_eq!(more.start(&Router::new(), &Limits::default()).unwrap().eval("n").unwrap().as_str(), "7");
    kept.truncate(1);
    runtime.image_of(&Snapshot::from_bytes(&bytes).unwrap()).unwrap();
}

#[test]
fn an_image_of_another_build_is_refused() {
    let runtime = Runtime::builder().max_instances(1).build().unwrap();
    let mut bytes = snapshot(&runtime).to_bytes();
    // The identity of the guest follows the magic bytes and the format.
    bytes[12] ^= 1;
    use sha2::{Digest, Sha256};
    let checksum = Sha256::new().chain_update(&bytes[..44]).chain_update(&bytes[76..]).finalize();
    bytes[44..76].copy_from_slice(&checksum);
    let other = Snapshot::from_bytes(&bytes).unwrap();
    assert_eq!(runtime.image_of(&other).unwrap_err().code(), "invalid_snapshot");
}
