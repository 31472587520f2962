//! Events for which a pool had no room: all of them are counted, and a burst of them makes two lines in the log.

use crate::turn::Turn;
use provost_model::{Mono, Notice};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A burst is over when for so long nothing was lost.
const QUIET: Duration = Duration::from_secs(10);
/// A burst is over at the latest after this time, so that a pool that loses an event now and then, for ever, is heard of.
const BURST_MAX: Duration = Duration::from_mins(1);

/// What a pool has lost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Losses {
    total: u64,
    burst: Option<Burst>,
}

/// A burst under way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Burst {
    began: Mono,
    latest: Mono,
    /// Lost besides the first.
    more: u64,
    /// Serial of the one lost last.
    last: u64,
}

impl Burst {
    fn ends(&self) -> Mono {
        self.latest.plus(QUIET).min(self.began.plus(BURST_MAX))
    }
}

impl Losses {
    /// How many were lost.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// An event is lost.
    pub(crate) fn lost(&mut self, turn: &mut Turn<'_>, pool: &Arc<str>, serial: u64) {
        self.total = self.total.saturating_add(1);
        self.end_if_due(turn, pool);
        let (pool, now) = (pool.clone(), turn.now.mono);
        if let Some(burst) = &mut self.burst {
            burst.latest = now;
            burst.more = burst.more.saturating_add(1);
            burst.last = serial;
            turn.notice(Notice::PoolOverflowGoesOn { pool, serial });
        } else {
            self.burst = Some(Burst {
                began: now,
                latest: now,
                more: 0,
                last: serial,
            });
            turn.notice(Notice::PoolOverflow { pool, serial });
        }
    }

    /// When there is something to be said; never for a burst of one, which has been told.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let burst = self.burst.filter(|burst| burst.more > 0)?;
        Some(burst.ends())
    }

    /// Ends the burst if its time is over.
    pub(crate) fn end_if_due(&mut self, turn: &mut Turn<'_>, pool: &Arc<str>) {
        if self
            .burst
            .is_some_and(|burst| burst.ends() <= turn.now.mono)
        {
            self.end(turn, pool);
        }
    }

    /// The burst is over: a listener took an event, or the pool goes.
    pub(crate) fn end(&mut self, turn: &mut Turn<'_>, pool: &Arc<str>) {
        if let Some(Burst { more, last, .. }) = self.burst.take().filter(|burst| burst.more > 0) {
            let pool = pool.clone();
            turn.notice(Notice::PoolOverflowOver { pool, more, last });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effect;
    use provost_model::Now;

    /// The notices of a loss, or of the time passing, at that second.
    fn at(losses: &mut Losses, secs: u64, serial: Option<u64>) -> Vec<Notice> {
        let mut out = Vec::new();
        let mono = Mono(secs * 1_000_000_000);
        let now = Now {
            mono,
            ..Now::default()
        };
        let mut turn = Turn { now, out: &mut out };
        let pool = Arc::from("mail");
        match serial {
            Some(serial) => losses.lost(&mut turn, &pool, serial),
            None => losses.end_if_due(&mut turn, &pool),
        }
        let notices = out.into_iter().map(|effect| match effect {
            Effect::Notice(notice) => notice,
            other => panic!("{other:?}"),
        });
        notices.collect()
    }

    fn pool() -> Arc<str> {
        Arc::from("mail")
    }

    #[test]
    fn one_loss_is_told_once_and_needs_no_timer() {
        let mut losses = Losses::default();
        assert_eq!(
            at(&mut losses, 0, Some(7)),
            [Notice::PoolOverflow {
                pool: pool(),
                serial: 7
            }]
        );
        assert_eq!(losses.deadline(), None);
        // Long after it, another one is the first of its own burst.
        assert_eq!(
            at(&mut losses, 10, Some(8)),
            [Notice::PoolOverflow {
                pool: pool(),
                serial: 8
            }]
        );
        assert_eq!(losses.total(), 2);
    }

    #[test]
    fn a_burst_is_summed_up_when_it_is_quiet() {
        let mut losses = Losses::default();
        at(&mut losses, 0, Some(1));
        assert_eq!(
            at(&mut losses, 1, Some(2)),
            [Notice::PoolOverflowGoesOn {
                pool: pool(),
                serial: 2
            }]
        );
        at(&mut losses, 2, Some(3));
        assert_eq!(losses.deadline(), Some(Mono(12_000_000_000)));
        assert_eq!(at(&mut losses, 11, None), []);
        assert_eq!(
            at(&mut losses, 12, None),
            [Notice::PoolOverflowOver {
                pool: pool(),
                more: 2,
                last: 3
            }]
        );
        assert_eq!(losses.deadline(), None);
    }

    #[test]
    fn a_pool_that_loses_for_ever_is_heard_of_each_minute() {
        let mut losses = Losses::default();
        let said: usize = (0..600)
            .map(|secs| {
                let notices = at(&mut losses, secs, Some(secs));
                let silent = |notice: &&Notice| matches!(notice, Notice::PoolOverflowGoesOn { .. });
                notices.len() - notices.iter().filter(silent).count()
            })
            .sum();
        assert_eq!(said, 19, "ten bursts, nine of them over");
    }
}
