//! See `belljar_fuzz::eval`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| belljar_fuzz::eval(data));
