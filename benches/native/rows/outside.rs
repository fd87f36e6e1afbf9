//! Figures of whole processes: resident memory, and the time from start to end.
//!
//! Both are measured in separate processes, which run this bench with `--hold` or `--evaluate`. In one process,
//! memory that earlier rows freed would be reused by later rows and not be counted.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use belljar::Runtime;

use super::{context, functions, limits, router, run_native};
use crate::report::{Figure, Goal, NATIVE, Row};
use crate::{Bench, timed};

/// What each side keeps: the number of instances, the evals in each, and the size of the prelude.
struct Held {
    name: &'static str,
    count: usize,
    evals: usize,
    prelude: usize,
    goal: Goal,
}

const HELD: [Held; 4] = [
    Held { name: "memory/created", count: 200, evals: 0, prelude: 0, goal: Goal::None },
    Held {
        name: "memory/after an eval",
        count: 200,
        evals: 1,
        prelude: 0,
        goal: Goal::Absolute(Figure::Kilobytes(120.0), Figure::Kilobytes(60.0)),
    },
    Held { name: "memory/20 KB prelude, eval", count: 100, evals: 1, prelude: 20_000, goal: Goal::None },
    Held { name: "memory/500 KB prelude, eval", count: 20, evals: 1, prelude: 500_000, goal: Goal::None },
];

/// The memory of idle instances, if the system reports the memory of a process.
pub(super) fn memory(bench: &mut Bench) {
    for held in HELD {
        if !bench.wants(held.name) {
            continue;
        }
        eprintln!("{}", held.name);
        let numbers = [held.count, held.evals, held.prelude].map(|number| number.to_string());
        let kilobytes = |side: &str| {
            let output = this_bench().arg("--hold").arg(side).args(&numbers).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().ok()
        };
        if let (Some(belljar), Some(other)) = (kilobytes("belljar"), kilobytes(NATIVE)) {
            bench.row(Row {
                name: held.name.into(),
                belljar: Figure::Kilobytes(belljar),
                other: Some((NATIVE, Figure::Kilobytes(other))),
                ratio: Some(belljar / other),
                goal: held.goal,
            });
        }
    }
}

/// This program as a separate process.
fn this_bench() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// The process that [`memory`] starts: prints the kilobytes per instance.
pub(crate) fn hold(mut arguments: impl Iterator<Item = String>) {
    let side = arguments.next().unwrap();
    let [count, evals, prelude] = std::array::from_fn(|_| arguments.next().unwrap().parse::<usize>().unwrap());
    let prelude = (prelude > 0).then(|| functions(prelude));
    let held = if side == NATIVE {
        resident(count, || {
            let context = context();
            prelude.iter().for_each(|script| run_native(&context, script));
            (0..evals).for_each(|_| run_native(&context, "1+2"));
            context
        })
    } else {
        let builder = Runtime::builder();
        let builder = if let Some(script) = &prelude { builder.prelude(&**script) } else { builder };
        let (runtime, router, limits) = (builder.build().unwrap(), router(), limits());
        resident(count, || {
            let mut jar = runtime.instance(&router, &limits).unwrap();
            (0..evals).for_each(|_| drop(jar.eval("1+2").unwrap()));
            jar
        })
    };
    if let Some(kilobytes) = held {
        println!("{kilobytes}");
    }
}

/// The kilobytes by which the process grows for each of `count` values that it keeps. A shared page, such as an
/// unmodified page of the image, counts once; `VmRSS` would count it for each mapping.
fn resident<T>(count: usize, make: impl Fn() -> T) -> Option<f64> {
    let held = || {
        let sums = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
        let line = sums.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
    };
    // Makes one beforehand, so that one-time allocations are not counted.
    drop(make());
    let before = held()?;
    let kept: Vec<T> = (0..count).map(|_| make()).collect();
    let after = held()?;
    drop(kept);
    Some((after - before) / count as f64)
}

/// A whole process that evaluates `1+2`, prints the result and ends. The native side is this bench run as such a
/// process.
pub(super) fn process(bench: &mut Bench) {
    let Some(command) = command_line() else {
        eprintln!("process: no belljar beside this bench; build it with cargo build --release --package belljar-cli");
        return;
    };
    let run = |runs, make: &dyn Fn() -> Command| {
        timed(runs, || {
            let output = make().stdin(Stdio::null()).output().unwrap();
            assert_eq!(output.stdout, b"3\n", "{output:?}");
        })
    };
    let belljar = || {
        let mut it = Command::new(&command);
        it.args(["-p", "1+2"]);
        it
    };
    let native = || {
        let mut it = this_bench();
        it.args(["--evaluate", "1+2"]);
        it
    };
    let goal = Goal::Absolute(Figure::Micros(10_000.0), Figure::Micros(5_000.0));
    bench.pair("process", goal, NATIVE, &mut |runs| run(runs, &belljar), &mut |runs| run(runs, &native));
}

/// The command `belljar` of the same profile: cargo puts it into the parent folder of the benches.
fn command_line() -> Option<PathBuf> {
    let bench = std::env::current_exe().ok()?;
    let command = bench.parent()?.parent()?.join(format!("belljar{}", std::env::consts::EXE_SUFFIX));
    command.is_file().then_some(command)
}

/// The process that [`process`] starts: evaluates one script in native QuickJS.
pub(crate) fn evaluate(script: &str) {
    let value: i32 = context().with(|ctx| ctx.eval(script).unwrap());
    println!("{value}");
}
