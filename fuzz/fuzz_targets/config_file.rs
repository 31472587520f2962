//! See `provost_testkit::fuzz::config_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::config_file(data));
