//! The guest: QuickJS, the `host` and `console` objects and the bridge to the embedder, as one wasm module.
//!
//! Reading order: [`exports`] is what the host calls, [`operations`] leads to the module that does the work, and
//! [`abi`] is what the host gives. [`qjs`] is the safe face of QuickJS. [`eval`], [`dispatch`] and [`bytecode`] start a
//! call, [`settle`] ends it, [`bridge`] carries calls of handlers. [`modules`] loads what is imported. [`console`] and
//! [`report`] turn values into text with [`natives`]. [`wire`] turns values into bytes for the host, and
//! [`structured_clone`] copies them with it. [`intrinsics`] replaces what a snapshot must not freeze, [`atomics`] adds
//! what the engine was built without, [`text_coding`] and [`web`] have the classes of the web. [`functions`] lists the
//! modules whose functions
//! scripts can call.
//!
//! There is no standard library: a panic is a trap, and its message is not in the module. `unsafe` lives in the
//! files that ARCHITECTURE.md names. The host trusts nothing that happens here.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

mod abi;
mod atomics;
mod bridge;
mod bytecode;
mod call;
mod console;
mod dispatch;
mod eval;
mod exports;
mod functions;
mod intrinsics;
mod json;
mod modules;
mod natives;
mod operations;
mod pending;
mod qjs;
mod random;
mod report;
mod seen;
mod settle;
mod single;
mod structured_clone;
mod text_coding;
mod web;
mod wire;
