//! See `provost_testkit::fuzz::saved_state`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::saved_state(data));
