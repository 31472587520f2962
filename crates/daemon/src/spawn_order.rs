//! Spawns happen in the order the core gave them, although workers prepare them side by side.
//!
//! Priorities are about this order. A preparation that hangs (a command on a dead mount) delays the ones behind it by
//! no more than [`GRACE`], then they pass it.

use provost_model::spawn::SpawnProblem;
use provost_model::{Mono, Run};
use provost_os::spawn::Plan;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a spawn waits for the ones ordered before it. Looking at a command and a user on a local machine takes a
/// small part of this.
const GRACE: Duration = Duration::from_millis(100);

/// What a worker found out for a spawn.
pub(crate) type Prepared = Result<Plan, SpawnProblem>;

#[derive(Debug)]
struct Waiting {
    run: Run,
    passed_at: Mono,
    prepared: Option<Prepared>,
}

/// Spawns under preparation, oldest order first.
#[derive(Debug, Default)]
pub(crate) struct SpawnOrder {
    queue: VecDeque<Waiting>,
}

impl SpawnOrder {
    /// The core ordered a spawn.
    pub(crate) fn ordered(&mut self, run: Run, now: Mono) {
        self.queue.push_back(Waiting {
            run,
            passed_at: now.plus(GRACE),
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

    /// The next spawn whose turn it is.
    pub(crate) fn next(&mut self, now: Mono) -> Option<(Run, Prepared)> {
        while let Some(first) = self.queue.front_mut() {
            if let Some(prepared) = first.prepared.take() {
                let run = first.run;
                self.queue.pop_front();
                return Some((run, prepared));
            }
            if first.passed_at > now {
                return None;
            }
            // It lost its place; its answer is taken whenever it comes.
            self.queue.pop_front();
        }
        None
    }

    /// When somebody who waits behind a slow one may pass.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.queue
            .front()
            .map(|first| first.passed_at)
            .filter(|_| self.queue.len() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Prepared {
        Err(SpawnProblem::EmptyCommand)
    }

    fn runs(order: &mut SpawnOrder, now: Mono) -> Vec<u64> {
        std::iter::from_fn(|| order.next(now))
            .map(|(run, _)| run.0)
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
        assert!(runs(&mut order, now).is_empty());
        assert!(order.prepared(Run(1), failure()).is_none());
        assert_eq!(runs(&mut order, now), [1, 2]);
        assert!(order.prepared(Run(3), failure()).is_none());
        assert_eq!(runs(&mut order, now), [3]);
    }

    #[test]
    fn a_hung_preparation_is_passed_and_still_taken_later() {
        let mut order = SpawnOrder::default();
        order.ordered(Run(1), Mono(0));
        order.ordered(Run(2), Mono(0));
        assert!(order.prepared(Run(2), failure()).is_none());
        let late = order.next_deadline().unwrap();
        assert_eq!(late, Mono(0).plus(GRACE));
        assert_eq!(runs(&mut order, late), [2]);
        assert_eq!(order.next_deadline(), None);
        assert!(order.prepared(Run(1), failure()).is_some());
    }
}
