//! A library that is loaded once: every instance starts with it, and a script changes it only in its own instance.
//!
//! Shows: [`RuntimeBuilder::prelude`](belljar::RuntimeBuilder::prelude), what it saves compared to loading the
//! library in each instance, and [`InstanceBuilder::begin_from`](belljar::InstanceBuilder::begin_from) for a tenant's
//! set-up on top of it.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::time::Instant;

use anyhow::ensure;
use belljar::{Limits, Router, Runtime, Script};

/// A library of formatters, and a table that takes some work to compute.
fn library() -> String {
    let mut source = String::from("var money = cents => `${(cents / 100).toFixed(2)}`; const rules = {};\n");
    for n in 0..300 {
        source +=
            &format!("rules.r{n} = order => order.cents > {n}00 && order.items.some(item => item.sku % {n} === 1);\n");
    }
    source +=
        "const primes = []; for (let n = 2; primes.length < 500; n++) if (primes.every(p => n % p)) primes.push(n);\n";
    source += "host.on('total', items => money(items.reduce((sum, item) => sum + item.cents, 0)));";
    source
}

fn main() -> anyhow::Result<()> {
    let (router, limits) = (Router::new(), Limits::default());
    let library = library();
    let library = Script::new(&*library).named("library.js");

    let plain = Runtime::builder().max_instances(8).build()?;
    let runtime = Runtime::builder().max_instances(8).prelude(&library).build()?;

    // The same work, with the library loaded for each event and loaded once.
    const EVENTS: u32 = 50;
    let items = serde_json::json!([{ "cents": 250 }, { "cents": 1999 }]);
    let start = Instant::now();
    for _ in 0..EVENTS {
        let mut jar = plain.instance(&router, &limits)?;
        jar.eval(&library)?;
        ensure!(jar.dispatch("total", &items)?.get::<String>()? == "22.49");
    }
    let each = start.elapsed() / EVENTS;
    let start = Instant::now();
    for _ in 0..EVENTS {
        let mut jar = runtime.instance(&router, &limits)?;
        ensure!(jar.dispatch("total", &items)?.get::<String>()? == "22.49");
    }
    println!(
        "an event with the library loaded in each instance {each:?}, from a prelude {:?}",
        start.elapsed() / EVENTS
    );

    // A script can change the library, and no other instance sees the change.
    let mut vandal = runtime.instance(&router, &limits)?;
    vandal.eval("money = () => 'free'; primes.length = 0")?;
    ensure!(vandal.dispatch("total", &items)?.get::<String>()? == "free");
    let mut next = runtime.instance(&router, &limits)?;
    ensure!(next.eval("[primes.length, primes.at(-1), money(5)]")?.as_str() == r#"[500,3571,"0.05"]"#);
    vandal.reset()?;
    ensure!(vandal.dispatch("total", &items)?.get::<String>()? == "22.49");

    // A tenant's set-up on top of the library. Each instance that starts from it draws different random numbers.
    let mut setup = runtime.instance(&router, &limits)?;
    setup.eval("const discount = 0.9; host.on('price', cents => money(cents * discount)); Math.random()")?;
    let tenant = setup.snapshot()?;
    let mut drawn = Vec::new();
    for _ in 0..3 {
        let mut jar = runtime.build_instance().begin_from(&tenant).start(&router, &limits)?;
        ensure!(jar.dispatch("price", &1000)?.get::<String>()? == "9.00");
        drawn.push(jar.eval("Math.random()")?.get::<f64>()?);
    }
    println!("three instances of the tenant drew {drawn:?}");
    ensure!(drawn[0] != drawn[1] && drawn[1] != drawn[2]);
    Ok(())
}
