//! Everything that the guest can reach: six imported functions, none of which calls back into it.
//!
//! Each function checks its arguments, copies data, and records the request. Requests are handled elsewhere, after
//! the guest has returned or been suspended. A pointer outside of memory breaks the protocol and ends the call with a
//! trap.

use std::future::poll_fn;
use std::task::Poll;

use belljar_abi::{Ask, Reply, import};
use wasmtime::{Caller, Linker, Val, bail};

use super::fibre::used;
use super::memory::{self, Span};
use super::state::Host;
use crate::driver::{Order, Stop};

const GO_ON: i32 = 0;
const UNWIND: i32 = 1;

/// Defines the six functions.
pub(super) fn define(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.func_wrap(import::MODULE, import::ASK, |caller: Caller<'_, Host>, what: u32| -> wasmtime::Result<i64> {
        let desk = &caller.data().desk;
        match Ask::from_wire(what) {
            Some(Ask::WallMicros) => Ok(desk.wall_micros()),
            Some(Ask::MonotonicNanos) => Ok(desk.monotonic_nanos()),
            Some(Ask::Seed) => match desk.seed() {
                Ok(seed) => Ok(seed.cast_signed()),
                // The guest must not draw numbers without a seed, so it is trapped here.
                Err(error) => {
                    desk.driver().stop(Stop::Failed(error));
                    bail!("there is no seed for the guest")
                }
            },
            None => Ok(0),
        }
    })?;
    linker.func_wrap_async(import::MODULE, import::POLL, |caller: Caller<'_, Host>, (): ()| Box::new(poll(caller)))?;
    linker.func_wrap(
        import::MODULE,
        import::SEND,
        |caller: Caller<'_, Host>, kind: u32, detail: u32, pointer: u32, length: u32| -> wasmtime::Result<i32> {
            let [bytes] = spans(&caller, [Span { pointer, length }])?;
            Ok(verdict(caller.data().desk.driver().send(kind, detail, bytes)))
        },
    )?;
    linker.func_wrap(
        import::MODULE,
        import::RPC,
        |caller: Caller<'_, Host>,
         id: u32,
         pointer: u32,
         length: u32,
         params: u32,
         params_length: u32|
         -> wasmtime::Result<i32> {
            let [method, params] =
                spans(&caller, [Span { pointer, length }, Span { pointer: params, length: params_length }])?;
            Ok(verdict(caller.data().desk.driver().rpc(id, method, params)))
        },
    )?;
    linker.func_wrap_async(
        import::MODULE,
        import::RPC_SYNC,
        |caller: Caller<'_, Host>, (pointer, length, params, params_length): (u32, u32, u32, u32)| {
            let asked = spans(&caller, [Span { pointer, length }, Span { pointer: params, length: params_length }])
                .map(|[method, params]| caller.data().desk.driver().rpc_sync(method, params));
            let desk = caller.data().desk.clone();
            Box::new(async move {
                if asked? {
                    return Ok(pack(Reply::Stop, 0));
                }
                // The guest's fibre is suspended here. Meanwhile the driving code, on another stack, finds the
                // handler, runs it, and resumes this fibre.
                poll_fn(|_| match desk.driver().poll_sync() {
                    None => Poll::Pending,
                    Some(Ok((true, length))) => Poll::Ready(Ok(pack(Reply::Value, length))),
                    Some(Ok((false, length))) => Poll::Ready(Ok(pack(Reply::Error, length))),
                    Some(Err(())) => Poll::Ready(Ok(pack(Reply::Stop, 0))),
                })
                .await
            })
        },
    )?;
    linker.func_wrap(
        import::MODULE,
        import::TAKE,
        |mut caller: Caller<'_, Host>, pointer: u32, length: u32| -> wasmtime::Result<()> {
            let memory = memory::of(&caller);
            let message = caller.data().desk.driver().take(length.into());
            match (memory, message) {
                (Some(memory), Some(message)) if memory::write(&mut caller, memory, pointer, &message) => Ok(()),
                (_, None) => bail!("a message was taken that was not announced"),
                _ => outside(&caller),
            }
        },
    )?;
    Ok(())
}

/// The import `poll`: QuickJS calls it at its interrupt checks, and metered code when its fuel is used up.
async fn poll(mut caller: Caller<'_, Host>) -> wasmtime::Result<i32> {
    let Some(fuel) = caller.data().fuel else { bail!("the guest ran before it was made") };
    let left = fuel.get(&mut caller).i64().unwrap_or_default();
    let is_slice_over = left < 0;
    let host = caller.data_mut();
    let used = used(host.granted, left);
    let (order, next) = {
        let mut driver = host.desk.driver();
        let now = host.desk.now();
        if is_slice_over || driver.is_tick_due(now) {
            driver.tick(now, host.desk.thread_cpu(), used);
        }
        let order = driver.poll(now, host.desk.is_cancelled(), used, is_slice_over);
        (order, driver.next_slice(used))
    };
    if is_slice_over {
        host.granted = used.saturating_add(next);
        fuel.set(&mut caller, Val::I64(i64::try_from(next).unwrap_or(i64::MAX)))?;
    }
    match order {
        Order::GoOn => Ok(GO_ON),
        Order::Unwind => Ok(UNWIND),
        Order::Kill => bail!("the guest did not unwind when it was told to"),
        Order::Yield => {
            // Suspends the fibre once; the driving code resumes it when the executor polls again.
            let mut has_yielded = false;
            poll_fn(|_| if std::mem::replace(&mut has_yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
            Ok(GO_ON)
        }
    }
}

fn spans<'a, const N: usize>(caller: &'a Caller<'_, Host>, spans: [Span; N]) -> wasmtime::Result<[&'a [u8]; N]> {
    let Some(memory) = memory::of(caller) else { return outside(caller) };
    let mut bytes: [&[u8]; N] = [&[]; N];
    for (bytes, span) in bytes.iter_mut().zip(spans) {
        match memory::read(caller, memory, span) {
            Some(found) => *bytes = found,
            None => return outside(caller),
        }
    }
    Ok(bytes)
}

fn outside<T>(caller: &Caller<'_, Host>) -> wasmtime::Result<T> {
    caller.data().desk.driver().stop(Stop::Protocol("it pointed outside of its memory"));
    bail!("the guest pointed outside of its memory")
}

fn verdict(stop: bool) -> i32 {
    if stop { UNWIND } else { GO_ON }
}

fn pack(reply: Reply, length: u32) -> u64 {
    u64::from(reply as u32) << 32 | u64::from(length)
}
