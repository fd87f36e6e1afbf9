//! The tests of the crate, from outside. What is left of a source runs in a jar.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

mod cases;
mod hostile;
mod packages;
mod refused;
