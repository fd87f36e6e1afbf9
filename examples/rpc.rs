//! All ways in which a script and its host communicate.
//!
//! Shows: typed parameters and results, sync and async handlers, concurrent calls, `rpcSync` on an async handler,
//! errors with a code, parameters of the wrong shape, a handler that panics, a fallback, data of the instance, the
//! console, and events from the host to the script.
#![allow(clippy::print_stdout, reason = "an example prints what it found")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use belljar::{Call, ConsoleLevel, Limits, Router, RpcError, Runtime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the host knows about the caller. Scripts never see it; handlers get it from their [`Call`].
struct Session {
    user: &'static str,
}

#[derive(Deserialize)]
struct Order {
    item: String,
    amount: u32,
}

#[derive(Serialize)]
struct Receipt {
    item: String,
    cents: u32,
    buyer: &'static str,
}

fn buy(call: &Call, order: Order) -> Result<Receipt, RpcError> {
    let Some(session) = call.data::<Session>() else { return Err(RpcError::new("no_session", "log in first")) };
    if order.amount > 10 {
        return Err(RpcError::new("sold_out", format!("only 10 of {} are left", order.item)));
    }
    Ok(Receipt { item: order.item, cents: order.amount * 250, buyer: session.user })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> belljar::Result<()> {
    let at_once = Arc::new(AtomicU32::new(0));
    let most_at_once = Arc::new(AtomicU32::new(0));
    let printed = Arc::new(Mutex::new(Vec::new()));

    let (running, most, lines) = (at_once.clone(), most_at_once.clone(), printed.clone());
    let router = Router::new()
        .handle("buy", buy)
        .handle_async("look_up", move |_: Call, id: u32| {
            let (running, most) = (running.clone(), most.clone());
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
                running.fetch_sub(1, Ordering::Relaxed);
                Ok(json!({ "id": id, "name": format!("item {id}") }))
            }
        })
        .handle("crash", |_: &Call, (): ()| -> Result<(), RpcError> { std::panic::resume_unwind(Box::new("a bug")) })
        // An unknown method is refused: an answer would look like that of a real handler.
        .fallback(|_: &Call, _: Value| Err::<(), _>(RpcError::new("unknown_method", "the shop has no such method")))
        .on_console(move |_, level: ConsoleLevel, line: &str| {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{level:?}: {line}"));
        });

    let runtime = Runtime::new()?;
    let mut jar = runtime.build_instance().data(Session { user: "ada" }).start(&router, &Limits::default())?;

    // Every kind of call reaches a sync handler, without a promise.
    let receipt: Value = jar.eval("host.rpcSync('buy', { item: 'tea', amount: 2 })")?.get()?;
    println!("receipt: {receipt}");
    assert_eq!(receipt, json!({ "item": "tea", "cents": 500, "buyer": "ada" }));

    // An error arrives as a JavaScript Error with a `code`; nothing else of the host's error reaches the script.
    let caught: Vec<String> = jar
        .eval(
            "function code(method, params) {
                 try { return host.rpcSync(method, params) } catch (error) { return `${error.code}: ${error.message}` }
             }
             [code('buy', { item: 'tea', amount: 99 }), code('buy', { item: 'tea', amount: 'two' }), code('crash'), code('missing', 1)]",
        )?
        .get()?;
    for line in &caught {
        println!("caught: {line}");
    }
    assert_eq!(caught[0], "sold_out: only 10 of tea are left");
    assert!(caught[1].starts_with("invalid_params: buy: at amount:"), "{}", caught[1]);
    assert_eq!(caught[2], "handler_panicked: the handler panicked");
    assert_eq!(caught[3], "unknown_method: the shop has no such method");

    // Calls of `host.rpc` run concurrently.
    let names: Vec<String> = jar
        .eval_async(
            "const found = await Promise.all([1, 2, 3].map(id => host.rpc('look_up', id)));
             console.log('found', found.length);
             found.map(item => item.name)",
        )
        .await?
        .get()?;
    println!("looked up {names:?}, {} at once", most_at_once.load(Ordering::Relaxed));
    assert_eq!(names, ["item 1", "item 2", "item 3"]);
    assert_eq!(most_at_once.load(Ordering::Relaxed), 3);
    assert_eq!(*printed.lock().unwrap_or_else(PoisonError::into_inner), ["Log: found 3"]);

    // In an async call `rpcSync` reaches an async handler too: it suspends the script, not the thread.
    let name: String = jar.eval_async("host.rpcSync('look_up', 7).name").await?.get()?;
    println!("without await: {name}");
    assert_eq!(name, "item 7");

    // The other direction: the host sends events to functions that the script registered.
    jar.eval("host.on('restocked', async ({ id }) => `${(await host.rpc('look_up', id)).name} is back`)")?;
    let notice: String = jar.dispatch_async("restocked", &json!({ "id": 4 })).await?.get()?;
    println!("event: {notice}");
    assert_eq!(notice, "item 4 is back");

    println!("the instance made {} calls in {} turns of its own", jar.stats().rpc_calls, jar.stats().calls);
    Ok(())
}
