//! The settings for compiling guest code. They must be equal where code is compiled and where it runs.
//!
//! `build.rs` includes this file, so it must not use any other part of the crate, and must never know what an
//! instance costs.

use wasmtime::{Config, WasmFeatures};

/// The wasmtime that compiles the native code. wasmtime checks its version again when the code is loaded.
#[allow(dead_code, reason = "the library has it from `build.rs`")]
pub(crate) const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// The export under which the host finds the meter's counter.
pub(crate) const FUEL_EXPORT: &str = "belljar_fuel";

/// Address space reserved for each linear memory. The reservation covers every 32-bit address, so generated code
/// needs no bounds checks: an access outside of memory faults.
pub(crate) const RESERVATION_BYTES: u64 = 4 << 30;
pub(crate) const GUARD_BYTES: u64 = 32 << 20;

/// Native stack for guest code; beyond it wasm traps. QuickJS's own stack check, whose error a script can catch,
/// measures the C stack inside linear memory. Built-ins need up to eight times as much native stack as C stack, so
/// this has room for the largest `stack_bytes`. Some parsers recurse without using the C stack; the trap stops those.
const WASM_STACK_BYTES: usize = 8 << 20;
/// Additional native stack for the host functions that guest code calls.
const HOST_STACK_BYTES: usize = 256 << 10;
/// The size of a stack for both.
pub(crate) const STACK_BYTES: usize = WASM_STACK_BYTES + HOST_STACK_BYTES;

/// Applies the settings that affect generated code.
pub(crate) fn shape(config: &mut Config) {
    config
        .wasm_branch_hinting(true)
        .memory_reservation(RESERVATION_BYTES)
        .memory_guard_size(GUARD_BYTES)
        .memory_may_move(false)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(STACK_BYTES)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    // Features that the guest does not use are off, so that bugs in them cannot affect us.
    config.wasm_features(WasmFeatures::all(), false);
    config.wasm_features(
        WasmFeatures::MUTABLE_GLOBAL
            | WasmFeatures::SATURATING_FLOAT_TO_INT
            | WasmFeatures::SIGN_EXTENSION
            | WasmFeatures::BULK_MEMORY
            | WasmFeatures::FLOATS,
        true,
    );
}
