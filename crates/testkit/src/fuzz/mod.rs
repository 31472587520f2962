//! What must hold for any bytes that come from outside: the bodies of the targets in `fuzz/`, and of the tests that need no
//! fuzzer.
//!
//! Each function panics when something does not hold. Targets of rooms that this one may not use are in `tests/outside`.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fuzzer is told of what it found by a panic, everywhere"
)]

mod config;
mod helpers;
mod listeners;
mod output;
mod records;
pub mod replay;
mod words;
mod xmlrpc;

pub use config::{CONF, OneFile, check, config_file};
pub use helpers::helper_frames;
pub use listeners::listener_protocol;
pub use output::child_output;
pub use records::{records, saved_state, spool_records};
pub use words::words;
pub use xmlrpc::xmlrpc;

/// Bytes at the beginning of an input that say how the others are cut into pieces.
const CUTS: usize = 8;

/// What an input says about cutting and the rest of it: the rest in one piece, and in pieces as long as its first eight
/// bytes say, again and again.
pub fn parts(data: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (lengths, whole) = data.split_at_checked(CUTS).unwrap_or((&[], data));
    let mut lengths = lengths.iter().cycle();
    let (mut pieces, mut text) = (Vec::new(), whole);
    while !text.is_empty() {
        let length = lengths
            .next()
            .map_or(1, |length| usize::from(*length).max(1));
        let (piece, rest) = text.split_at(length.min(text.len()));
        pieces.push(piece);
        text = rest;
    }
    (whole, pieces)
}

/// A machine after it was written down and read again, as an upgrade does with it.
///
/// Each machine that is carried must go on as if nothing had been.
pub fn carried<T: serde::Serialize + serde::de::DeserializeOwned>(machine: &T) -> T {
    let text = serde_json::to_string(machine).expect("it can be written down");
    serde_json::from_str(&text).expect("what was written down can be read")
}
