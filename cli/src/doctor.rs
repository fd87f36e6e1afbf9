//! Checks what this machine offers, what that means for speed and safety, and how to get what is missing.
//!
//! It owns the checks and their advice. It must never change anything.

use std::fs;

use belljar::{Limits, Router, Runtime};
use serde::Serialize;

use crate::arguments;
use crate::ending::{Ending, Refusal};
use crate::measure::{self, Times};
use crate::screen::{BLUE, DIM, GREEN, RED, Screen};
use crate::system;

/// How many rounds a measurement has.
const ROUNDS: usize = 200;
/// About how much address space an instance takes.
const SLOT_BYTES: u64 = 4 << 30;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Good,
    /// Works, and could be better.
    Poor,
    /// A fact, neither good nor bad.
    Told,
}

/// The result of one check.
#[derive(Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    value: String,
    /// What it does for speed or safety.
    means: &'static str,
    /// How to get it; empty where there is nothing to do.
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: &'static str,
}

fn told(name: &'static str, value: impl Into<String>, means: &'static str) -> Finding {
    Finding { name, state: State::Told, value: value.into(), means, advice: "" }
}

fn judged(
    name: &'static str,
    is_good: bool,
    value: impl Into<String>,
    means: &'static str,
    advice: &'static str,
) -> Finding {
    let (state, advice) = if is_good { (State::Good, "") } else { (State::Poor, advice) };
    Finding { name, state, value: value.into(), means, advice }
}

pub(crate) fn perform(doctor: &arguments::Doctor, screen: &Screen) -> Result<Ending, Refusal> {
    let findings = examine()?;
    if doctor.json {
        return screen.write_json(&findings);
    }
    let mut text = String::new();
    for Finding { name, state, value, means, advice } in &findings {
        let (mark, style) = match state {
            State::Good => ("ok", GREEN),
            State::Poor => ("no", RED),
            State::Told => ("", BLUE),
        };
        let mark = screen.painted(&format!("{mark:<2}"), |mark| format!("{style}{mark}{style:#}"));
        text += &format!("{mark} {name:<15} {value}\n");
        text += &screen.painted(&format!("{:19}{means}\n", ""), |text| format!("{DIM}{text}{DIM:#}"));
        if !advice.is_empty() {
            text += &format!("{:19}To get it: {advice}\n", "");
        }
    }
    screen.write_bytes(text.as_bytes())
}

fn examine() -> Result<Vec<Finding>, Refusal> {
    let plain = Runtime::builder().max_instances(2).on_demand().build()?;
    let facts = plain.facts();
    let optimised = !cfg!(debug_assertions);
    let mut findings = vec![
        judged(
            "belljar",
            optimised,
            format!("{} for {}{}", facts.version, facts.target, if optimised { "" } else { ", not optimised" }),
            "without optimisation the host's side of every call is several times slower",
            "cargo build --release, or cargo install",
        ),
        told(
            "guest",
            facts.guest_sha256,
            "the sha256 of runtime-guest/guest.wasm; make verify-guest rebuilds it from source",
        ),
        told("build", facts.identity, "programs and snapshots carry this, and run only where it is the same"),
        told("engine", facts.engine, "keeps the script inside; follow its security advisories"),
        told(
            "JavaScript",
            format!("{} ({})", facts.script_engine, facts.bindings),
            "what a script sees of the language",
        ),
        told(
            "processor",
            processor(&facts.processor_features),
            "what the native code needs; it was checked when it was loaded",
        ),
    ];
    findings.extend(memory(&plain));
    findings.push(told(
        "kernel",
        system::name(),
        "its memory protection is part of the wall around a script; keep it patched",
    ));
    Ok(findings)
}

fn processor(features: &[&str]) -> String {
    if features.is_empty() {
        "no features beyond the least".into()
    } else {
        format!("{}: all there", features.join(" "))
    }
}

