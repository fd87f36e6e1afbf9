//! The command, started as a process for every test. One binary, a module for each theme.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs, reason = "what cannot be started is a failed test")]

mod advice;
mod command;
mod dropped;
mod given;
mod input;
mod lines;
mod machine;
mod modules;
mod pausing;
mod print;
mod protocol;
mod repl;
mod scarce;
mod secrets;
mod support;
mod terminal;
mod typescript;
mod written;
