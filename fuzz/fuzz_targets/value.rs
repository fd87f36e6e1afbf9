//! See `belljar_fuzz::value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| belljar_fuzz::value(data));
