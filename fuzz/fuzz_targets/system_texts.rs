//! See `provost_outside::system_texts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_outside::system_texts(data));
