//! All points in time at which the core has something to do, in order.
//!
//! Each owner has at most one deadline. Setting, clearing and taking the next one cost O(log n).

use crate::group::GroupId;
use provost_model::{Mono, ProcId, RequestId, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whose deadline it is. The order breaks ties between deadlines of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// The state of a process: up, retry, kill or respawn.
    Process(ProcId),
    /// The next line that says that a client waits for a stop.
    StopReport(ProcId),
    /// An order whose answer takes too long.
    Answer(Ticket),
    /// A call to a helper that takes too long.
    Call(RequestId),
    /// A helper that closed a pipe and has not ended.
    HungUp(GroupId),
    /// A helper must have said hello.
    Hello(GroupId),
    /// The next line that says for whom the shutdown waits.
    ShutdownReport,
    /// The next tick event of this period.
    Tick(u32),
    /// The end of a burst of events for which a pool had no room.
    Overflow(GroupId),
    /// The next try to work with a pool's spool, after one failed.
    Spool(GroupId),
    /// The longest wait for spools to be saved at the end.
    Saving,
}

/// The ordered set. Saved as a list, since JSON has no keys but texts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(Timer, Mono)>", into = "Vec<(Timer, Mono)>")]
pub(crate) struct Deadlines {
    order: BTreeSet<(Mono, Timer)>,
    of: BTreeMap<Timer, Mono>,
}

impl Deadlines {
    /// Gives `timer` this deadline in place of the one it has.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Mono>) {
        if let Some(old) = self.of.remove(&timer) {
            self.order.remove(&(old, timer));
        }
        if let Some(at) = at {
            self.of.insert(timer, at);
            self.order.insert((at, timer));
        }
    }

    /// Takes the earliest deadline away if it is not after `now`.
    pub(crate) fn take_due(&mut self, now: Mono) -> Option<Timer> {
        let &(at, timer) = self.order.first()?;
        if at > now {
            return None;
        }
        self.set(timer, None);
        Some(timer)
    }

    /// Forgets all but those of clients who wait for somebody else's answer.
    pub(crate) fn keep_answers(&mut self) {
        self.of
            .retain(|timer, _| matches!(timer, Timer::Answer(_) | Timer::Call(_)));
        self.order
            .retain(|(_, timer)| matches!(timer, Timer::Answer(_) | Timer::Call(_)));
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.of.clear();
    }

    /// Whether `timer` has a deadline.
    pub(crate) fn has(&self, timer: Timer) -> bool {
        self.of.contains_key(&timer)
    }

    /// The deadline of `timer`.
    pub(crate) fn of(&self, timer: Timer) -> Option<Mono> {
        self.of.get(&timer).copied()
    }

    /// All timers that have a deadline.
    pub(crate) fn timers(&self) -> impl Iterator<Item = Timer> + '_ {
        self.of.keys().copied()
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Mono> {
        self.order.first().map(|&(at, _)| at)
    }
}

impl From<Vec<(Timer, Mono)>> for Deadlines {
    fn from(list: Vec<(Timer, Mono)>) -> Self {
        let mut deadlines = Self::default();
        for (timer, at) in list {
            deadlines.set(timer, Some(at));
        }
        deadlines
    }
}

impl From<Deadlines> for Vec<(Timer, Mono)> {
    fn from(deadlines: Deadlines) -> Self {
        deadlines.of.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_taken_first_and_only_when_due() {
        let mut deadlines = Deadlines::default();
        deadlines.set(Timer::Process(ProcId(1)), Some(Mono(20)));
        deadlines.set(Timer::Process(ProcId(2)), Some(Mono(10)));
        deadlines.set(Timer::ShutdownReport, Some(Mono(5)));
        deadlines.set(Timer::ShutdownReport, None);
        assert_eq!(deadlines.next(), Some(Mono(10)));
        assert_eq!(deadlines.take_due(Mono(9)), None);
        assert_eq!(
            deadlines.take_due(Mono(30)),
            Some(Timer::Process(ProcId(2)))
        );
        deadlines.set(Timer::Process(ProcId(1)), Some(Mono(40)));
        assert_eq!(deadlines.take_due(Mono(30)), None);
        assert_eq!(deadlines.next(), Some(Mono(40)));
    }

    #[test]
    fn at_the_end_only_waits_for_answers_are_kept_and_then_none() {
        use provost_model::{RequestId, Ticket};
        let (answer, call) = (Timer::Answer(Ticket(3)), Timer::Call(RequestId(4)));
        let mut deadlines = Deadlines::default();
        for (timer, at) in [
            (Timer::ShutdownReport, 1),
            (answer, 2),
            (call, 3),
            (Timer::Tick(5), 4),
        ] {
            deadlines.set(timer, Some(Mono(at)));
            assert!(deadlines.has(timer));
        }
        deadlines.keep_answers();
        assert_eq!(deadlines.timers().collect::<Vec<_>>(), [answer, call]);
        assert!(!deadlines.has(Timer::Tick(5)));
        assert_eq!(deadlines.next(), Some(Mono(2)));
        deadlines.clear();
        assert_eq!(deadlines.next(), None);
        assert_eq!(deadlines.timers().count(), 0);
    }
}
