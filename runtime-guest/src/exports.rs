//! What the host calls: the exports of the module, but for the figures of `qjs/heap.rs`.
//!
//! It turns numbers into an operation. It must never know what an operation does.
#![allow(unsafe_code, reason = "ARCHITECTURE.md lists this file")]

use belljar_abi::{Op, Status};

use crate::{abi, operations};

unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// The version that this guest speaks.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is the export's")]
pub static belljar_abi: u32 = belljar_abi::VERSION;

/// Runs once under Wizer. Calling the constructors here keeps the linker from wrapping every export in a call of them.
#[unsafe(no_mangle)]
pub extern "C" fn belljar_init() {
    // SAFETY: the linker defines this function and nothing has called it before.
    unsafe { __wasm_call_ctors() };
    operations::start();
    abi::go_live();
}

/// The only export that does anything in a finished image.
#[unsafe(no_mangle)]
pub extern "C" fn call(op: u32, flags: u32, split: u32, length: u32) -> u32 {
    abi::begin();
    let Some(op) = Op::from_wire(op) else {
        return Status::Unsupported as u32;
    };
    operations::call(op, flags, split as usize, length as usize) as u32
}
