//! A fresh instance has no data of an earlier one in any page, with every way to allocate memory.

#[cfg(target_os = "linux")]
mod absent;

use std::time::Duration;

use belljar::{Instance, Limits, Router, Runtime, RuntimeBuilder};

use crate::support::is_alone_under;

const SLOTS: u32 = 4;
const SECRET: &str = "the secret of the tenant before";

/// Fills all kinds of memory of an instance with a secret, and leaves it in one of the states in which instances end.
fn confide(jar: &mut Instance, ending: u32) {
    let script = format!(
        "var text = '{SECRET}'.repeat(20000), list = [], bytes = new Uint8Array(12 << 20); \
         for (let i = 0; i < 5000; i++) list.push(text + i, {{ [text.slice(0, 40) + i]: i }}); \
         for (let i = 0; i < {length}; i++) bytes[i] = '{SECRET}'.charCodeAt(i); \
         for (let n = {length}; n < bytes.length; n *= 2) bytes.copyWithin(n, 0, n); \
         (function dig(n, secret) {{ return n ? dig(n - 1, secret + n) : secret.length }})(500, text)",
        length = SECRET.len()
    );
    jar.eval(&script).unwrap();
    match ending % 4 {
        0 => {}
        // Stopped by a trap, in a native built-in.
        1 => assert_eq!(jar.eval("new Array(4294967295).join(text)").unwrap_err().code(), "fuel_limit_exceeded"),
        2 => jar.reset().unwrap(),
        _ => drop(jar.snapshot().unwrap()),
    }
}

/// Checks that a fresh instance equals the image in every page, and that memory that it grows by is all zeros.
#[track_caller]
fn assert_clean(jar: &mut Instance) {
    let snapshot = jar.snapshot().unwrap();
    assert_eq!(snapshot.memory_bytes(), 0, "so much of a fresh instance differs from its image");
    let rest = "new BigUint64Array(28 << 17).every(word => word === 0n)";
    assert_eq!(jar.eval(rest).unwrap().as_str(), "true");
}

fn assert_nothing_is_left(builder: RuntimeBuilder) {
    let runtime: Runtime = builder.max_instances(SLOTS).build().unwrap();
    let limits = |fuel| Limits { fuel, cpu_time: Duration::from_secs(60), ..Limits::default() };
    let make = || runtime.instance(&Router::new(), &limits(None)).unwrap();
    // The first check runs before there is any secret.
    assert_clean(&mut make());
    for round in 0..3 {
        let mut older: Vec<Instance> =
            (0..SLOTS).map(|_| runtime.instance(&Router::new(), &limits(Some(3_000_000_000))).unwrap()).collect();
        (round..).zip(&mut older).for_each(|(ending, jar)| confide(jar, ending));
        if round == 0 {
            drop(older.pop());
            let mut reset = make();
            confide(&mut reset, 0);
            reset.reset().unwrap();
            assert_clean(&mut reset);
        }
        drop(older);
        (0..SLOTS).map(|_| make()).collect::<Vec<_>>().iter_mut().for_each(assert_clean);
    }
}

#[test]
fn a_page_of_the_pool_holds_nothing_of_an_older_instance() {
    assert_nothing_is_left(Runtime::builder());
}

#[test]
fn a_page_mapped_on_demand_holds_nothing_of_an_older_instance() {
    assert_nothing_is_left(Runtime::builder().on_demand());
}

/// Whether this process asks the kernel for changed pages.
#[cfg(target_os = "linux")]
fn scans_pages() -> bool {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|path| path.ends_with("pagemap"))
}

#[test]
#[cfg(target_os = "linux")]
fn a_page_of_the_pool_holds_nothing_of_an_older_instance_where_the_kernel_does_not_say_which_were_written() {
    let test = "residue::a_page_of_the_pool_holds_nothing_of_an_older_instance_where_the_kernel_does_not_say_which_were_written";
    if !is_alone_under("ulimit -n 100", test) {
        return;
    }
    // The first pool of a process tests the kernel's list of pages, once. The test fails if no file can be opened.
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    let _ = Runtime::builder().max_instances(1).build();
    drop(files);
    assert!(!scans_pages());
    assert_nothing_is_left(Runtime::builder());
}
