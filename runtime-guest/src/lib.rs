//! The guest: QuickJS, the `host` and `console` objects and the bridge to the embedder, as one wasm module.
//!
//! Reading order: [`abi`] is the door (exports, imports, the vitals), [`qjs`] the safe face of QuickJS;
//! [`eval`], [`dispatch`], [`bytecode`] start a call, [`settle`] ends it, [`bridge`] carries RPC,
//! [`console`] and [`report`] turn values into text with [`natives`], [`intrinsics`] replaces what a snapshot must not freeze,
//! [`atomics`] adds what the engine was built without.
//!
//! `unsafe` lives in `abi.rs` and `qjs.rs` only. The host trusts nothing that happens here.
#![deny(unsafe_code)]

mod abi;
mod atomics;
mod bridge;
mod bytecode;
mod console;
mod dispatch;
mod eval;
mod intrinsics;
mod json;
mod natives;
mod qjs;
mod report;
mod settle;
mod state;