/// Pooling, copy-on-write and address space. Each of them is tried out.
fn memory(plain: &Runtime) -> Vec<Finding> {
    let on_demand = cost(plain);
    let built = Runtime::new();
    let limit = system::address_space();
    let terabytes = |bytes: u64| format!("{:.1} TB", bytes as f64 / 1e12);
    let mut findings = Vec::new();
    findings.push(judged(
        "address space",
        built.is_ok() && limit.is_none(),
        match (&built, limit) {
            (Err(error), _) => error.to_string(),
            (Ok(_), Some(limit)) => {
                format!("limited to {}, room for {} instances at once", terabytes(limit), limit / SLOT_BYTES)
            }
            (Ok(_), None) => "no limit".into(),
        },
        "every instance has 4 GiB of address space, so the processor checks each access to memory at no cost",
        "ulimit -v unlimited, vm.overcommit_memory 0 or 1, or fewer instances with max_instances",
    ));
    findings.push(judged(
        "pooling",
        built.is_ok(),
        match (&built, on_demand) {
            (Ok(pool), Some(on_demand)) => {
                let pooled = cost(pool).map_or("?".into(), measure::duration);
                format!("a fresh instance takes {pooled}; without, {}", measure::duration(on_demand))
            }
            _ => "not available".into(),
        },
        "memory is mapped once, and one instance after another uses it; the command itself, which runs one script, \
         has no pool",
        "see address space",
    ));
    findings.push(fresh_memory(&built));
    let share = built.as_ref().ok().and_then(crowd);
    findings.push(match share {
        Some((own, image)) => judged(
            "copy-on-write",
            own < image / 2 && system::memfd().is_none_or(|memfd| memfd.is_ok()),
            match system::memfd() {
                Some(Err(error)) => format!("the kernel refuses a memfd: {error}"),
                _ => format!("an instance holds {} KB of its {} KB", own / 1000, image / 1000),
            },
            "instances share the pages that they have not written to, and none sees what another wrote",
            "run on Linux with memfd, outside of emulators such as gVisor",
        ),
        None => {
            told("copy-on-write", "not told by this system", "instances share the pages that they have not written to")
        }
    });
    findings
}

/// The median cost of an instance that does nothing, in nanoseconds.
fn cost(runtime: &Runtime) -> Option<u64> {
    let (router, limits) = (Router::new(), Limits::default());
    let mut times = Times::default();
    for _ in 0..ROUNDS {
        times.time(|| runtime.instance(&router, &limits).map(drop)).ok()?;
    }
    times.summary().map(|summary| summary.median_ns)
}

/// The memory that an instance holds after it has run a script, and how much that would be if nothing were shared.
fn crowd(runtime: &Runtime) -> Option<(u64, u64)> {
    let (router, limits) = (Router::new(), Limits::default());
    let before = measure::resident_bytes()?;
    let mut crowd = Vec::new();
    for _ in 0..ROUNDS {
        let mut instance = runtime.instance(&router, &limits).ok()?;
        instance.eval("1+2").ok()?;
        crowd.push(instance);
    }
    let held = measure::resident_bytes()?.saturating_sub(before) / ROUNDS as u64;
    Some((held, crowd.first()?.stats().memory_bytes))
}

/// How memory is cleaned between one instance and the next, and whether its pages can be in swap.
fn fresh_memory(built: &belljar::Result<Runtime>) -> Finding {
    let reset = built.as_ref().map_or("not available", |runtime| runtime.facts().memory_reset);
    let swap = match fs::read_to_string("/proc/swaps").map(|list| list.lines().count()) {
        Ok(0 | 1) => "; there is no swap",
        Ok(_) => "; there is swap, and pages in it are seen",
        Err(_) => "",
    };
    judged(
        "fresh memory",
        reset == "page scan",
        format!("{reset}, tried out{swap}"),
        "a script never sees what an earlier one left; the kernel names the pages that must be cleaned for that, also \
         those in swap",
        "Linux 6.7 or newer with /proc/self/pagemap in the container; everything else is as safe and slower",
    )
}
