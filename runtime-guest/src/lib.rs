//! The guest: QuickJS, the `host` and `console` objects and the bridge to the embedder, as one wasm module.
//!
//! Reading order: [`abi`] is the door (exports, imports, the vitals), [`qjs`] the safe face of QuickJS;
//! [`eval`], [`dispatch`], [`bytecode`] start a call, [`settle`] ends it, [`bridge`] carries RPC,
//! [`console`] and [`report`] turn values into text with [`natives`], [`intrinsics`] replaces what a snapshot must not freeze,
//! [`atomics`] adds what the engine was built without, [`functions`] lists all that scripts can call.
//!
//! There is no standard library: a panic is a trap, and what it would say is not in the module. `unsafe` lives in the files that
//! ARCHITECTURE.md names. The host trusts nothing that happens here.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

mod abi;
mod atomics;
mod bridge;
mod bytecode;
mod console;
mod dispatch;
mod eval;
mod functions;
mod intrinsics;
mod json;
mod natives;
mod qjs;
mod report;
mod settle;
mod single;
mod state;
