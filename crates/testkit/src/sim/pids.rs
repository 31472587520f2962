//! A process table of a hundred places, so that pids come back soon.

use super::rng::Rng;
use provost_model::Pid;
use std::collections::BTreeSet;

/// Places in the table.
pub(super) const PIDS_MAX: i32 = 100;

/// The first pid that is given out; 1 is init's and 2 supervisord's own.
const FIRST: i32 = 3;

/// Which pids are taken.
#[derive(Clone, Debug)]
pub(super) struct PidTable {
    taken: BTreeSet<i32>,
    strangers: BTreeSet<i32>,
    next: i32,
}

impl PidTable {
    /// A table that is empty but for `next`, from where the search begins.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let next = FIRST + i32::try_from(rng.below(90)).unwrap_or(0);
        Self {
            taken: BTreeSet::new(),
            strangers: BTreeSet::new(),
            next,
        }
    }

    /// The next free pid as Linux finds it: upwards, and round again at the end. None when the table is full.
    pub(super) fn take(&mut self) -> Option<Pid> {
        for _ in 0..PIDS_MAX {
            let pid = self.next;
            self.next = if pid >= FIRST + PIDS_MAX - 1 {
                FIRST
            } else {
                pid + 1
            };
            if !self.strangers.contains(&pid) && self.taken.insert(pid) {
                return Some(Pid(pid));
            }
        }
        None
    }

    /// A process was reaped.
    pub(super) fn release(&mut self, pid: Pid) {
        self.taken.remove(&pid.0);
    }

    /// Strangers take all free pids but `left`, or give theirs back when they hold any.
    pub(super) fn crowd(&mut self, left: usize) {
        if !self.strangers.is_empty() {
            self.strangers.clear();
            return;
        }
        let free = (FIRST..FIRST + PIDS_MAX).filter(|pid| !self.taken.contains(pid));
        self.strangers = free.skip(left).collect();
    }

    /// Strangers leave.
    pub(super) fn clear_strangers(&mut self) {
        self.strangers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_go_round_and_the_table_fills_up() {
        let mut table = PidTable::new(&mut Rng::new(1));
        let first = table.take().unwrap();
        table.release(first);
        let taken: BTreeSet<Pid> = (0..PIDS_MAX).map(|_| table.take().unwrap()).collect();
        assert_eq!(taken.len(), 100);
        assert!(taken.iter().all(|pid| pid.0 >= FIRST));
        assert_eq!(table.take(), None);
        table.release(first);
        assert_eq!(table.take(), Some(first));
    }
}
