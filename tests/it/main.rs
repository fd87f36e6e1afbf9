//! The library as its users see it: one binary, one module per theme.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop there")]

mod tidy;
