//! Descriptors that clients leave alone: children, rotations and one operator need some at any time.
//!
//! The system gives out the lowest free number. So whatever has one of the last numbers says that there are no others, and
//! a client that got one takes from what is kept.

use super::stream::Socket;
use provost_os::limits::{self, Resource};
use std::cell::Cell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

/// Descriptors in reserve. A spawn needs up to eleven for a moment, a rotation two, an operator one; and some are in use by
/// those that are just being turned away, two of each server and two of those who read logs.
const RESERVE: u64 = 24;

/// Where there are hardly any, most are for clients all the same.
const SHARE: u64 = 4;

/// `EMFILE`: this process may have no more descriptors.
const TOO_MANY: i32 = 24;

/// Whether this is one of the last descriptors that the process may have.
pub(super) fn is_reserved(descriptor: &impl AsRawFd) -> bool {
    let (soft, _) = limits::get(Resource::Files);
    soft.is_some_and(|soft| is_among_last(descriptor.as_raw_fd(), soft))
}

fn is_among_last(number: RawFd, limit: u64) -> bool {
    let number = u64::try_from(number).unwrap_or(0);
    number >= limit.saturating_sub(RESERVE.min(limit / SHARE))
}

/// The same socket under the lowest number that is free, so that the last ones are free again.
pub(super) fn lower(socket: Socket) -> io::Result<Socket> {
    let address = socket.socket_address();
    let descriptor = socket.into_descriptor()?;
    let lower = descriptor
        .try_clone()
        .ok()
        .filter(|lower| lower.as_raw_fd() < descriptor.as_raw_fd());
    Socket::carried(lower.unwrap_or(descriptor), address, false)
}

/// What the log says.
pub(super) fn exhausted() -> io::Error {
    io::Error::from_raw_os_error(TOO_MANY)
}

/// The place among the last descriptors that one operator may have.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    is_taken: Rc<Cell<bool>>,
}

/// That place, given back when dropped.
#[derive(Debug)]
pub(super) struct Reserved(Rc<Cell<bool>>);

impl Reserve {
    /// Lets a client in that is an operator by its process, if no other is there. Who comes over TCP has proved nothing yet.
    pub(super) fn admit(&self, socket: &Socket) -> Option<Reserved> {
        let process = socket.process()?;
        if !process.is_operator() || self.is_taken.replace(true) {
            return None;
        }
        Some(Reserved(Rc::clone(&self.is_taken)))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f13_the_last_numbers_are_kept() {
        for (number, limit, expected) in [
            (999, 1024, false),
            (1000, 1024, true),
            (29, 40, false),
            (30, 40, true),
            (1023, 1024, true),
            // The limit was lowered after it was opened.
            (2000, 1024, true),
            (7, 10, false),
            (8, 10, true),
        ] {
            assert_eq!(
                is_among_last(number, limit),
                expected,
                "{number} of {limit}"
            );
        }
    }

    #[tokio::test]
    async fn f13_one_operator_has_a_place_at_a_time() {
        let reserve = Reserve::default();
        let (ours, _theirs) = tokio::net::UnixStream::pair().unwrap();
        let socket = Socket::Unix(ours);
        let first = reserve.admit(&socket);
        assert!(first.is_some());
        assert!(reserve.admit(&socket).is_none());
        drop(first);
        assert!(reserve.admit(&socket).is_some());
        assert!(reserve.admit(&Socket::Nobody).is_none());
    }
}
