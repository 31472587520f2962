//! Pipes that hold more than they do by themselves: those of programs that write a lot.

use provost_os::pipe;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A pipe in which so much is found, in spite of short pauses or none, is that of a program that writes a lot.
const MUCH: usize = 16 << 10;

/// So often, more often than less was found.
const OFTEN: u8 = 32;

/// Wide pipes at most, in all threads: the system lets a user have 64 MiB of pipes, and has those above hold next to nothing.
const WIDE_MAX: usize = 32;

static WIDE_PIPES: AtomicUsize = AtomicUsize::new(0);

/// One more than so many, if there may be.
fn one_more(count: usize) -> Option<usize> {
    (count < WIDE_MAX).then_some(count + 1)
}

/// One of the wide pipes that there may be. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit(());

impl Permit {
    fn take() -> Option<Self> {
        let order = Ordering::Relaxed;
        let taken = WIDE_PIPES.fetch_update(order, order, one_more);
        taken.is_ok().then_some(Self(()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        WIDE_PIPES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much a pipe holds.
#[derive(Debug)]
pub(super) enum Width {
    /// What it does by itself; it was found with much in it so much more often than with less.
    Usual { much: u8 },
    /// More.
    Wide { _permit: Permit },
    /// It cannot be widened.
    Fixed,
}

impl Default for Width {
    fn default() -> Self {
        Self::Usual { much: 0 }
    }
}

impl Width {
    /// Has a pipe hold more, if it can be had.
    pub(super) fn widen(fd: BorrowedFd<'_>) -> Self {
        let permit = Permit::take();
        let permit = permit.filter(|_| pipe::widen(fd).is_ok());
        permit.map_or(Self::Fixed, |permit| Self::Wide { _permit: permit })
    }

    /// Whether it holds more than it does by itself.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self, Self::Wide { .. })
    }

    /// So many bytes were in it. Whether it is time to widen it.
    pub(super) fn found(&mut self, bytes: usize) -> bool {
        let Self::Usual { much } = self else {
            return false;
        };
        *much = if bytes >= MUCH {
            *much + 1
        } else {
            much.saturating_sub(1)
        };
        *much >= OFTEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_os::pipe::PIPE_BYTES;

    #[test]
    fn a_pipe_is_widened_once_when_much_is_in_it_most_times() {
        let mut width = Width::default();
        for _ in 1..OFTEN {
            assert!(!width.found(MUCH));
        }
        for _ in 1..OFTEN {
            assert!(!width.found(MUCH - 1));
            assert!(!width.found(PIPE_BYTES));
        }
        assert!(width.found(MUCH));
        width = Width::Fixed;
        assert!(!width.found(PIPE_BYTES));
    }

    #[test]
    fn there_are_no_more_wide_pipes_than_may_be() {
        let permits: Vec<_> = std::iter::from_fn(Permit::take).take(2).collect();
        assert!(WIDE_PIPES.load(Ordering::Relaxed) >= permits.len());
        assert_eq!(one_more(WIDE_MAX - 1), Some(WIDE_MAX));
        assert_eq!(one_more(WIDE_MAX), None);
        // There are thousands of pipes.
        assert_eq!(size_of::<Width>(), 2);
    }
}
