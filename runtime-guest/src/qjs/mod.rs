//! The safe face of QuickJS: one runtime, one context, owned values.
//!
//! It owns every raw QuickJS call. It must never know what the bridge sends or what a payload means.
//!
//! The module is a single thread with a single context that lives as long as the memory itself, so a
//! value needs no lifetime: the context pointer is one static, written by [`start`] before any other call.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::string::String;
use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::ManuallyDrop;
use core::ptr::null_mut;

use rquickjs_sys as sys;

use crate::single::Single;

mod bytes;
pub mod class;
pub mod classes;
pub mod free;
mod functions;
pub mod heap;
mod image;
pub mod inside;
mod integers;
pub mod modules;
mod places;
mod seal;
pub mod unicode;
mod value;

pub use bytes::Bytes;
pub use classes::Class;
pub(crate) use functions::functions;
pub use functions::{Arguments, Functions, Listed, Place};
pub use image::{eval_for_image, make_objects_last};
pub use integers::{Integers, throw_range};
pub use places::Places;
pub use seal::prove_layout;
pub use value::{Property, Template};

static CONTEXT: Single<Cell<*mut sys::JSContext>> = Single::new(Cell::new(null_mut()));

fn context() -> *mut sys::JSContext {
    CONTEXT.get()
}

fn runtime() -> *mut sys::JSRuntime {
    // SAFETY: `start` stored a live context before anything else in this file can run.
    unsafe { sys::JS_GetRuntime(context()) }
}

/// A JavaScript exception is pending in the context.
#[derive(Debug)]
pub struct Thrown;

/// What a native function or a JS call gives.
pub type Result<T> = core::result::Result<T, Thrown>;

/// The state of a promise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PromiseState {
    /// Nothing has happened yet.
    Pending,
    /// It has a value.
    Fulfilled,
    /// It has a reason.
    Rejected,
}

/// An owned JavaScript value.
#[repr(transparent)]
pub struct Value(sys::JSValue);

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference to the value.
        unsafe { sys::JS_FreeValue(context(), self.0) }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        // SAFETY: the handle keeps the value alive during the call.
        Value(unsafe { sys::JS_DupValue(context(), self.0) })
    }
}

fn checked(raw: sys::JSValue) -> Result<Value> {
    // SAFETY: reading a tag touches no memory.
    if unsafe { sys::JS_IsException(raw) } { Err(Thrown) } else { Ok(Value(raw)) }
}

fn checked_int(code: c_int) -> Result<bool> {
    if code < 0 { Err(Thrown) } else { Ok(code != 0) }
}

/// Text that QuickJS lent: UTF-8, but for lone surrogates.
pub struct Text {
    pointer: *const c_char,
    length: usize,
}

impl Text {
    /// The bytes with the NUL behind them.
    pub fn terminated(&self) -> &[u8] {
        // SAFETY: as `bytes`; QuickJS ends every text that it lends in NUL.
        unsafe { core::slice::from_raw_parts(self.pointer.cast(), self.length + 1) }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: QuickJS returned this pointer with this length, and it stays valid until `JS_FreeCString`.
        unsafe { core::slice::from_raw_parts(self.pointer.cast(), self.length) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `JS_ToCStringLen` and is freed once.
        unsafe { sys::JS_FreeCString(context(), self.pointer) }
    }
}

/// Text that QuickJS lent, with what is not UTF-8 replaced.
pub fn well_formed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // Half of a surrogate pair is three wrong bytes, which come one by one; the first stands for all three.
        if chunk.invalid().first().is_some_and(|first| *first >= 0xC0) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

/// A property name.
pub struct Atom(sys::JSAtom);

impl Drop for Atom {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference to the atom.
        unsafe { sys::JS_FreeAtom(context(), self.0) }
    }
}

