//! What a child tells before its program runs.
//!
//! It goes over one end of a pair of sockets; in the other direction comes the word to go on.

use crate::pipe;
use provost_model::Errno;
use std::io;
use std::os::fd::BorrowedFd;

/// The step of a child that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Arranging descriptors and signals.
    Setup,
    /// Taking the user's rights.
    User,
    /// Changing into its directory.
    Directory,
    /// Executing the program.
    Exec,
    /// Giving up capabilities, and the way to more rights.
    Confine,
}

impl Stage {
    const ALL: [Self; 5] = [
        Self::Setup,
        Self::User,
        Self::Directory,
        Self::Exec,
        Self::Confine,
    ];
}

/// What is known about the start of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Nothing yet.
    Pending,
    /// The program runs, or the child was killed before it could say anything.
    Executed,
    /// The child failed and ends with 127.
    Failed {
        /// Where.
        stage: Stage,
        /// Why.
        errno: Errno,
    },
}

/// Bytes of a report: the stage, then the number of the error. Far below what a socket takes in one piece.
pub(super) const REPORT_BYTES: usize = 8;

/// A failure as it is sent.
pub(super) fn encode(stage: Stage, errno: i32) -> [u8; REPORT_BYTES] {
    let halves = (stage as u64) << 32 | u64::from(errno.cast_unsigned());
    halves.to_ne_bytes()
}

fn decode(bytes: [u8; REPORT_BYTES]) -> Option<(Stage, Errno)> {
    let halves = u64::from_ne_bytes(bytes);
    let stage = usize::try_from(halves >> 32).ok()?;
    let errno = u32::try_from(halves & u64::from(u32::MAX)).ok()?;
    Some((*Stage::ALL.get(stage)?, Errno(errno.cast_signed())))
}

/// Looks what the child has told through [`Spawned::report`](super::Spawned::report). Readable means that there is an answer.
pub fn read_report(report: BorrowedFd<'_>) -> Report {
    let mut bytes = [0; REPORT_BYTES];
    match pipe::read(report, &mut bytes) {
        Ok(REPORT_BYTES) => decode(bytes).map_or(Report::Executed, |(stage, errno)| {
            Report::Failed { stage, errno }
        }),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Report::Pending,
        Ok(_) | Err(_) => Report::Executed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for stage in Stage::ALL {
            assert_eq!(decode(encode(stage, 13)), Some((stage, Errno(13))));
        }
        assert_eq!(decode([0xff; REPORT_BYTES]), None);
    }
}
