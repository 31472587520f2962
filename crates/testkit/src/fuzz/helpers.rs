//! What helpers write: frames, and the JSON in them.

use super::{carried, parts};
use provost_wire::helper::{self, Frame, FrameError, FrameReader};

/// A helper writes `data`: in pieces it means the same as in one, an upgrade between two pieces changes nothing, and no
/// frame holds more than was written.
pub fn helper_frames(data: &[u8]) {
    let (said, pieces) = parts(data);
    let whole = FrameReader::default().feed(said);
    assert_eq!(told(&pieces), whole);
    let bodies: usize = whole.iter().flatten().map(|frame| frame.body.len()).sum();
    assert!(bodies <= said.len());
    let errors = whole.iter().filter(|frame| frame.is_err()).count();
    assert!(
        errors <= 1 && whole.iter().rev().skip(1).all(Result::is_ok),
        "something was told after an error"
    );
    for frame in whole.into_iter().flatten() {
        body(&frame.body);
        let _ = helper::word(frame);
    }
    body(said);
    let _ = helper::read_hello(said);
}

fn told(pieces: &[&[u8]]) -> Vec<Result<Frame, FrameError>> {
    let (mut reader, mut out) = (FrameReader::default(), Vec::new());
    for (number, piece) in pieces.iter().enumerate() {
        if number == pieces.len() / 2 {
            reader = carried(&reader);
        }
        out.extend(reader.feed(piece));
    }
    out
}

/// An answer is no larger than its text, and one that is a value stays the same when it is written and read again.
fn body(text: &[u8]) {
    if let Ok(value) = helper::read_result(text) {
        assert!(value.text_len() <= text.len());
        let written = helper::write_value(&value).to_string();
        let again = helper::read_result(written.as_bytes()).expect("what was written can be read");
        assert_eq!(helper::write_value(&again).to_string(), written);
    }
    if let Ok(fault) = helper::read_fault(text) {
        assert!(fault.text.len() <= text.len());
    }
}
