//! See `provost_outside::server_answer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_outside::server_answer(data));