impl Atom {
    /// The atom of these bytes; they may hold NUL.
    pub fn new(name: &[u8]) -> Result<Atom> {
        // SAFETY: pointer and length describe a live slice.
        let atom = unsafe { sys::JS_NewAtomLen(context(), name.as_ptr().cast(), name.len() as _) };
        if atom == sys::JS_ATOM_NULL as sys::JSAtom { Err(Thrown) } else { Ok(Atom(atom)) }
    }

    /// The atom that a value names as a key.
    pub fn of(value: &Value) -> Result<Atom> {
        // SAFETY: the handle keeps the value alive.
        let atom = unsafe { sys::JS_ValueToAtom(context(), value.0) };
        if atom == sys::JS_ATOM_NULL as sys::JSAtom { Err(Thrown) } else { Ok(Atom(atom)) }
    }
}

/// A promise and the two functions that settle it.
pub fn promise() -> Result<(Value, Value, Value)> {
    let mut functions = [sys::JS_UNDEFINED; 2];
    // SAFETY: the array has room for the two functions that the call hands over.
    let promise = checked(unsafe { sys::JS_NewPromiseCapability(context(), functions.as_mut_ptr()) })?;
    let [resolve, reject] = functions;
    Ok((promise, Value(resolve), Value(reject)))
}

/// An Error object with this message.
pub fn error(message: &[u8]) -> Result<Value> {
    // SAFETY: the format has no directive, so no argument is read.
    let error = checked(unsafe { sys::JS_NewPlainError(context(), c"".as_ptr()) })?;
    error.define(c"message", Value::string(message)?)?;
    Ok(error)
}

/// A TypeError object with this message.
pub fn type_error(message: &[u8]) -> Result<Value> {
    // SAFETY: the format has no directive, so no argument is read.
    let error = checked(unsafe { sys::JS_NewTypeError(context(), c"".as_ptr()) })?;
    error.define(c"message", Value::string(message)?)?;
    Ok(error)
}

/// Throws a value.
pub fn throw(value: Value) -> Thrown {
    let value = ManuallyDrop::new(value);
    // SAFETY: the call takes over the reference.
    unsafe { sys::JS_Throw(context(), value.0) };
    Thrown
}

/// Throws a TypeError. The message must hold no percent sign.
pub fn throw_type(message: &'static CStr) -> Thrown {
    // SAFETY: the messages of this crate hold no directive, so no argument is read.
    unsafe { sys::JS_ThrowTypeError(context(), message.as_ptr()) };
    Thrown
}

/// Throws the error of a heap that is full.
pub fn throw_out_of_memory() -> Thrown {
    heap::refuse();
    // SAFETY: the context is live.
    unsafe { sys::JS_ThrowOutOfMemory(context()) };
    Thrown
}

/// Throws an error that no `catch` and no `finally` sees: the host has said stop.
pub fn throw_stop() -> Thrown {
    // SAFETY: the format has no directive; the exception is taken out, marked, and put back.
    unsafe {
        sys::JS_ThrowInternalError(context(), c"interrupted".as_ptr());
        let exception = sys::JS_GetException(context());
        sys::JS_SetUncatchableError(context(), exception);
        sys::JS_Throw(context(), exception);
    }
    Thrown
}

/// Takes the pending exception out of the context.
pub fn take_exception(_: Thrown) -> Value {
    // SAFETY: the caller's `Thrown` says that one is pending; without one this gives uninitialised, which is harmless.
    Value(unsafe { sys::JS_GetException(context()) })
}

/// Drops an exception that nobody took. The engine takes a pending one for its own failure.
pub fn forget_exception() {
    // SAFETY: without a pending exception this gives a value that needs no freeing.
    drop(Value(unsafe { sys::JS_GetException(context()) }));
}

unsafe extern "C" {
    /// Questions of QuickJS's own library to the engine. The header lists them, the bindings leave it out.
    fn js_std_cmd(command: c_int, ...) -> usize;
}

