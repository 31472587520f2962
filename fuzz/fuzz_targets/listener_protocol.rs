//! See `provost_testkit::fuzz::listener_protocol`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::listener_protocol(data));
