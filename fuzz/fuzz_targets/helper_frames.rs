//! See `provost_testkit::fuzz::helper_frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_testkit::fuzz::helper_frames(data));
