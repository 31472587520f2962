//! Numbers of events that no later life gives again, however this one ends.
//!
//! Before a number is used the disk has a larger one, with which the next life begins if this one does not end in order.
//! A new number goes there when half of the numbers up to the last one are used, so that the disk has time and no event
//! waits for it.
//!
//! One number stands for all pools: none of them has given more numbers than there were events, so that whoever begins
//! each pool with the number of the next event repeats nothing, whichever pools there were.

use super::bus::{SERIAL_MAX, Serials};
use serde::{Deserialize, Serialize};

/// Numbers that are set aside together: half of them last for a second of more events than listeners can take.
pub const SERIALS_BLOCK: u64 = 100_000;

/// What is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reserve {
    /// No number from here on may be used yet.
    until: u64,
    block: u64,
    /// The number that a pool begins with.
    first: u64,
    /// The same for a pool with a spool: events with smaller numbers may lie in its file.
    spooled: u64,
    /// Events of pools that have gone lie in files.
    is_left: bool,
}

impl Default for Reserve {
    fn default() -> Self {
        Self::from(0, SERIALS_BLOCK)
    }
}

impl Reserve {
    /// The first block, which is on disk already.
    pub(crate) fn from(first: u64, block: u64) -> Self {
        let first = first.min(SERIAL_MAX);
        Self {
            until: first.saturating_add(block),
            block,
            first,
            spooled: first,
            is_left: false,
        }
    }

    /// That of the life after an ordered end: pools begin anew, unless events of theirs wait in files.
    pub(crate) fn successor(self) -> Self {
        Self {
            first: 0,
            is_left: false,
            ..self
        }
    }

    /// Puts in place what an earlier version did not save.
    pub(crate) fn restore(&mut self, serials: Serials) {
        if self.until <= serials.peek() {
            self.until = self.after(serials);
        }
    }

    /// Tells the new end when there is to be one.
    pub(crate) fn renew(&mut self, serials: Serials) -> Option<u64> {
        let is_due = serials.peek().saturating_add(self.block / 2) >= self.until;
        is_due.then(|| {
            self.until = self.after(serials);
            self.until
        })
    }

    fn after(self, serials: Serials) -> u64 {
        serials.peek().saturating_add(self.block.max(1))
    }

    /// No number from here on is used before this has grown.
    pub(crate) fn until(self) -> u64 {
        self.until
    }

    /// The numbers of a pool that comes into service.
    pub(crate) fn for_pool(self, has_spool: bool) -> Serials {
        Serials::from(if has_spool { self.spooled } else { self.first })
    }

    /// A pool with a spool goes; `next` is its next number, `is_empty` tells that nothing of it is left on disk.
    pub(crate) fn pool_leaves(&mut self, next: u64, is_empty: bool) {
        self.spooled = self.spooled.max(next);
        self.is_left |= !is_empty;
    }

    /// Whether numbers must go on although this life ends in order: those of events that lie in files must not be given
    /// to others.
    pub(crate) fn outlives(self) -> bool {
        self.is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_renewed_when_half_of_it_is_used() {
        let mut reserve = Reserve::from(100, 10);
        let mut serials = Serials::from(100);
        let renewed: Vec<_> = (0..12)
            .map(|_| {
                serials.take();
                reserve.renew(serials)
            })
            .collect();
        let mut expected = [None; 12];
        (expected[4], expected[9]) = (Some(115), Some(120));
        assert_eq!(renewed, expected);
    }

    #[test]
    fn no_number_is_used_that_is_not_set_aside() {
        for block in [0, 1, 2, 3, 7] {
            let mut reserve = Reserve::from(5, block.max(1));
            let mut serials = Serials::from(5);
            for _ in 0..50 {
                assert!(serials.peek() < reserve.until(), "block {block}");
                serials.take();
                reserve.renew(serials);
            }
        }
    }

    #[test]
    fn a_state_without_a_reserve_gets_one_behind_its_numbers() {
        let mut reserve = Reserve::default();
        reserve.restore(Serials::from(SERIALS_BLOCK * 3));
        assert_eq!(reserve.until(), SERIALS_BLOCK * 4);
        let before = reserve;
        reserve.restore(Serials::from(SERIALS_BLOCK * 3 + 1));
        assert_eq!(reserve, before);
    }

    #[test]
    fn a_pool_with_a_spool_goes_on_where_the_last_one_left() {
        let mut reserve = Reserve::from(0, 10);
        reserve.pool_leaves(7, true);
        assert!(!reserve.outlives());
        assert_eq!(reserve.for_pool(true), Serials::from(7));
        assert_eq!(reserve.for_pool(false), Serials::from(0));
        reserve.pool_leaves(3, false);
        assert!(reserve.outlives());
        assert_eq!(reserve.successor().for_pool(true), Serials::from(7));
    }

    #[test]
    fn after_an_ordered_end_pools_begin_anew_and_what_lay_in_files_is_looked_at_anew() {
        let mut reserve = Reserve::from(100, 10);
        reserve.pool_leaves(107, false);
        let next = reserve.successor();
        assert_eq!(next.for_pool(false), Serials::from(0));
        assert_eq!(next.for_pool(true), Serials::from(107));
        assert_eq!(next.until(), reserve.until());
        assert!(!next.outlives());
    }

    #[test]
    fn after_the_largest_number_nothing_overflows() {
        let mut reserve = Reserve::from(u64::MAX, SERIALS_BLOCK);
        let mut serials = reserve.for_pool(false);
        assert_eq!((serials.take(), serials.take()), (SERIAL_MAX, 0));
        assert_eq!(reserve.renew(serials), None);
    }
}
