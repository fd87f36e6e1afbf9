//! The integration tests of the library: one binary, one module per theme.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop there")]
#![allow(clippy::print_stdout, reason = "what a test measured is shown by --nocapture")]

#[cfg(feature = "native")]
mod atomics;
mod bombs;
mod cancel;
mod compose;
mod concurrency;
mod console;
mod crossing;
mod delivery;
mod depth;
mod determinism;
#[cfg(feature = "native")]
mod differential;
mod dispatch;
mod draining;
mod errors;
mod faults;
mod figures;
mod forgery;
#[cfg(target_os = "linux")]
mod forked;
mod format;
mod frames;
mod freed;
mod freeze;
mod fuel;
mod golden;
#[cfg(feature = "compiler")]
mod guest;
mod handlers;
mod held;
mod hints;
#[cfg(feature = "compiler")]
mod hostile_guests;
mod input;
mod inspect;
mod js;
mod json;
mod layers;
mod libraries;
mod limits;
mod machine;
mod modules;
#[cfg(feature = "native")]
mod native;
mod nested;
#[cfg(target_os = "linux")]
mod pages;
mod pool;
mod prelude;
#[cfg(target_os = "linux")]
mod process;
mod program;
#[cfg(feature = "native")]
mod quickjs_suite;
mod recording;
mod rejections;
mod residue;
mod rpc;
mod runaway;
mod session;
mod snapshot;
mod soak;
mod stability;
mod support;
mod tamper;
mod text_coding;
mod tidy;
mod values;
mod web;
