//! A tool call that waits for a person: the process that asked has ended when the answer arrives, and another process
//! resumes the script.
//!
//! Shows: [`Reply::pause`], [`Instance::step_eval_async`], a sealed snapshot in a file, and
//! [`Instance::resume_async`] in a process that has never seen the script. Run it without arguments; it starts itself
//! once to ask, and once for each answer.
//!
//! [`Instance::step_eval_async`]: belljar::Instance::step_eval_async
//! [`Instance::resume_async`]: belljar::Instance::resume_async
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail, ensure};
use belljar::{Answer, Call, Limits, Reply, Router, RpcError, Runtime, Script, Snapshot, Turn, Value};
use serde::Deserialize;

/// A script that an agent wrote. It does not know about pauses: to the script, a person is a slow function.
const AGENT: &str = "
    const orders = await host.rpc('late_orders');
    const refunded = [];
    for (const { id, cents } of orders) {
        try {
            if (cents > 5000) await host.rpc('approve', { order: id, cents });
            refunded.push(await host.rpc('refund', id));
        } catch (error) {
            refunded.push(`${id}: ${error.message}`);
        }
    }
    refunded.join(', ')";

/// In production, take the key from your secret store.
const KEY: [u8; 32] = *b"thirty-two bytes that are secret";
/// The owner and the purpose of the snapshot. It cannot be opened under another context.
const CONTEXT: &[u8] = b"tenant 42, refunds";

#[derive(Deserialize)]
struct Approval {
    order: u32,
    cents: u32,
}

fn router() -> Router {
    Router::new()
        .handle("late_orders", |_: &Call, (): ()| {
            Ok(serde_json::json!([{ "id": 7, "cents": 1200 }, { "id": 8, "cents": 9900 }, { "id": 9, "cents": 20000 }]))
        })
        .handle("refund", |_: &Call, order: u32| Ok(format!("{order}: refunded")))
        // The type of the parameter checks the parameters before a person sees them.
        .handle("approve", |_: &Call, _: Approval| Reply::pause())
}

/// Writes a paused script into the file, or prints the result of a script that has ended.
fn put_away(turn: Turn, file: &Path) -> anyhow::Result<()> {
    match turn {
        Turn::Paused(paused) => {
            let call = paused.pending().first().context("a paused script waits for something")?;
            let Approval { order, cents } = call.params.get()?;
            println!("may order {order} be refunded {}.{:02}?", cents / 100, cents % 100);
            let snapshot = paused.snapshot().clone().labelled(format!("refund of order {order}"));
            fs::write(file, snapshot.seal(&KEY, CONTEXT)?)?;
        }
        Turn::Done(report) => {
            println!("{}", report.get::<String>()?);
            fs::remove_file(file)?;
        }
        other => bail!("this example knows no {other:?}"),
    }
    Ok(())
}

/// The process that runs the agent's script.
async fn ask(file: &Path) -> anyhow::Result<()> {
    let mut jar = Runtime::new()?.instance(&router(), &Limits::default())?;
    put_away(jar.step_eval_async(Script::new(AGENT).named("agent.js")).await?, file)
}

/// The process that brings the person's answer.
async fn answer(file: &Path, is_yes: bool) -> anyhow::Result<()> {
    let snapshot = Snapshot::open(&fs::read(file)?, &KEY, CONTEXT)?;
    let mut jar = Runtime::new()?.restore(&snapshot, &router(), &Limits::default())?;
    let call = jar.pending().first().context("nothing waits")?;
    let word =
        if is_yes { Answer::Result(Value::UNDEFINED) } else { Answer::Error(RpcError::new("declined", "declined")) };
    let answers = [(call.id, word)];
    put_away(jar.resume_async(answers).await?, file)
}

/// Runs this program again, as another process, and returns its output.
fn process(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout)?.trim().to_owned();
    println!("{:<8} {line}", arguments.first().copied().unwrap_or_default());
    Ok(line)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ask", file] => ask(Path::new(file)).await?,
        ["yes", file] => answer(Path::new(file), true).await?,
        ["no", file] => answer(Path::new(file), false).await?,
        [] => {
            let path = std::env::temp_dir().join(format!("belljar-approve-{}", std::process::id()));
            let file = path.to_str().context("the folder for temporary files has a name that is not text")?;
            ensure!(process(&["ask", file])? == "may order 8 be refunded 99.00?");
            // No process runs now. The state of the script is in the file.
            println!("         ({} bytes, sealed)", fs::metadata(&path)?.len());
            ensure!(process(&["yes", file])? == "may order 9 be refunded 200.00?");
            ensure!(process(&["no", file])? == "7: refunded, 8: refunded, 9: declined");
            ensure!(!path.exists());
        }
        _ => {
            println!("approve takes no arguments");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
