//! See `provost_testkit::fuzz::words`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::words(data));
