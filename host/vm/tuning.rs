//! How guest code is compiled: the settings that must be equal where it is made and where it runs.
//!
//! `build.rs` includes this file, so it must never know anything of the crate, nor what an instance costs.

use wasmtime::{Config, WasmFeatures};

/// The wasmtime that compiles the native code; its version is checked again when the code is loaded.
#[allow(dead_code, reason = "the library has it from `build.rs`")]
pub(crate) const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// The export under which the host finds the meter's counter.
pub(crate) const FUEL_EXPORT: &str = "belljar_fuel";

/// Address space behind every linear memory. With all of a 32-bit address in reach of the mapping, the compiler
/// leaves bounds checks to the memory management unit.
pub(crate) const RESERVATION_BYTES: u64 = 4 << 30;
pub(crate) const GUARD_BYTES: u64 = 32 << 20;

/// Native stack that guest code may use; beyond it wasm traps. QuickJS's own check, which script can catch, looks at
/// the C stack inside linear memory, and built-ins need up to eight times as much here as there; so there is room for
/// the largest `stack_bytes`. Some parsers recurse without the C stack and are stopped by the trap.
const WASM_STACK_BYTES: usize = 8 << 20;
/// Native stack on top of that for the host functions that guest code calls.
const HOST_STACK_BYTES: usize = 256 << 10;
/// The two together.
pub(crate) const STACK_BYTES: usize = WASM_STACK_BYTES + HOST_STACK_BYTES;

/// Settings that decide what code looks like.
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
    // Everything that the guest does not use is off, so that a bug in it is not ours.
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
