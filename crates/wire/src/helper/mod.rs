//! What is spoken with a helper, a process that serves a namespace of XML-RPC methods: frames over its standard input
//! and output, a header line and a body of JSON each. `docs/helpers.md` has the protocol for those who write helpers.

mod frame;
mod hello;
mod json;

pub use frame::{
    BODY_BYTES_MAX, Frame, FrameError, FrameKind, FrameReader, HEADER_BYTES_MAX, call,
};
pub use hello::{HELLO_BYTES_MAX, METHODS_MAX, read_hello};
pub use json::{ANSWER_VALUES_MAX, AnswerError, call_body, read_fault, read_result, write_value};

use provost_model::helper::{HelperAnswerKind, HelperWord};

/// What a frame says.
pub fn word(frame: Frame) -> HelperWord {
    match frame.kind {
        FrameKind::Hello => match read_hello(&frame.body) {
            Ok(methods) => HelperWord::Hello(methods),
            Err(why) => HelperWord::Nonsense(format!("its hello cannot be used: {why}")),
        },
        FrameKind::Result => HelperWord::Answer {
            call: frame.id,
            kind: HelperAnswerKind::Result,
            body: frame.body,
        },
        FrameKind::Fault => HelperWord::Answer {
            call: frame.id,
            kind: HelperAnswerKind::Fault,
            body: frame.body,
        },
    }
}
