//! See `provost_testkit::fuzz::records`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::records(data));
