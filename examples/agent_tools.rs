//! "Code mode" for a language model: instead of one tool call per round trip, the model writes a script that calls
//! typed tools, and the host runs it in a sandbox.
//!
//! Shows: tools as typed async handlers, a description of them for the model, an approval before anything that has
//! side effects, an audit trail that the script cannot touch, one budget for the whole script, and errors in a form
//! that the model can use. The scripts below are what a model would write.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use belljar::{Blame, Call, Limits, Router, RpcError, Runtime, Script, Value};
use serde::{Deserialize, Serialize};

/// What the model is told. In a real agent this is part of its instructions.
const TOOLS_FOR_THE_MODEL: &str = "
    host.rpc('list_orders', { customer: string })                     -> { id: number, cents: number, late: boolean }[]
    host.rpc('shipping_status', { order: number })                    -> { order: number, days_late: number }
    host.rpc('refund', { order: number, cents: number, why: string }) -> { refunded: number }  // needs approval";

#[derive(Deserialize)]
struct ListOrders {
    customer: String,
}

#[derive(Clone, Serialize)]
struct Order {
    id: u32,
    cents: u32,
    late: bool,
}

#[derive(Deserialize)]
struct ShippingStatus {
    order: u32,
}

#[derive(Serialize)]
struct Shipping {
    order: u32,
    days_late: u32,
}

#[derive(Deserialize)]
struct Refund {
    order: u32,
    cents: u32,
    why: String,
}

#[derive(Serialize)]
struct Refunded {
    refunded: u32,
}

#[derive(Deserialize)]
struct Summary {
    checked: u32,
    refunded: Vec<u32>,
    refused: Vec<String>,
}

/// The data of one run of a script: its customer, its budget, and the log of what it did.
struct Session {
    customer: &'static str,
    approval: Approval,
    audit: Mutex<Vec<String>>,
}

/// Stands for a person, a policy, or both.
struct Approval {
    most_cents: u32,
}

impl Approval {
    async fn ask(&self, refund: &Refund) -> bool {
        // A person would take longer. The script waits at its `await`, and its other calls continue.
        tokio::time::sleep(Duration::from_millis(5)).await;
        refund.cents <= self.most_cents
    }
}

fn session(call: &Call) -> Result<&Arc<Session>, RpcError> {
    call.data::<Arc<Session>>().ok_or_else(|| RpcError::new("no_session", "this script belongs to nobody"))
}

