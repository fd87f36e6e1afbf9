//! Scripts that compute.

use std::hint::black_box;

use belljar::Instance;

use super::{context, run_native};
use crate::report::{Figure, Goal, NATIVE, Row};
use crate::scripts::CPU;
use crate::{Bench, timed};

pub(super) fn cpu(bench: &mut Bench, mut jar: Instance) {
    let context = context();
    let mut ratios = Vec::new();
    for (name, in_goal, script) in CPU {
        let ratio = bench.pair(
            &format!("cpu/{name}"),
            Goal::None,
            NATIVE,
            &mut |runs| timed(runs, || drop(black_box(jar.eval(script).unwrap()))),
            &mut |runs| timed(runs, || run_native(&context, script)),
        );
        ratios.extend(ratio.map(|ratio| (in_goal, ratio)));
    }
    if ratios.len() < CPU.len() {
        return;
    }
    let mean = |ratios: Vec<f64>| (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let six = mean(ratios.iter().filter(|row| row.0).map(|row| row.1).collect());
    let all = mean(ratios.iter().map(|row| row.1).collect());
    let row = |name: &str, ratio, goal| Row {
        name: name.into(),
        belljar: Figure::None,
        other: None,
        ratio: Some(ratio),
        goal,
    };
    bench.row(row("cpu, mean of fib loop string json sort regex", six, Goal::Times(1.5, 1.1)));
    bench.row(row("cpu, mean of all", all, Goal::None));
}
