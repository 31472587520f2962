//! See `provost_outside::terminal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_outside::terminal(data));
