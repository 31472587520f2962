//! The file in which a listener pool keeps events that its buffer cannot hold.
//!
//! ```text
//! 0   8 bytes   "PRVSPOOL"
//! 8   u32       version, 1
//! 12  u32       unused, 0
//! 16  24 bytes  mark
//! 40  24 bytes  mark
//! 64            records
//! ```
//!
//! A mark is a generation (u64), the place of the first record that is not done (u64), their checksum (u32) and four
//! unused bytes. Of the two the sound one of the higher generation counts, so that a mark torn by a crash costs nothing
//! but itself. A record is the length of its body (u32), the body's checksum (u32) and the body, see [`body`]. Numbers
//! are little-endian; checksums are CRC-32.
//!
//! This module turns bytes into events and back. It refuses to know files, and what is to be done about damage.

mod body;

use crate::checksum::crc32;
use provost_model::{Envelope, Event};
use std::sync::Arc;

/// Bytes before the first record.
pub const HEADER_BYTES: usize = 64;

/// The place of the first record.
pub const FIRST_RECORD: u64 = 64;

/// The longest body of a record: more than any buffer for captured output is given, and little enough that a damaged
/// length does not take the memory.
pub const BODY_BYTES_MAX: usize = 256 << 20;

/// Bytes before the body of a record.
pub const FRAME_BYTES: usize = 8;

const MAGIC: &[u8; 8] = b"PRVSPOOL";
const VERSION: u32 = 1;
const MARK_BYTES: usize = 24;
const MARKS_AT: usize = 16;

/// Up to where records are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Grows with each mark.
    pub generation: u64,
    /// The place of the first record that is not done.
    pub place: u64,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderProblem {
    /// It is too short, or does not begin as it must.
    NotASpool,
    /// It was written by a version that is not known.
    Version(u32),
    /// Neither mark is sound.
    NoMark,
}

impl std::fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotASpool => f.write_str("it is no event spool"),
            Self::Version(version) => write!(f, "its format has version {version}, not {VERSION}"),
            Self::NoMark => f.write_str("the marks in its header are damaged"),
        }
    }
}

/// The header of a new file.
pub fn header() -> [u8; HEADER_BYTES] {
    let mut out = [0; HEADER_BYTES];
    let mark = Mark {
        generation: 1,
        place: FIRST_RECORD,
    };
    let (_, slot) = mark_bytes(mark);
    let version = VERSION.to_le_bytes();
    let parts: [&[u8]; 4] = [MAGIC, &version, &[0; 4], &[0; MARK_BYTES]];
    let bytes = parts.into_iter().flatten().chain(&slot);
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

/// The mark of a header.
pub fn read_header(bytes: &[u8]) -> Result<Mark, HeaderProblem> {
    let mut reader = body::Reader::new(bytes);
    if reader.take(MAGIC.len()) != Some(&MAGIC[..]) || bytes.len() < HEADER_BYTES {
        return Err(HeaderProblem::NotASpool);
    }
    let version = reader.u32().ok_or(HeaderProblem::NotASpool)?;
    if version != VERSION {
        return Err(HeaderProblem::Version(version));
    }
    let slot = |number: usize| {
        let from = MARKS_AT + number * MARK_BYTES;
        read_mark(bytes.get(from..from + MARK_BYTES)?)
    };
    let marks = [slot(0), slot(1)].into_iter().flatten();
    marks
        .max_by_key(|mark| mark.generation)
        .ok_or(HeaderProblem::NoMark)
}

fn read_mark(bytes: &[u8]) -> Option<Mark> {
    let (numbers, rest) = bytes.split_at_checked(16)?;
    let mut reader = body::Reader::new(bytes);
    let (generation, place) = (reader.u64()?, reader.u64()?);
    let sound = body::Reader::new(rest).u32()? == crc32(numbers) && place >= FIRST_RECORD;
    sound.then_some(Mark { generation, place })
}

/// Where a mark is to be written, and its bytes: generations take the two places in turn.
pub fn mark_bytes(mark: Mark) -> (u64, [u8; MARK_BYTES]) {
    let mut out = [0; MARK_BYTES];
    let mut numbers = [0_u8; 16];
    let both = mark
        .generation
        .to_le_bytes()
        .into_iter()
        .chain(mark.place.to_le_bytes());
    for (to, from) in numbers.iter_mut().zip(both) {
        *to = from;
    }
    let bytes = numbers.into_iter().chain(crc32(&numbers).to_le_bytes());
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    let slot = (MARKS_AT + usize::from(mark.generation % 2 == 1) * MARK_BYTES) as u64;
    (slot, out)
}

/// Appends the record of an event. Tells false, and appends nothing, if the event is larger than a record may be.
pub fn encode(envelope: &Envelope, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.extend([0; FRAME_BYTES]);
    body::write(envelope, out);
    let written = out.get(start + FRAME_BYTES..).unwrap_or_default();
    let (length, sum) = (written.len(), crc32(written));
    let length = match u32::try_from(length) {
        Ok(number) if length <= BODY_BYTES_MAX => number,
        _ => {
            out.truncate(start);
            return false;
        }
    };
    let frame = length.to_le_bytes().into_iter().chain(sum.to_le_bytes());
    for (to, from) in out.iter_mut().skip(start).zip(frame) {
        *to = from;
    }
    true
}

/// What stands at the place of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An event.
    Whole {
        /// Serial, number in the pool and event; the pool's name is its configuration's business.
        event: (u64, u64, Arc<Event>),
        /// Bytes of the record.
        length: usize,
    },
    /// The beginning of a record; so many bytes are needed to go on, as far as can be seen.
    Partial {
        /// Bytes from the beginning of the record.
        needed: usize,
    },
    /// No record: the length or the checksum is wrong, or the body makes no sense.
    Damaged {
        /// Bytes that the record claims to have.
        length: usize,
    },
}

/// The record at the beginning of `bytes`.
pub fn decode(bytes: &[u8]) -> Record {
    let mut reader = body::Reader::new(bytes);
    let (Some(length), Some(sum)) = (reader.u32(), reader.u32()) else {
        return Record::Partial {
            needed: FRAME_BYTES,
        };
    };
    let length = length as usize;
    let whole = length.saturating_add(FRAME_BYTES);
    if length == 0 || length > BODY_BYTES_MAX {
        return Record::Damaged { length: whole };
    }
    let Some(found) = reader.take(length) else {
        return Record::Partial { needed: whole };
    };
    let event = Some(found).filter(|found| crc32(found) == sum);
    match event.and_then(body::read) {
        Some(event) => Record::Whole {
            event,
            length: whole,
        },
        None => Record::Damaged { length: whole },
    }
}

#[cfg(test)]
mod tests;