/// Drops the stack trace of the last error, which the engine keeps until it compiles the next script.
pub fn forget_stack_trace() {
    const TAKE_STACK_TRACE: c_int = 2;
    let mut trace = sys::JS_UNDEFINED;
    // SAFETY: this command takes the context and a place for a value, which it hands over.
    unsafe { js_std_cmd(TAKE_STACK_TRACE, context(), &raw mut trace) };
    drop(Value(trace));
}

/// The value of a step that may have thrown; the exception is dropped.
pub fn present<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(thrown) => {
            drop(take_exception(thrown));
            None
        }
    }
}

/// Compiles a script that may await. Both texts must end in NUL, which is not part of them.
pub fn compile(name: &[u8], source: &[u8]) -> Result<Value> {
    let function = evaluate(name, source, sys::JS_EVAL_TYPE_GLOBAL | COMPILE_ASYNC)?;
    seal::seal_result(&function)?;
    Ok(function)
}

/// Evaluates a script in global scope. Both texts must end in NUL, which is not part of them.
pub fn eval(name: &[u8], source: &[u8], is_async: bool) -> Result<Value> {
    if is_async { eval_function(compile(name, source)?) } else { evaluate(name, source, sys::JS_EVAL_TYPE_GLOBAL) }
}

/// `tools/quickjs.patch`: the first line of the source is not the author's, and is counted as line 0.
const EXTRA_LINE: u32 = sys::JS_EVAL_FLAG_UNUSED;

/// Evaluates the source of a function that has an extra line in front. Both texts must end in NUL.
pub fn eval_body(name: &[u8], source: &[u8]) -> Result<Value> {
    evaluate(name, source, sys::JS_EVAL_TYPE_GLOBAL | EXTRA_LINE)
}

/// Compiles what [`eval_body`] evaluates.
pub fn compile_body(name: &[u8], source: &[u8]) -> Result<Value> {
    evaluate(name, source, sys::JS_EVAL_TYPE_GLOBAL | EXTRA_LINE | sys::JS_EVAL_FLAG_COMPILE_ONLY)
}

const COMPILE_ASYNC: u32 = sys::JS_EVAL_FLAG_COMPILE_ONLY | sys::JS_EVAL_FLAG_ASYNC;

fn evaluate(name: &[u8], source: &[u8], flags: u32) -> Result<Value> {
    let (Some((&0, _)), Some((&0, body))) = (name.split_last(), source.split_last()) else {
        return Err(throw_type(c"script is not terminated"));
    };
    // SAFETY: both slices end in NUL and live through the call.
    checked(unsafe {
        sys::JS_Eval(context(), body.as_ptr().cast(), body.len() as _, name.as_ptr().cast(), flags as c_int)
    })
}

/// Writes a compiled script; `sink` sees the bytes before they are freed.
pub fn write_bytecode<R>(function: &Value, sink: impl FnOnce(&[u8]) -> R) -> Result<R> {
    let mut length: sys::size_t = 0;
    // SAFETY: on success the call hands over a buffer of `length` bytes, which is freed once, below.
    unsafe {
        let pointer = sys::JS_WriteObject(context(), &raw mut length, function.0, sys::JS_WRITE_OBJ_BYTECODE as c_int);
        if pointer.is_null() {
            return Err(Thrown);
        }
        let out = sink(core::slice::from_raw_parts(pointer, length as usize));
        sys::js_free(context(), pointer.cast());
        Ok(out)
    }
}

/// Reads a compiled script. The bytes are the embedder's; forged ones can harm this instance only.
pub fn read_bytecode(bytes: &[u8]) -> Result<Value> {
    // SAFETY: pointer and length describe a live slice.
    checked(unsafe {
        sys::JS_ReadObject(context(), bytes.as_ptr(), bytes.len() as _, sys::JS_READ_OBJ_BYTECODE as c_int)
    })
}

/// Runs a compiled script.
pub fn eval_function(function: Value) -> Result<Value> {
    let function = ManuallyDrop::new(function);
    // SAFETY: the call takes over the reference.
    checked(unsafe { sys::JS_EvalFunction(context(), function.0) })
}

