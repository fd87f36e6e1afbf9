//! Ten continuations of one state: a script stops at a choice, is restored once for each way to choose, and the best
//! one wins.
//!
//! Shows: a [`Snapshot`](belljar::Snapshot) as a starting point for experiments. The work before the choice is done
//! once. The work after it is done ten times, in separate instances, on separate threads.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::thread;

use anyhow::{Context as _, bail, ensure};
use belljar::{Answer, Call, Limits, Reply, Router, Runtime, Turn, Value};
use serde::Deserialize;

/// Packs boxes into a lorry greedily. The host chooses the order, and the script waits for the choice.
const PACKER: &str = "
    const boxes = Array.from({ length: 40 }, (_, i) => ({ weight: 3 + i * 7919 % 29, value: 5 + i * 104729 % 37 }));
    const weights = await host.rpc('choose_order', { boxes: boxes.length });
    boxes.sort((a, b) => b.value / b.weight ** weights - a.value / a.weight ** weights);
    let room = 200, value = 0;
    for (const box of boxes) if (box.weight <= room) { room -= box.weight; value += box.value }
    ({ weights, value, room, boxes: boxes.length, random: Math.random() })";

#[derive(Debug, Deserialize)]
struct Packed {
    weights: f64,
    value: u32,
    room: u32,
    boxes: usize,
    random: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let runtime = Runtime::builder().max_instances(16).build()?;
    let router = Router::new().handle("choose_order", |_: &Call, _: Value| Reply::pause());
    let limits = Limits::default();

    let mut origin = runtime.instance(&router, &limits)?;
    let Turn::Paused(paused) = origin.step_eval_async(PACKER).await? else { bail!("the script should ask first") };
    let state = paused.snapshot();
    let question = state.pending().first().context("it waits for something")?.id;

    let explore = |choice: f64| -> anyhow::Result<Packed> {
        let mut twin = runtime.restore(state, &router, &limits)?;
        let answer = Answer::Result(Value::of(&choice)?);
        let executor = tokio::runtime::Builder::new_current_thread().build()?;
        match executor.block_on(twin.resume_async([(question, answer)]))? {
            Turn::Done(packed) => Ok(packed.get()?),
            other => bail!("it should be done: {other:?}"),
        }
    };
    let explore = &explore;
    let mut outcomes = thread::scope(|scope| {
        let twins: Vec<_> = (0..10).map(|step| scope.spawn(move || explore(f64::from(step) * 0.2))).collect();
        twins
            .into_iter()
            .map(|twin| twin.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
            .collect::<anyhow::Result<Vec<_>>>()
    })?;

    outcomes.sort_by_key(|packed| std::cmp::Reverse(packed.value));
    println!("weight counts   value   room left");
    for Packed { weights, value, room, .. } in &outcomes {
        println!("{weights:>13.1} {value:>7} {room:>11}");
    }

    let (best, worst) = (outcomes.first().context("ten were tried")?, outcomes.last().context("ten were tried")?);
    ensure!(outcomes.len() == 10 && best.value > worst.value);
    ensure!(outcomes.iter().all(|packed| packed.boxes == 40 && packed.room <= 200));
    // Each continuation drew different random numbers, and the original still waits.
    let mut random: Vec<u64> = outcomes.iter().map(|packed| packed.random.to_bits()).collect();
    random.sort_unstable();
    random.dedup();
    ensure!(random.len() == 10);
    ensure!(origin.pending().len() == 1);
    Ok(())
}
