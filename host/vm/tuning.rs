//! How guest code is compiled: the settings that must be equal where it is made and where it runs.
//!
//! `build.rs` includes this file, so it must never know anything of the crate, nor what an instance costs.

use wasmtime::{Config, OperatorCost, WasmFeatures};

/// Part of the identity of an image. The wasmtime that compiled the native code; its version is checked again when the code is loaded.
#[allow(dead_code, reason = "the library needs it only to compile images by itself")]
pub(crate) const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// Address space behind every linear memory. With all of a 32-bit address in reach of the mapping, the compiler
/// leaves bounds checks to the memory management unit.
const RESERVATION_BYTES: u64 = 4 << 30;
const GUARD_BYTES: u64 = 32 << 20;

/// Native stack that guest code may use; beyond it wasm traps. QuickJS's own check, which script can catch, looks at the
/// C stack inside linear memory, and built-ins need up to eight times as much here as there; so there is room for the
/// largest `stack_bytes`. Some parsers recurse without the C stack and are stopped by the trap.
const WASM_STACK_BYTES: usize = 8 << 20;
/// Native stack on top of that for the host functions that guest code calls.
const HOST_STACK_BYTES: usize = 256 << 10;

/// Settings that decide what code looks like.
pub(crate) fn shape(config: &mut Config) {
    config
        .consume_fuel(true)
        .operator_cost(costs())
        .memory_reservation(RESERVATION_BYTES)
        .memory_guard_size(GUARD_BYTES)
        .memory_may_move(false)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(WASM_STACK_BYTES + HOST_STACK_BYTES)
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

/// What a branch and a call cost in fuel; everything else is free. A path between two of them is never longer than a function
/// body, so the time between two looks at the meter stays bounded, and the interpreter's inner loop, where most time goes,
/// keeps its counter for one addition per branch instead of one per block. Bulk operations are charged by the byte.
const BRANCH_COST: u8 = 4;
const CALL_COST: u8 = 6;

/// The engine's table with one entry per operator has no zero to start from, so it is made through its serialised form.
fn costs() -> OperatorCost {
    let mut table = serde_json::to_value(OperatorCost::new()).unwrap_or_default();
    for (operator, cost) in table.as_object_mut().into_iter().flatten() {
        match operator.as_str() {
            "variable" => {}
            "Br" | "BrIf" | "BrTable" => *cost = BRANCH_COST.into(),
            "Call" | "CallIndirect" => *cost = CALL_COST.into(),
            _ => *cost = 0.into(),
        }
    }
    serde_json::from_value(table).unwrap_or_default()
}
