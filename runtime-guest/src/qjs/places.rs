//! Where a script made a call, kept so that an error of the call can have a stack.
//!
//! It owns the functions of `tools/quickjs.patch` that record such places and make a stack from them. It must never
//! know what was called.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this folder")]

use rquickjs_sys as sys;

use super::{Value, context};

/// How many frames are kept. The patch has the same number.
const FRAMES: usize = 4;

/// The innermost frames of the script: for each its function, which is kept alive, and its program counter.
#[repr(transparent)]
pub struct Places([[u32; 2]; FRAMES]);

unsafe extern "C" {
    fn js_take_places(context: *mut sys::JSContext, places: *mut Places);
    fn js_drop_places(context: *mut sys::JSContext, places: *mut Places);
    fn js_put_stack(context: *mut sys::JSContext, error: sys::JSValue, places: *const Places, resolve: sys::JSValue);
}

impl Places {
    /// Where the script called the native function that runs now.
    pub fn here() -> Places {
        let mut places = Places([[0; 2]; FRAMES]);
        // SAFETY: the engine writes as many frames as the array has; what it refers to is let go of in `drop`.
        unsafe { js_take_places(context(), &raw mut places) };
        places
    }

    /// Gives an error the stack of these places and, behind them, of the functions that await the promise of `resolve`.
    pub fn put_stack(&self, error: &Value, resolve: &Value) {
        // SAFETY: the handles keep the values alive, and the places their functions.
        unsafe { js_put_stack(context(), error.0, &raw const *self, resolve.0) };
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        // SAFETY: the engine lets go of each function once and forgets it.
        unsafe { js_drop_places(context(), &raw mut *self) };
    }
}