/// Whether a job waits.
pub fn is_job_pending() -> bool {
    // SAFETY: the runtime is live.
    unsafe { sys::JS_IsJobPending(runtime()) }
}

/// Runs one job; false when there is none.
pub fn run_job() -> Result<bool> {
    let mut of = null_mut();
    // SAFETY: `of` outlives the call.
    checked_int(unsafe { sys::JS_ExecutePendingJob(runtime(), &raw mut of) })
}

/// Sets the stack limit; the smallest one makes every call of script code overflow at once.
pub fn set_stack_bytes(bytes: u32) {
    // SAFETY: the runtime is live. The stack top is taken here, a few frames under the export.
    unsafe {
        sys::JS_UpdateStackTop(runtime());
        sys::JS_SetMaxStackSize(runtime(), bytes as _);
    }
}

unsafe extern "C" {
    /// A function of `tools/quickjs.patch`.
    fn js_begin_session();
}

/// From here on a script may declare names again that an earlier one has declared.
pub fn begin_session() {
    // SAFETY: the function sets a switch of the engine.
    unsafe { js_begin_session() }
}

/// Collects garbage.
pub fn collect() {
    // SAFETY: the runtime is live and no finalizer runs script code.
    unsafe { sys::JS_RunGC(runtime()) }
}

/// What QuickJS calls back for.
pub trait Hooks {
    /// Called every so often while script runs; true unwinds it.
    fn poll() -> bool;
    /// A promise was rejected without a handler, or got one late.
    fn rejection(promise: Value, handled: bool);
    /// A script calls the native function that has these numbers.
    fn call(place: Place, arguments: &Arguments<'_>) -> Result<Value>;
    /// An object of a native class is freed. Drops its payload.
    fn free(payload: class::Freed);
}

unsafe extern "C" fn on_poll<H: Hooks>(_: *mut sys::JSRuntime, _: *mut c_void) -> c_int {
    c_int::from(H::poll())
}

unsafe extern "C" fn on_rejection<H: Hooks>(
    _: *mut sys::JSContext,
    promise: sys::JSValue,
    _: sys::JSValue,
    handled: bool,
    _: *mut c_void,
) {
    // SAFETY: the engine keeps the promise alive during the call; the handle takes a reference of its own.
    H::rejection(Value(unsafe { sys::JS_DupValue(context(), promise) }), handled);
}

/// Makes the runtime and its context. Runs once, under Wizer.
pub fn start<H: Hooks>() {
    let functions = sys::JSMallocFunctions {
        js_calloc: Some(heap::calloc),
        js_malloc: Some(heap::malloc),
        js_free: Some(heap::free),
        js_realloc: Some(heap::realloc),
        js_malloc_usable_size: Some(heap::usable_size),
    };
    functions::call_with::<H>();
    // SAFETY: the functions follow the allocator contract of C; runtime and context are never freed.
    unsafe {
        let runtime = sys::JS_NewRuntime2(&raw const functions, null_mut());
        let context = sys::JS_NewContextRaw(runtime);
        CONTEXT.set(context);
        class::start::<H>(runtime);
        for add in [
            sys::JS_AddIntrinsicBaseObjects,
            sys::JS_AddIntrinsicDate,
            sys::JS_AddIntrinsicEval,
            sys::JS_AddIntrinsicRegExp,
            sys::JS_AddIntrinsicJSON,
            sys::JS_AddIntrinsicProxy,
            sys::JS_AddIntrinsicMapSet,
            sys::JS_AddIntrinsicTypedArrays,
            sys::JS_AddIntrinsicPromise,
            sys::JS_AddIntrinsicBigInt,
            sys::JS_AddIntrinsicWeakRef,
        ] {
            assert!(add(context) >= 0, "the image cannot be built");
        }
        sys::JS_SetInterruptHandler(runtime, Some(on_poll::<H>), null_mut());
        sys::JS_SetHostPromiseRejectionTracker(runtime, Some(on_rejection::<H>), null_mut());
    }
}
