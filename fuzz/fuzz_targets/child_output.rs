//! See `provost_testkit::fuzz::child_output`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::child_output(data));
