//! See `provost_testkit::fuzz::xmlrpc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::xmlrpc(data));
