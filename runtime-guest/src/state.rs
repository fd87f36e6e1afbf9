//! What the guest keeps between turns, and the table from an operation to the module that does it.
//!
//! It owns what the guest's modules share of mutable state. A borrow of it never spans a call into script, which may come back here.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::hint::black_box;
use core::mem::MaybeUninit;

use belljar_abi::{Op, Status, configure, flag};

use crate::bridge::Pending;
use crate::qjs::{self, Hooks, PromiseState, Value};
use crate::settle::Root;
use crate::single::Single;
use crate::{abi, atomics, bridge, bytecode, console, dispatch, eval, intrinsics, json, natives, settle};

/// Everything that a snapshot must hold besides QuickJS's own heap.
pub struct State {
    /// Handlers by event name: an object without a prototype.
    pub events: Option<Value>,
    /// Calls that wait for an answer.
    pub pending: Pending,
    /// Promises that were rejected and have no handler yet.
    pub rejections: Vec<Value>,
    /// What the call in progress will result in.
    pub root: Option<Root>,
    /// The flags of the call in progress.
    pub flags: u32,
    /// Refusals of the heap limit when the call began.
    pub refusals: u32,
    /// The prototype of the errors that the engine throws when memory is refused.
    pub engine_error: Option<Value>,
    /// The engine's own `JSON.parse`.
    pub engine_parse: Option<Value>,
    /// Console groups that are open.
    pub indent: usize,
}

static STATE: Single<RefCell<State>> = Single::new(RefCell::new(State {
    events: None,
    pending: Pending::new(),
    rejections: Vec::new(),
    root: None,
    flags: 0,
    refusals: 0,
    engine_error: None,
    engine_parse: None,
    indent: 0,
}));

/// Looks at or changes the state. The closure must not call script.
pub fn with<R>(body: impl FnOnce(&mut State) -> R) -> R {
    body(&mut STATE.borrow_mut())
}

struct Engine;

impl Hooks for Engine {
    fn poll() -> bool {
        abi::poll()
    }

    fn rejection(promise: Value, handled: bool) {
        with(|state| {
            if handled {
                state.rejections.retain(|other| !other.is_same(&promise));
            } else {
                state.rejections.push(promise);
            }
        });
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
        .and_then(|()| atomics::install())
        .and_then(|()| bridge::install())
        .and_then(|()| console::install())
        .and_then(|()| intrinsics::install());
    assert!(built.is_ok(), "the image cannot be built");
    qjs::collect();
    // What is clear in the image is only read by the operation that clears, so its pages stay shared.
    assert!(qjs::free::prove(), "C's allocator is not the one that `free.rs` knows");
    qjs::heap::settle_image(SPARE_BYTES);
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
            begin(flags);
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
                with(|state| state.flags &= flags | !flag::DRAIN);
                bridge::answer(&message)
            }
            None => Status::Refused,
        },
        Op::Configure => configure(length),
        Op::Events => dispatch::list(),
        Op::Abandon => abandon(),
        Op::Collect => {
            qjs::collect();
            Status::Done
        }
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

/// Lets go of what only the engine and we would look at again, and clears the memory that is free.
fn forget(touched: &[u8]) -> bool {
    with(|state| {
        if state.root.is_none() {
            // `None` leaves the bits of the last result where they are, and those may be a number.
            state.root = Some(Root::Threw(Value::undefined()));
            black_box(&mut state.root);
            state.root = None;
        }
        state.pending.clear_spare();
        clear_spare(&mut state.rejections);
    });
    qjs::forget_stack_trace();
    qjs::free::clear(qjs::free::Touched(touched))
}

/// Clears the room for more in a list that lives on, where an older block's bytes may be.
pub fn clear_spare<T>(list: &mut Vec<T>) {
    for place in list.spare_capacity_mut() {
        *black_box(place) = MaybeUninit::zeroed();
    }
}

fn begin(flags: u32) {
    let refusals = qjs::heap::refusals();
    let before = with(|state| {
        state.flags = flags;
        state.root = None;
        core::mem::replace(&mut state.refusals, refusals)
    });
    if refusals != before {
        // A heap that was full may hold nothing but cycles that nobody has collected, and then this call could not even
        // begin. The work is this call's, like any other.
        qjs::collect();
    }
    qjs::heap::begin_call();
}

/// Whether the call in progress may await.
pub fn is_async() -> bool {
    with(|state| state.flags & flag::ASYNC != 0)
}

/// Whether the call in progress has to wait for a call that is in flight, although its result is there.
pub fn must_drain() -> bool {
    with(|state| state.flags & flag::DRAIN != 0 && !state.pending.is_empty())
}

/// Whether somebody listens to the console.
pub fn has_console() -> bool {
    with(|state| state.flags & flag::CONSOLE != 0)
}

/// Whether the result is wanted as the console shows it.
pub fn is_inspected() -> bool {
    with(|state| state.flags & flag::INSPECT != 0)
}

/// Whether scripts find the newest value that was shown.
pub fn keeps_last_value() -> bool {
    with(|state| state.flags & flag::KEEP != 0)
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
    }
    if switches & configure::SESSION != 0 {
        qjs::begin_session();
    }
    if switches & configure::NO_CODE_GENERATION != 0 && intrinsics::forbid_code_generation().is_err() {
        return Status::Refused;
    }
    Status::Done
}

/// Ends a call that the host has given up: with a stack of one byte every queued job fails before its first
/// instruction of script, so draining the queue runs nothing and leaves nothing that could fire later.
fn abandon() -> Status {
    let (root, pending, rejections) =
        with(|state| (state.root.take(), state.pending.take(), core::mem::take(&mut state.rejections)));
    if let Some(Root::Value { value, .. }) = &root
        && value.is_promise()
        && value.promise_state() == PromiseState::Pending
    {
        value.mark_handled();
    }
    drop((root, pending, rejections));
    if qjs::is_job_pending() {
        qjs::set_stack_bytes(1);
        while settle::run_one_job() {}
        qjs::set_stack_bytes(STACK_BYTES.get());
    }
    with(|state| state.rejections.clear());
    Status::Done
}
