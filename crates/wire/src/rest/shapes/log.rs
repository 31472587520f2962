//! Pieces of logs, read or followed.

use crate::rest::schema::{Definitions, Schema, named, shapes};
use serde::Serialize;
use serde_json::Value;

shapes! {
    /// A piece of a log.
    LogPiece {
        /// The text. Bytes that are no UTF-8 are replaced, such as half a character at either end.
        text: String,
        /// Where the piece begins, in bytes from the beginning of the file.
        offset: u64,
        /// Where the next piece begins.
        next_offset: u64,
        /// Bytes in the file.
        size: u64,
    }

    /// What comes next in a log that is followed.
    LogText {
        /// Where it begins, in bytes from the beginning of the file.
        offset: u64,
        /// Where the next one begins.
        next_offset: u64,
        /// The text. Bytes that are no UTF-8 are replaced.
        text: String,
    }

    /// What is left out of a log that is followed.
    LogGap {
        /// Where it begins.
        from: u64,
        /// Where the log goes on.
        to: u64,
    }
}

/// A log begins anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogRestart {}

impl Schema for LogRestart {
    fn schema(definitions: &mut Definitions) -> Value {
        named(definitions, "LogRestart", &["A log begins anew."], |_| {
            Vec::new()
        })
    }
}
