//! Rules that tenants wrote, run on every webhook: each is compiled once, and each event gets a fresh instance.
//!
//! Shows: [`Program`] (compile a rule when it is saved, then run it from its bytes), [`Instance::dispatch_async`], a
//! new instance for each event so that no data leaks from one event to the next, events in parallel, errors that stay
//! with the tenant whose rule made them, and [`Blame`] to decide who is notified.
//!
//! [`Instance::dispatch_async`]: belljar::Instance::dispatch_async
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use belljar::{Blame, Call, Limits, Program, Router, RpcError, Runtime, Script};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

/// The event that a webhook carries.
#[derive(Clone, Serialize)]
struct Webhook {
    id: u32,
    kind: &'static str,
    cents: u32,
    country: &'static str,
}

/// What a rule decides.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", tag = "action")]
enum Decision {
    Accept,
    Hold { reason: String },
}

/// The rules as the tenants wrote them.
const RULES: [(&str, &str); 5] = [
    (
        "acme",
        "host.on('payment', async ({ cents, country }) => {
             const risk = await host.rpc('risk_of', country);
             return risk * cents > 50_000 ? { action: 'hold', reason: `risk ${risk} for ${country}` } : { action: 'accept' };
         })",
    ),
    ("birch", "let seen = 0; host.on('payment', () => ++seen > 1 ? { action: 'hold', reason: 'seen' } : { action: 'accept' })"),
    ("crash", "host.on('payment', event => ({ action: event.customer.name }))"),
    ("dizzy", "host.on('payment', () => { for (;;) {} })"),
    ("snoop", "host.on('payment', async () => ({ action: 'hold', reason: await host.rpc('setting', 'acme/api_key') }))"),
];

/// Tells handlers which tenant they work for; a rule cannot choose it.
struct Tenant(&'static str);

/// Runs one tenant's rule on one webhook, in an instance made for this event.
async fn decide(
    runtime: &Runtime,
    router: &Router,
    tenant: &'static str,
    rule: &Program,
    webhook: &Webhook,
) -> belljar::Result<Decision> {
    let limits = Limits { cpu_time: Duration::from_millis(20), js_heap_bytes: 4 << 20, ..Limits::default() };
    let mut jar = runtime.build_instance().data(Tenant(tenant)).start_async(router, &limits).await?;
    jar.run_async(rule).await?;
    jar.dispatch_async(webhook.kind, webhook).await?.get()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> belljar::Result<()> {
    let settings = Arc::new(BTreeMap::from([("acme/api_key", "hunter2"), ("snoop/colour", "blue")]));
    let router = Router::new()
        .handle_async("risk_of", |_: Call, country: String| async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(if country == "XX" { 9 } else { 1 })
        })
        .handle("setting", move |call: &Call, name: String| {
            let tenant = call.data::<Tenant>().map_or("nobody", |tenant| tenant.0);
            if name.split('/').next() != Some(tenant) {
                return Err(RpcError::new("forbidden", format!("{name} is not a setting of {tenant}")));
            }
            Ok(settings.get(name.as_str()).copied())
        });

    // All tenants share twenty instances; when all are in use, an event waits in a queue.
    let runtime = Runtime::builder().max_instances(20).build()?;

    // A rule is compiled when it is saved, so the person who saves it sees its mistakes.
    let mistake = runtime.compile(Script::new("host.on('payment', => {})").named("broken.js"));
    let mistake = mistake.err().map(|error| error.to_string()).unwrap_or_default();
    println!("a rule that does not compile: {mistake}");
    assert!(mistake.starts_with("SyntaxError"));

    let mut stored = BTreeMap::new();
    for (tenant, source) in RULES {
        stored.insert(tenant, runtime.compile(Script::new(source).named(format!("{tenant}.js")))?.to_bytes());
    }

    let mut rules = BTreeMap::new();
    for (tenant, bytes) in &stored {
        rules.insert(*tenant, Program::from_bytes(bytes)?);
    }
    let webhooks = [("DE", 1_000), ("XX", 9_000), ("DE", 80_000)]
        .into_iter()
        .zip(1..)
        .map(|((country, cents), id)| Webhook { id, kind: "payment", cents, country })
        .collect::<Vec<_>>();

    let (runtime, router) = (&runtime, &router);
    let work = webhooks.iter().flat_map(|webhook| {
        rules.iter().map(move |(tenant, rule)| async move {
            (*tenant, webhook.id, decide(runtime, router, tenant, rule, webhook).await)
        })
    });
    let mut outcomes = BTreeMap::<&str, Vec<String>>::new();
    for (tenant, id, outcome) in join_all(work).await {
        let outcome = match outcome {
            Ok(Decision::Accept) => "accept".to_owned(),
            Ok(Decision::Hold { reason }) => format!("hold: {reason}"),
            // A fault of the rule goes to the tenant's log; a fault of the host would alert an operator.
            Err(error) => match error.blame() {
                Blame::Script | Blame::Limits | Blame::Caller => format!("{}: {error}", error.code()),
                _ => return Err(error),
            },
        };
        println!("{tenant} #{id}: {outcome}");
        outcomes.entry(tenant).or_default().push(outcome);
    }

    assert_eq!(outcomes["acme"], ["accept", "hold: risk 9 for XX", "hold: risk 1 for DE"]);
    // If an instance were reused, the second payment would be held.
    assert_eq!(outcomes["birch"], ["accept", "accept", "accept"]);
    assert!(outcomes["crash"].iter().all(|outcome| outcome.starts_with("js_error: TypeError")));
    assert!(outcomes["dizzy"].iter().all(|outcome| outcome.starts_with("cpu_limit_exceeded")));
    assert!(outcomes["snoop"].iter().all(|outcome| outcome.contains("acme/api_key is not a setting of snoop")));
    Ok(())
}
