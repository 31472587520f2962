//! See `provost_outside::packed_state`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| provost_outside::packed_state(data));
