//! The fuel cost of scripts, so that it does not change unnoticed.

use crate::support::jar;

/// Scripts, and their cost in fuel.
///
/// Users who set `Limits::fuel` rely on these figures. They change only when the guest, its compiler or the metering
/// pass changes. If a change is intended, enter the figures that the failing test prints, and say in the changelog
/// that fuel has changed. Otherwise the test has found a regression: fuel measures work.
const GOLDEN: [(&str, u64); 10] = [
    ("1 + 2", 21_344),
    ("(function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) })(15)", 2_266_046),
    ("let x = 0; for (let i = 0; i < 10000; i++) x = (x + i * 3) | 0; x", 12_675_320),
    ("let s = ''; for (let i = 0; i < 1000; i++) s += 'ab' + i; s.length", 5_192_078),
    (
        "let o = { a: [1, { b: 'c' }] }; for (let i = 0; i < 100; i++) o = JSON.parse(JSON.stringify(o)); o.a[0]",
        1_060_380,
    ),
    ("Array.from({ length: 1000 }, (_, i) => i * 7919 % 1009).sort((a, b) => a - b)[5]", 8_887_571),
    ("[...'abc123 def456 '.repeat(50).matchAll(/([a-z]+)(\\d+)/g)].length", 963_923),
    ("const m = new Map(); for (let i = 0; i < 1000; i++) m.set('k' + i % 100, i); m.size", 3_054_176),
    (
        "class A { #x = 1; add(y) { this.#x += y; return this.#x } } const a = new A(); for (let i = 0; i < 1000; i++) a.add(i); a.add(0)",
        2_689_532,
    ),
    ("let n = 1n; for (let i = 1n; i < 100n; i++) n *= i; n.toString().length", 355_005),
];

fn fuel_of(script: &str) -> u64 {
    let mut jar = jar();
    jar.eval(script).unwrap();
    jar.call_stats().fuel
}

#[test]
fn scripts_cost_what_they_cost_before() {
    let mut moved = String::new();
    for (script, golden) in GOLDEN {
        let fuel = fuel_of(script);
        if fuel.abs_diff(golden) * 100 > golden * 3 {
            moved += &format!("\n{fuel} instead of {golden}: {script}");
        }
    }
    assert!(moved.is_empty(), "fuel has moved by more than 3 %:{moved}");
}

#[test]
fn a_second_instance_pays_the_same() {
    for (script, _) in GOLDEN {
        assert_eq!(fuel_of(script), fuel_of(script), "{script}");
    }
}
