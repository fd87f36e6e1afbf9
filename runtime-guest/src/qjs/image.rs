//! Scripts and objects of the image, which are there before any script of the embedder. It must never know which.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use alloc::vec::Vec;

use rquickjs_sys as sys;

use super::{Result, Thrown, Value, context, eval_function, evaluate, read_bytecode, runtime};

unsafe extern "C" {
    /// A function of `tools/quickjs.patch`.
    fn js_make_objects_last(runtime: *mut sys::JSRuntime);
}

/// Evaluates a script while the image is built. The text must end in NUL, which is not part of it.
///
/// Its functions have neither text nor lines, and stack traces show them as native ones.
pub fn eval_for_image(source: &[u8]) -> Result<Value> {
    let flags = sys::JS_EVAL_FLAG_COMPILE_ONLY | sys::JS_EVAL_FLAG_BACKTRACE_BARRIER;
    let function = evaluate(b"<image>\0", source, flags)?;
    let flags = sys::JS_WRITE_OBJ_BYTECODE | sys::JS_WRITE_OBJ_STRIP_SOURCE | sys::JS_WRITE_OBJ_STRIP_DEBUG;
    let mut length: sys::size_t = 0;
    // SAFETY: on success the call hands over a buffer of `length` bytes, which is freed once, below.
    let bytecode = unsafe {
        let pointer = sys::JS_WriteObject(context(), &raw mut length, function.0, flags as _);
        if pointer.is_null() {
            return Err(Thrown);
        }
        let bytes = Vec::from(core::slice::from_raw_parts(pointer, length as usize));
        sys::js_free(context(), pointer.cast());
        bytes
    };
    eval_function(read_bytecode(&bytecode)?)
}

/// Keeps the collector away from all objects that there are: they are never garbage.
pub fn make_objects_last() {
    // SAFETY: the runtime is live.
    unsafe { js_make_objects_last(runtime()) }
}
