//! The library as its users see it: one binary, one module per theme.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop there")]

mod cancel;
mod concurrency;
mod console;
mod determinism;
mod dispatch;
mod errors;
mod faults;
mod forgery;
mod freeze;
mod fuel;
#[cfg(feature = "compiler")]
mod guest;
mod input;
mod js;
mod limits;
mod pool;
mod prelude;
mod program;
mod recording;
mod rejections;
mod rpc;
mod runaway;
mod snapshot;
mod support;
mod tamper;
mod tidy;
mod values;
