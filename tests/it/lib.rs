//! The tests of belljar are in `main.rs`; a package needs a library to have tests.
