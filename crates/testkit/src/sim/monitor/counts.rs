//! The numbers of a pool.

/// What a client may be told of a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) waiting: u64,
    pub(super) has_spool: bool,
    /// Something happened in the same step, perhaps after the answer.
    pub(super) is_moving: bool,
    pub(super) finished: u64,
    pub(super) lost: u64,
}

impl Counts {
    /// Whether these numbers are right. With a spool not all that waits is in the buffer, and what an earlier life left
    /// counts among what was done.
    pub(super) fn fits(self, queued: u64, delivered: u64, dropped: u64) -> bool {
        let exact = queued == self.waiting && delivered == self.finished;
        self.is_moving || ((exact || self.has_spool) && dropped == self.lost)
    }
}
