//! The start of the image, and the table from an operation to the module that does it.
//!
//! It owns what concerns the whole instance: settings, giving a call up, clearing memory. It must never know how a
//! script is run.

use core::cell::Cell;
use core::hint::black_box;

use belljar_abi::{Op, Status, configure};

use crate::qjs::class::Freed;
use crate::qjs::{self, Arguments, Hooks, Place, Value};
use crate::single::Single;
use crate::{
    abi, atomics, bridge, bytecode, call, console, dispatch, eval, functions, intrinsics, json, modules, natives,
    pending, random, report, settle, structured_clone, text_coding, web, wire,
};

struct Engine;

impl Hooks for Engine {
    fn poll() -> bool {
        abi::poll()
    }

    fn rejection(promise: Value, handled: bool) {
        settle::rejection(promise, handled);
    }

    fn call(place: Place, arguments: &Arguments<'_>) -> qjs::Result<Value> {
        functions::call(place, arguments)
    }

    fn free(payload: Freed) {
        functions::free(payload);
    }
}

/// Free memory that an instance begins with.
const SPARE_BYTES: usize = 768 << 10;

/// Builds the image. A failure here is a failure of the build.
pub fn start() {
    qjs::start::<Engine>();
    apply(configure::IMAGE_HEAP_BYTES, configure::IMAGE_STACK_BYTES);
    let built = qjs::prove_layout()
        .and_then(|()| json::install())
        .and_then(|()| json::prove())
        .and_then(|()| natives::install())
        .and_then(|()| report::install())
        .and_then(|()| atomics::install())
        .and_then(|()| dispatch::install())
        .and_then(|()| bridge::install())
        .and_then(|()| modules::install())
        .and_then(|()| console::install())
        .and_then(|()| intrinsics::install())
        .and_then(|()| text_coding::install())
        .and_then(|()| web::install())
        .and_then(|()| wire::install())
        .and_then(|()| structured_clone::install());
    assert!(built.is_ok(), "the image cannot be built");
    qjs::collect();
    qjs::make_objects_last();
    assert!(qjs::free::prove(), "C's allocator is not the one that `free.rs` knows");
    qjs::heap::settle_image(SPARE_BYTES);
    // What is clear in the image is only read by the operation that clears, so its pages stay shared, and a snapshot is the
    // same whichever of them an instance has of its own.
    assert!(qjs::free::clear(qjs::free::Touched(&[])), "the heap of the image cannot be cleared");
}

/// The stack limit in force, which [`abandon`] takes away for a moment.
static STACK_BYTES: Single<Cell<u32>> = Single::new(Cell::new(configure::IMAGE_STACK_BYTES));

fn apply(heap_bytes: u32, stack_bytes: u32) {
    let stack_bytes = stack_bytes.clamp(1, configure::C_STACK_BYTES - configure::STACK_RESERVE_BYTES);
    STACK_BYTES.set(stack_bytes);
    qjs::set_stack_bytes(stack_bytes);
    qjs::heap::set_limit(heap_bytes);
}

/// Does one operation.
pub fn call(op: Op, flags: u32, split: usize, length: usize) -> Status {
    match op {
        Op::Eval | Op::Dispatch | Op::Run | Op::Compile => {
            settle::clear();
            call::begin(flags);
            let Some(message) = abi::take(length) else {
                return Status::Refused;
            };
            match op {
                Op::Eval => eval::call(&message, split),
                Op::Dispatch => dispatch::call(&message, split),
                Op::Run => bytecode::run(&message),
                _ => bytecode::compile(&message, split),
            }
        }
        Op::Answer => match abi::take(length) {
            Some(message) => {
                call::go_on(flags);
                bridge::answer(&message)
            }
            None => Status::Refused,
        },
        Op::Configure => configure(length),
        Op::Events => dispatch::list(),
        Op::Abandon => abandon(),
        Op::Clear => {
            let Some(mut message) = abi::take(length) else {
                return Status::Refused;
            };
            let is_clear = forget(message.get(..length).unwrap_or_default());
            // Which pages an instance has written to may differ where nothing else does.
            black_box(&mut message).fill(0);
            if is_clear { Status::Done } else { Status::Stopped }
        }
    }
}

fn configure(length: usize) -> Status {
    let Some(message) = abi::take(length) else {
        return Status::Refused;
    };
    let word = |index: usize| {
        let bytes = message.get(index * 4..index * 4 + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let (Some(heap), Some(stack), Some(switches)) =
        (word(configure::HEAP_BYTES), word(configure::STACK_BYTES), word(configure::SWITCHES))
    else {
        return Status::Refused;
    };
    apply(heap, stack);
    if switches & configure::RESEED != 0 {
        intrinsics::reseed();
        random::reseed();
    }
    if switches & configure::NO_WEB_APIS != 0 && web::remove().is_err() {
        return Status::Refused;
    }
    if switches & configure::SESSION != 0 {
        qjs::begin_session();
    }
    if switches & configure::NO_CODE_GENERATION != 0 && intrinsics::forbid_code_generation().is_err() {
        return Status::Refused;
    }
    Status::Done
}

/// Drops what only the engine and the guest would look at again, and clears free memory.
fn forget(touched: &[u8]) -> bool {
    settle::forget();
    pending::forget();
    qjs::forget_stack_trace();
    qjs::free::clear(qjs::free::Touched(touched))
}

/// Ends a call that the host has given up. With a stack of one byte, every queued job fails before its first
/// instruction of script, so draining the queue runs nothing and leaves nothing that could run later.
fn abandon() -> Status {
    settle::abandon();
    pending::clear();
    if qjs::is_job_pending() {
        qjs::set_stack_bytes(1);
        while settle::run_one_job() {}
        qjs::set_stack_bytes(STACK_BYTES.get());
    }
    settle::drop_rejections();
    Status::Done
}
