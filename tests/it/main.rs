//! What an embedder can rely on, one module per theme.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test has nobody to hand an error to")]

mod cancel;
mod concurrency;
mod limits;
mod pool;
mod runaway;
mod support;
