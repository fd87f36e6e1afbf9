//! Modules and web APIs, each in a fresh instance.

use std::hint::black_box;

use belljar::{Instance, InstanceBuilder, Modules, Runtime, Script};

use super::{Life, limits, router};
use crate::Bench;
use crate::report::Goal;

/// Ten modules, of which each imports the next two.
fn graph() -> Modules {
    (0..10).fold(Modules::new(), |modules, number| {
        let imports = (number + 1..(number + 3).min(10)).map(|next| format!("import {{ f{next} }} from './m{next}.js';\n"));
        let sum = (number + 1..(number + 3).min(10)).map(|next| format!(" + f{next}(n)"));
        let (imports, sum) = (imports.collect::<String>(), sum.collect::<String>());
        modules.source(
            format!("m{number}.js"),
            format!("{imports}export const f{number} = n => n * {number}{sum};\nexport const name{number} = 'module {number}';\n"),
        )
    })
}

const ENTRY: &str = "import { f0 } from './m0.js'; export default f0(1)";

/// The time of a script in fresh instances, without making and dropping them.
fn fresh(runs: u64, start: &dyn Fn() -> Instance, call: &dyn Fn(&mut Instance)) -> std::time::Duration {
    let mut life = Life::default();
    for _ in 0..runs {
        life.live(start, call);
    }
    life.eval
}

pub(super) fn modules(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits, modules) = (router(), limits(), graph());
    let entry = Script::module(ENTRY).named("entry.js");
    let start = |builder: InstanceBuilder| builder.modules(&modules).start(&router, &limits).unwrap();
    let bare = || start(runtime.build_instance());
    bench.alone("modules/ten from source", Goal::None, &mut |runs| {
        fresh(runs, &bare, &|jar| drop(black_box(jar.eval(&entry).unwrap())))
    });
    let program = runtime.compile_modules(&entry, &modules, &limits).unwrap();
    bench.alone("modules/ten from a program", Goal::None, &mut |runs| {
        fresh(runs, &bare, &|jar| drop(black_box(jar.run(&program).unwrap())))
    });
    let mut jar = bare();
    jar.eval(&entry).unwrap();
    let prelude = jar.snapshot().unwrap();
    runtime.image_of(&prelude).unwrap();
    let loaded = || start(runtime.build_instance().begin_from(&prelude));
    bench.alone("modules/ten from a prelude", Goal::None, &mut |runs| {
        fresh(runs, &loaded, &|jar| drop(black_box(jar.eval(&entry).unwrap())))
    });
}

pub(super) fn web(bench: &mut Bench, runtime: &Runtime) {
    let (router, limits) = (router(), limits());
    let with = || runtime.instance(&router, &limits).unwrap();
    let without = || runtime.build_instance().without_web_apis().start(&router, &limits).unwrap();
    let small = |jar: &mut Instance| drop(black_box(jar.eval("1 + 2").unwrap()));
    bench.pair(
        "web/fresh instance, 1 + 2",
        Goal::None,
        "without web APIs",
        &mut |runs| fresh(runs, &with, &small),
        &mut |runs| fresh(runs, &without, &small),
    );
    bench.alone("web/fresh instance, first new URL", Goal::None, &mut |runs| {
        let script = "new URL('https://user@example.com:8080/a/../b?c=d#e').href";
        fresh(runs, &with, &|jar| drop(black_box(jar.eval(script).unwrap())))
    });
}
