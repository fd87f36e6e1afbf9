//! See `belljar_fuzz::typescript`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| belljar_fuzz::typescript(data));
