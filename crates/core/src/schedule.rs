//! Tick events, while somebody subscribes to them.
//!
//! A tick comes when the wall clock enters a new slice of its period, and its `when` is that slice. Between two ticks the
//! monotonic clock counts: a wall clock that is set neither loses nor repeats one, and a machine that slept gets one, not
//! all that it missed.

use crate::deadlines::Timer;
use crate::listener::bus::Bus;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::{Event, EventKind, Wall};
use std::time::Duration;

/// The periods in seconds, with their events.
const PERIODS: &[(u32, EventKind)] = &[
    (5, EventKind::Tick5),
    (60, EventKind::Tick60),
    (3600, EventKind::Tick3600),
];

const NANOS_PER_SEC: i128 = 1_000_000_000;
/// How far before the slice a tick may come and still mean it: clocks that are slewed drift apart a little.
const EARLY_MAX: i128 = NANOS_PER_SEC / 2;
/// How far after the start of the slice the next tick is still aimed at the next slice; beyond it the wall clock was set.
const LATE_MAX: i128 = NANOS_PER_SEC;

fn nanos(wall: Wall) -> i128 {
    i128::from(wall.secs) * NANOS_PER_SEC + i128::from(wall.nanos)
}

/// The slice that a tick at `wall` announces, in seconds, and the time to the next tick.
fn slice(wall: Wall, period: u32) -> (i64, Duration) {
    let span = i128::from(period) * NANOS_PER_SEC;
    let start = (nanos(wall) + EARLY_MAX).div_euclid(span) * span;
    let offset = nanos(wall) - start;
    let next = if offset <= LATE_MAX {
        span - offset
    } else {
        span
    };
    let secs = i64::try_from(start / NANOS_PER_SEC).unwrap_or(i64::MAX);
    (
        secs,
        Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX)),
    )
}

/// The time from `wall` to the start of the next slice.
fn to_next(wall: Wall, period: u32) -> Duration {
    let span = i128::from(period) * NANOS_PER_SEC;
    let left = span - nanos(wall).rem_euclid(span);
    Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
}

/// Whether there are ticks of this period.
pub(crate) fn is_period(period: u32) -> bool {
    PERIODS.iter().any(|(known, _)| *known == period)
}

/// The periods of the ticks that somebody subscribes to.
pub(crate) fn periods(bus: &Bus) -> impl Iterator<Item = u32> + '_ {
    let heard = PERIODS
        .iter()
        .filter(|(_, kind)| !bus.hearers(*kind).is_empty());
    heard.map(|(period, _)| *period)
}

impl Core {
    /// Arms the ticks that somebody subscribes to and that are not armed.
    pub(crate) fn arm_ticks(&mut self, turn: &Turn<'_>) {
        for &(period, kind) in PERIODS {
            let timer = Timer::Tick(period);
            if !self.bus.hearers(kind).is_empty() && !self.deadlines.has(timer) {
                let at = turn.now.mono.plus(to_next(turn.now.wall, period));
                self.deadlines.set(timer, Some(at));
            }
        }
    }

    /// Disarms the ticks that nobody subscribes to.
    pub(crate) fn disarm_ticks(&mut self) {
        for &(period, kind) in PERIODS {
            if self.bus.hearers(kind).is_empty() {
                self.deadlines.set(Timer::Tick(period), None);
            }
        }
    }

    /// A slice begins.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>, period: u32) {
        let (when, next) = slice(turn.now.wall, period);
        self.publish(turn, Event::Tick { period, when });
        self.deadlines
            .set(Timer::Tick(period), Some(turn.now.mono.plus(next)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Wall {
        let nanos = u32::try_from(millis.rem_euclid(1000)).unwrap() * 1_000_000;
        Wall {
            secs: millis.div_euclid(1000),
            nanos,
        }
    }

    #[test]
    fn a_tick_names_its_slice_and_aims_at_the_next() {
        assert_eq!(to_next(at(12_300), 5), Duration::from_millis(2_700));
        assert_eq!(slice(at(15_000), 5), (15, Duration::from_secs(5)));
        assert_eq!(slice(at(15_200), 5), (15, Duration::from_millis(4_800)));
        assert_eq!(slice(at(14_900), 5), (15, Duration::from_millis(5_100)));
        // Too early to mean the next one.
        assert_eq!(slice(at(14_499), 5), (10, Duration::from_secs(5)));
    }

    #[test]
    fn a_wall_clock_that_was_set_keeps_the_rhythm() {
        assert_eq!(slice(at(17_500), 5), (15, Duration::from_secs(5)));
        assert_eq!(slice(at(-2_500), 5), (-5, Duration::from_secs(5)));
    }
}
