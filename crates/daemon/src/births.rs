//! How many processes come to life at the same time.
//!
//! Orders to start thousands come in one breath. All at once they would hold up whatever else there is to do, take memory
//! for each one's environment, and be late by the time their turn comes. So each waits here until a few before it live.

use provost_core::Effect;
use provost_model::{Mono, ProcId, Run, SocketId};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

/// How many may be on their way.
const TOGETHER: usize = 64;

/// One that has been on its way for so long holds up no other: its disk hangs, perhaps.
const SLOW: Duration = Duration::from_millis(500);

/// An order to start a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ordered {
    pub(crate) proc: ProcId,
    pub(crate) run: Run,
    pub(crate) socket: Option<SocketId>,
    /// When it was ordered.
    pub(crate) at: Mono,
    /// When the one before it ended, if it is started at once.
    pub(crate) follows: Option<Mono>,
}

/// Those that wait, and those that are on their way.
#[derive(Debug, Default)]
pub(crate) struct Births {
    waiting: VecDeque<Ordered>,
    counted: HashSet<Run>,
    /// When they began, the oldest first, those that live by now included.
    begun: VecDeque<(Mono, Run)>,
    /// The last one that came to life when no other did.
    alone: Option<Alone>,
}

/// One that is to have the processor to itself until it executes its program.
#[derive(Debug)]
struct Alone {
    run: Run,
    until: Mono,
    /// When it was let go on, which is not told yet.
    since: Option<Mono>,
}

impl Births {
    /// One more is wanted.
    pub(crate) fn order(&mut self, ordered: Ordered) {
        self.waiting.push_back(ordered);
    }

    /// The next one that may begin.
    pub(crate) fn next(&mut self, now: Mono) -> Option<Ordered> {
        while let Some(&(since, run)) = self.begun.front() {
            if self.counted.contains(&run) && now < since.plus(SLOW) {
                break;
            }
            self.counted.remove(&run);
            self.begun.pop_front();
        }
        if self.counted.len() >= TOGETHER {
            return None;
        }
        let ordered = self.waiting.pop_front()?;
        self.counted.insert(ordered.run);
        self.begun.push_back((now, ordered.run));
        Some(ordered)
    }

    /// It lives, or never will.
    pub(crate) fn done(&mut self, run: Run) {
        self.counted.remove(&run);
    }

    /// When the oldest one will hold up the others no longer.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.waiting.front()?;
        self.begun.front().map(|&(since, _)| since.plus(SLOW))
    }

    /// Whether none is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.counted.is_empty()
    }

    /// Whether one is on its way, and no other.
    pub(crate) fn is_alone(&self) -> bool {
        self.counted.len() == 1 && self.waiting.is_empty()
    }

    /// This one is left alone until then: that it is written down is heard not before.
    pub(crate) fn leave_alone(&mut self, run: Run, until: Mono) {
        self.alone = Some(Alone {
            run,
            until,
            since: None,
        });
    }

    /// When that is over.
    pub(crate) fn next_look(&self) -> Option<Mono> {
        self.alone.as_ref().map(|alone| alone.until)
    }

    /// One is written down and was let go on then; whether that is to wait.
    pub(crate) fn waits(&mut self, run: Run, since: Mono) -> bool {
        let alone = self.alone.as_mut().filter(|alone| alone.run == run);
        alone.is_some_and(|alone| {
            alone.since = Some(since);
            true
        })
    }

    /// The child that is left alone has ended.
    pub(crate) fn ended(&mut self) {
        if let Some(alone) = &mut self.alone {
            alone.until = Mono::default();
        }
    }

    /// All is heard that others had left until this time. The one whose time is over, and when it was let go on, if it was.
    pub(crate) fn heard_until(&mut self, time: Mono) -> Option<(Run, Mono)> {
        let alone = self.alone.take_if(|alone| alone.until <= time)?;
        Some((alone.run, alone.since?))
    }

    /// Whether an order waits.
    pub(crate) fn has(&self, run: Run) -> bool {
        self.waiting.iter().any(|ordered| ordered.run == run)
    }

    /// The orders that wait, for whoever goes on in our place.
    pub(crate) fn into_orders(self) -> impl Iterator<Item = Effect> {
        let waiting = self.waiting.into_iter();
        waiting.map(
            |Ordered {
                 proc, run, socket, ..
             }| Effect::Spawn { proc, run, socket },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn births(count: u64) -> Births {
        let mut births = Births::default();
        for run in 0..count {
            births.order(Ordered {
                proc: ProcId(1),
                run: Run(run),
                socket: None,
                at: Mono::default(),
                follows: None,
            });
        }
        births
    }

    fn next(births: &mut Births, now: Mono) -> Vec<u64> {
        std::iter::from_fn(|| births.next(now))
            .map(|ordered| ordered.run.0)
            .collect()
    }

    #[test]
    fn each_that_lives_makes_room_for_one_in_their_order() {
        let mut births = births(100);
        assert_eq!(next(&mut births, Mono(0)).len(), TOGETHER);
        births.done(Run(7));
        births.done(Run(3));
        assert_eq!(next(&mut births, Mono(1)), [64, 65]);
        assert!(births.has(Run(66)) && !births.has(Run(65)));
        let orders: Vec<_> = births.into_orders().collect();
        assert_eq!(orders.len(), 34);
    }

    #[test]
    fn slow_ones_hold_up_nobody_for_long() {
        let mut births = births(200);
        next(&mut births, Mono(0));
        let due = births.next_deadline().unwrap();
        assert_eq!(due, Mono(0).plus(SLOW));
        assert!(births.next(Mono(due.0 - 1)).is_none());
        assert_eq!(next(&mut births, due).len(), TOGETHER);
        // Their ends, whenever they come, change nothing.
        births.done(Run(0));
        assert!(births.next(due).is_none());
    }

    #[test]
    fn one_that_is_left_alone_is_heard_of_when_its_time_is_over_or_it_has_ended() {
        let mut births = births(1);
        next(&mut births, Mono(0));
        assert!(births.is_alone());
        births.leave_alone(Run(0), Mono(10));
        let since = Mono(3);
        assert!(!births.waits(Run(5), since) && births.waits(Run(0), since));
        assert_eq!(births.heard_until(Mono(9)), None);
        assert_eq!(births.next_look(), Some(Mono(10)));
        assert_eq!(births.heard_until(Mono(10)), Some((Run(0), since)));
        assert!(!births.waits(Run(0), since) && births.next_look().is_none());

        births.leave_alone(Run(0), Mono(20));
        births.ended();
        assert_eq!(births.heard_until(Mono(11)), None);
        // It is heard of when it is written down, as others are.
        assert!(!births.waits(Run(0), since));
    }

    #[test]
    fn without_any_that_wait_nothing_is_due() {
        let mut births = births(2);
        next(&mut births, Mono(0));
        assert_eq!(births.next_deadline(), None);
        for run in 0..2 {
            births.done(Run(run));
        }
        births.order(Ordered {
            proc: ProcId(1),
            run: Run(9),
            socket: None,
            at: Mono::default(),
            follows: None,
        });
        assert_eq!(next(&mut births, Mono(5)), [9]);
    }
}
