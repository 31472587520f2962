//! How long output may gather in the pipes before it is read.
//!
//! A reader that is woken for each line costs many times what the line costs. So where small pieces come one upon the other,
//! the thread sleeps a little between two looks at the pipes. Never where nothing came just now, never where somebody
//! follows a log, and never so long that a pipe could be full and its writer wait.

use std::time::{Duration, Instant};

/// The longest pause, and so the longest delay of a line.
const LONGEST: Duration = Duration::from_millis(4);

/// The first pause: a few lines of a stream that deserves pauses, and no full pipe of one that is written line by line.
const FIRST: Duration = Duration::from_micros(250);

/// The shortest pause that is worth its system call.
const SHORTEST: Duration = Duration::from_micros(60);

/// Looks that found something, one soon after the other, before the first pause: a burst that ends is not delayed.
const STREAK: u32 = 16;

/// Looks that are this far apart are not one soon after the other.
const SOON: Duration = Duration::from_micros(500);

/// From so many bytes in one pipe on, pauses become shorter: another pause of the same length must not find it full, which
/// is at 64 KiB.
const MUCH: usize = 24 << 10;

/// With less in each pipe than this, pauses may become longer.
const LITTLE: usize = 8 << 10;

/// So many bytes in a wide pipe, which holds 256 KiB, are as one in others.
const WIDE_PART: usize = 8;

/// What is hardly worth a long pause, if it is all that one brings.
const HARDLY: usize = 512;

/// A long pause.
const LONG: Duration = Duration::from_millis(1);

/// The pauses of one thread.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The pause before the next look; none while output is read as it comes.
    pause: Duration,
    streak: u32,
    /// When the last look ended.
    looked: Option<Instant>,
    /// The most that the look under way found in one pipe, put as if all held 64 KiB.
    largest: usize,
    /// All that it found.
    total: usize,
}

impl Pace {
    /// The pause before the next look at the pipes.
    pub(super) fn pause(&self) -> Option<Duration> {
        (!self.pause.is_zero()).then_some(self.pause)
    }

    /// So many bytes were in one pipe. A wide one is that of a writer that goes on steadily, so that it may be found fuller than
    /// others.
    pub(super) fn found(&mut self, bytes: usize, is_wide: bool) {
        let part = if is_wide { bytes / WIDE_PART } else { bytes };
        // Few bytes are some.
        self.largest = self.largest.max(part).max(bytes.min(1));
        self.total = self.total.saturating_add(bytes);
    }

    /// A look is over. `at_once`: somebody wants to see what comes.
    pub(super) fn looked(&mut self, begun: Instant, ended: Instant, at_once: bool) {
        let largest = std::mem::take(&mut self.largest);
        let total = std::mem::take(&mut self.total);
        if largest == 0 || at_once {
            return self.rest();
        }
        let since = self.looked.replace(ended);
        let is_soon = since.is_some_and(|last| begun.saturating_duration_since(last) < SOON);
        if self.pause.is_zero() && !is_soon {
            self.streak = 0;
        }
        self.streak = self.streak.saturating_add(1);
        if self.streak < STREAK {
            return;
        }
        if largest >= MUCH || (total < HARDLY && self.pause >= LONG) {
            self.pause /= 2;
            if self.pause < SHORTEST {
                self.pause = Duration::ZERO;
            }
        } else if largest < LITTLE {
            self.pause = (self.pause * 2).clamp(FIRST, LONGEST);
        }
    }

    /// Nothing came: what comes next is read at once.
    fn rest(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred looks at one pipe that is written so many bytes a microsecond, in pieces of 80; the pauses before each.
    /// Where nothing comes during a pause, the next piece is waited for.
    fn looks(pace: &mut Pace, now: &mut Instant, rate: f64) -> Vec<Duration> {
        const WORK: Duration = Duration::from_micros(10);
        let piece = Duration::from_secs_f64(80.0 / rate / 1e6);
        let mut written = *now;
        let mut pauses = Vec::new();
        while pauses.len() < 100 {
            let pause = pace.pause();
            pauses.push(pause.unwrap_or_default());
            *now += pause.unwrap_or_default();
            if pause.is_none() {
                *now = (*now).max(written + piece);
            }
            let mut bytes = 0;
            while written + piece <= *now {
                written += piece;
                bytes += 80;
            }
            pace.found(bytes.min(64 << 10), false);
            pace.looked(*now, *now + WORK, false);
            *now += WORK;
        }
        pauses
    }

    #[test]
    fn a_burst_is_read_as_it_comes_and_a_stream_of_lines_at_most_four_milliseconds_later() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let pauses = looks(&mut pace, &mut now, 1.0);
        let first = pauses.iter().position(|pause| !pause.is_zero());
        assert_eq!(first, Some(16));
        assert_eq!(pauses.last(), Some(&LONGEST));
        assert!(pauses.iter().all(|pause| *pause <= LONGEST));
    }

    #[test]
    fn lines_now_and_then_are_read_as_they_come() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        // One each millisecond.
        let pauses = looks(&mut pace, &mut now, 0.08);
        assert!(pauses.iter().all(Duration::is_zero), "{pauses:?}");
        // And after many they are so again, soon.
        looks(&mut pace, &mut now, 1.0);
        let pauses = looks(&mut pace, &mut now, 0.08);
        assert!(pauses.iter().skip(20).all(Duration::is_zero), "{pauses:?}");
    }

    #[test]
    fn a_pipe_is_not_found_full() {
        for rate in [50.0, 100.0, 200.0] {
            let (mut pace, mut now) = (Pace::default(), Instant::now());
            let pauses = looks(&mut pace, &mut now, rate);
            let full = |pause: &&Duration| pause.as_secs_f64() * 1e6 * rate > 65536.0;
            assert_eq!(pauses.iter().filter(full).count(), 0, "{rate}: {pauses:?}");
        }
        // One that is always full is not waited for.
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let pauses = looks(&mut pace, &mut now, 1e5);
        assert!(pauses.iter().all(Duration::is_zero), "{pauses:?}");
    }

    #[test]
    fn a_look_in_vain_or_a_follower_ends_all_pauses() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        looks(&mut pace, &mut now, 1.0);
        pace.looked(now, now, false);
        assert_eq!(pace.pause(), None);
        looks(&mut pace, &mut now, 1.0);
        pace.found(80, false);
        pace.looked(now, now, true);
        assert_eq!(pace.pause(), None);
    }
}
