//! Spawns happen in the order the core gave them, although workers prepare them side by side.
//!
//! Priorities are about this order. A preparation that hangs (a command on a dead mount) delays the ones behind it by
//! no more than [`GRACE`], then they pass it.

use crate::logs::Place;
use provost_model::spawn::SpawnProblem;
use provost_model::{Mono, Run};
use provost_os::spawn::Plan;
use std::collections::VecDeque;
use std::time::Duration;

/// How long the ones behind wait for a spawn whose turn it is. Looking at a command and a user on a local machine takes
/// a small part of this.
const GRACE: Duration = Duration::from_millis(100);

/// What a worker found out for a spawn.
#[derive(Debug, PartialEq)]
pub(crate) struct Ready {
    /// How it is done.
    pub(crate) plan: Plan,
    /// Where its logs lie.
    pub(crate) places: [Place; 2],
    /// The number of its configuration in run records.
    pub(crate) digest: u64,
}

/// What a worker found out, or why it cannot be.
pub(crate) type Prepared = Result<Box<Ready>, SpawnProblem>;

/// What is to be done about the first spawn in the order.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It is prepared.
    Ready(Run, Prepared),
    /// It took too long and has lost its place: a worker seems to hang. Its answer is taken whenever it comes.
    Passed(Run),
}

#[derive(Debug)]
struct Waiting {
    run: Run,
    prepared: Option<Prepared>,
}

/// Spawns under preparation, oldest order first.
#[derive(Debug, Default)]
pub(crate) struct SpawnOrder {
    queue: VecDeque<Waiting>,
    /// Since when it has been the first one's turn. Time spent behind others does not count against a spawn.
    first_since: Mono,
}

impl SpawnOrder {
    /// The core ordered a spawn.
    pub(crate) fn ordered(&mut self, run: Run, now: Mono) {
        if self.queue.is_empty() {
            self.first_since = now;
        }
        self.queue.push_back(Waiting {
            run,
            prepared: None,
        });
    }

    /// A worker is done with one. The answer is given back at once when nobody keeps a place for it any more.
    pub(crate) fn prepared(&mut self, run: Run, prepared: Prepared) -> Option<(Run, Prepared)> {
        match self.queue.iter_mut().find(|waiting| waiting.run == run) {
            Some(waiting) => {
                waiting.prepared = Some(prepared);
                None
            }
            None => Some((run, prepared)),
        }
    }

    /// The first spawn, when it is prepared or has had its time.
    pub(crate) fn next(&mut self, now: Mono) -> Option<Turn> {
        let is_late = self.next_deadline()? <= now;
        let first = self.queue.front_mut()?;
        let prepared = first.prepared.take();
        if prepared.is_none() && !is_late {
            return None;
        }
        let run = first.run;
        self.queue.pop_front();
        self.first_since = now;
        Some(match prepared {
            Some(prepared) => Turn::Ready(run, prepared),
            None => Turn::Passed(run),
        })
    }

    /// Whether nothing is under preparation.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When the first one's time is over.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.queue.front().map(|_| self.first_since.plus(GRACE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Prepared {
        Err(SpawnProblem::EmptyCommand)
    }

    /// Runs in the order of their turns; those that were passed are negative.
    fn turns(order: &mut SpawnOrder, now: Mono) -> Vec<i64> {
        std::iter::from_fn(|| order.next(now))
            .map(|turn| match turn {
                Turn::Ready(run, _) => i64::try_from(run.0).unwrap(),
                Turn::Passed(run) => -i64::try_from(run.0).unwrap(),
            })
            .collect()
    }

    #[test]
    fn answers_out_of_order_are_spawned_in_order() {
        let mut order = SpawnOrder::default();
        let now = Mono(0);
        for run in 1..=3 {
            order.ordered(Run(run), now);
        }
        assert!(order.prepared(Run(2), failure()).is_none());
        assert!(turns(&mut order, now).is_empty());
        assert!(order.prepared(Run(1), failure()).is_none());
        assert_eq!(turns(&mut order, now), [1, 2]);
        assert!(order.prepared(Run(3), failure()).is_none());
        assert_eq!(turns(&mut order, now), [3]);
        assert_eq!(order.next_deadline(), None);
    }

    #[test]
    fn a_hung_preparation_is_passed_and_still_taken_later() {
        let mut order = SpawnOrder::default();
        order.ordered(Run(1), Mono(0));
        order.ordered(Run(2), Mono(0));
        assert!(order.prepared(Run(2), failure()).is_none());
        let late = order.next_deadline().unwrap();
        assert_eq!(late, Mono(0).plus(GRACE));
        assert_eq!(turns(&mut order, late), [-1, 2]);
        assert_eq!(order.next_deadline(), None);
        assert!(order.prepared(Run(1), failure()).is_some());
    }

    #[test]
    fn time_behind_others_does_not_count() {
        let mut order = SpawnOrder::default();
        for run in 1..=3 {
            order.ordered(Run(run), Mono(0));
        }
        // The first one is prepared just in time, long after all were ordered.
        let almost = Mono(Mono(0).plus(GRACE).0 - 1);
        assert!(order.prepared(Run(1), failure()).is_none());
        assert!(order.prepared(Run(3), failure()).is_none());
        assert_eq!(turns(&mut order, almost), [1]);
        // The second one has its own time from then on, and keeps its place before the third.
        let later = Mono(almost.plus(GRACE).0 - 1);
        assert!(turns(&mut order, later).is_empty());
        assert!(order.prepared(Run(2), failure()).is_none());
        assert_eq!(turns(&mut order, later), [2, 3]);
    }
}
