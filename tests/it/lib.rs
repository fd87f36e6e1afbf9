//! Empty: a package needs a library to have tests, and the tests are in `main.rs`.
