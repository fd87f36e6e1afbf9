//! Programs and snapshots, which are prepared once.

use std::hint::black_box;

use belljar::{Instance, Runtime};

use super::{Life, context, functions, limits, router, run_native};
use crate::report::{Figure, Goal, NATIVE, Row};
use crate::{Bench, timed};

pub(super) fn program(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits, script) = (router(), limits(), functions(100_000));
    let program = runtime.compile(&*script).unwrap();
    // Each run uses a fresh instance, as programs are used; only the call is measured.
    let fresh = |runs: u64, call: &dyn Fn(&mut Instance)| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(|| runtime.instance(&router, &limits).unwrap(), call);
        }
        life.eval
    };
    let run = |runs| fresh(runs, &|jar| drop(black_box(jar.run(&program).unwrap())));
    let parse = |runs| fresh(runs, &|jar| drop(black_box(jar.eval(&*script).unwrap())));
    let parse_natively = |runs| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(context, |context| run_native(context, &script));
        }
        life.eval
    };
    let goal = Goal::Faster(6.0, 9.0);
    bench.pair("program/100 KB, run beside eval", goal, "eval", &mut { run }, &mut { parse });
    bench.pair("program/100 KB, eval", Goal::None, NATIVE, &mut { parse }, &mut { parse_natively });
}

pub(super) fn snapshot(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits) = (router(), limits());
    let mut jar = runtime.instance(&router, &limits).unwrap();
    jar.eval("let n = 1").unwrap();
    let taken = jar.snapshot().unwrap();
    let micros = |must, aim| Goal::Absolute(Figure::Micros(must), Figure::Micros(aim));
    bench.alone("snapshot/take", micros(50.0, 10.0), &mut |runs| {
        timed(runs, || drop(black_box(jar.snapshot().unwrap())))
    });
    let restore = |runs| {
        let mut life = Life::default();
        for _ in 0..runs {
            life.live(
                || runtime.restore(&taken, &router, &limits).unwrap(),
                |jar| assert_eq!(jar.eval("n").unwrap().as_str(), "1"),
            );
        }
        life
    };
    bench.alone("snapshot/restore", micros(15.0, 5.0), &mut |runs| restore(runs).create);
    bench.alone("snapshot/restore, eval, drop", Goal::None, &mut |runs| {
        let life = restore(runs);
        life.create + life.eval + life.drop
    });
    let kilobytes = taken.to_bytes().len() as f64 / 1024.0;
    let goal = Goal::Absolute(Figure::Kilobytes(24.0), Figure::Kilobytes(8.0));
    let name = String::from("snapshot/bytes");
    bench.row(Row { name, belljar: Figure::Kilobytes(kilobytes), other: None, ratio: None, goal });
}
