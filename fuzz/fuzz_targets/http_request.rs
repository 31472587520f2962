//! See `provost_outside::http_request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_outside::http_request(data));