fn record(session: &Session, line: String) {
    session.audit.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

async fn list_orders(call: Call, asked: ListOrders) -> Result<Vec<Order>, RpcError> {
    let session = session(&call)?;
    record(session, format!("list_orders {}", asked.customer));
    // The session decides what a script may see, never the script's own claim.
    if asked.customer != session.customer {
        return Err(RpcError::new("forbidden", format!("{} is another customer", asked.customer)));
    }
    Ok((1..=6).map(|id| Order { id, cents: id * 1_000, late: id % 2 == 0 }).collect())
}

async fn shipping_status(call: Call, asked: ShippingStatus) -> Result<Shipping, RpcError> {
    record(session(&call)?, format!("shipping_status {}", asked.order));
    tokio::time::sleep(Duration::from_millis(5)).await;
    Ok(Shipping { order: asked.order, days_late: asked.order * 2 })
}

async fn refund(call: Call, asked: Refund) -> Result<Refunded, RpcError> {
    let session = session(&call)?;
    if !session.approval.ask(&asked).await {
        record(session, format!("refund {} of {} cents refused", asked.order, asked.cents));
        return Err(RpcError::new("not_approved", format!("a refund of {} cents was refused", asked.cents)));
    }
    record(session, format!("refund {} of {} cents approved: {}", asked.order, asked.cents, asked.why));
    Ok(Refunded { refunded: asked.cents })
}

/// A possible answer of a model to: refund what arrived more than three days late.
const WRITTEN_BY_THE_MODEL: &str = "
const orders = await host.rpc('list_orders', { customer: 'ada' });
const late = orders.filter(order => order.late);
const states = await Promise.all(late.map(order => host.rpc('shipping_status', { order: order.id })));

const refunded = [], refused = [];
for (const state of states) {
    if (state.days_late <= 3) continue;
    const { cents } = orders.find(order => order.id === state.order);
    try {
        await host.rpc('refund', { order: state.order, cents, why: `${state.days_late} days late` });
        refunded.push(state.order);
    } catch (error) {
        refused.push(`${state.order}: ${error.code}`);
    }
}
({ checked: states.length, refunded, refused })";

/// One round of an agent: runs what the model wrote. The answer is either a result, or a text that helps the model to
/// correct its script.
async fn run(runtime: &Runtime, router: &Router, session: &Arc<Session>, code: &str) -> Result<Value, String> {
    let limits = Limits {
        cpu_time: Duration::from_millis(200),
        wall_time: Duration::from_secs(5),
        rpc_calls: 20,
        pending_rpcs: 8,
        message_bytes: 64 << 10,
        ..Limits::default()
    };
    let mut jar = runtime
        .build_instance()
        .data(session.clone())
        .start(router, &limits)
        .map_err(|error| format!("try again later: {error}"))?;
    match jar.eval_async(Script::new(code).named("model.js")).await {
        Ok(result) => Ok(result),
        Err(belljar::Error::Js(error)) => {
            Err(format!("your script threw {error}\n{}", error.stack.as_deref().unwrap_or_default()))
        }
        Err(error) if error.blame() == Blame::Limits => Err(format!("your script was stopped: {error}")),
        Err(error) => Err(format!("your script did not finish: {error}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> belljar::Result<()> {
    let runtime = Runtime::new()?;
    let router = Router::new()
        .handle_async("list_orders", list_orders)
        .handle_async("shipping_status", shipping_status)
        .handle_async("refund", refund);
    println!("tools:{TOOLS_FOR_THE_MODEL}\n");
    assert!(router.methods().iter().all(|method| TOOLS_FOR_THE_MODEL.contains(method)));

    let session =
        Arc::new(Session { customer: "ada", approval: Approval { most_cents: 5_000 }, audit: Mutex::new(Vec::new()) });
    let result = match run(&runtime, &router, &session, WRITTEN_BY_THE_MODEL).await {
        Ok(result) => result.get::<Summary>()?,
        Err(advice) => panic!("{advice}"),
    };
    println!("checked {}, refunded {:?}, refused {:?}", result.checked, result.refunded, result.refused);
    assert_eq!((result.checked, result.refunded.as_slice()), (3, &[2, 4][..]));
    assert_eq!(result.refused, ["6: not_approved"]);

    let audit = session.audit.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("audit trail:\n    {}", audit.join("\n    "));
    assert_eq!(audit.len(), 7);
    assert!(audit.contains(&"refund 4 of 4000 cents approved: 8 days late".to_owned()));

    // Errors are returned as text that a model can act on.
    for (code, advice) in [
        ("const orders = await host.rpc('list_orders', { customer: 'bob' })", "bob is another customer"),
        ("const orders = await host.rpc('list_order', { customer: 'ada' })", "no handler is registered"),
        ("const orders = await host.rpc('list_orders', { name: 'ada' })", "missing field `customer`"),
        ("let n = 0;\nwhile (true) n++", "200 ms of processor time"),
        ("for (let order = 1; ; order++) await host.rpc('shipping_status', { order })", "calls of handlers"),
        ("const total = orders.reduce((a, b) => a + b)", "model.js:1"),
    ] {
        let told = run(&runtime, &router, &session, code).await.err().unwrap_or_default();
        println!("\n{code}\n    -> {}", told.trim_end().replace('\n', "\n       "));
        assert!(told.contains(advice), "{told}");
    }
    Ok(())
}
