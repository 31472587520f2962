//! Who guesses passwords waits: failed logins are counted for each address.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Failed logins of one address within [`PERIOD`] that are answered at once. People who mistype stay below.
const FREE: u32 = 10;

/// For how long they count.
const PERIOD: Duration = Duration::from_mins(1);

/// How long each further one waits for its answer.
const DELAY: Duration = Duration::from_secs(1);

/// Addresses that are counted apart; whoever comes with more of them shares a count with all the rest.
const ADDRESSES_MAX: usize = 1024;

/// Whose login failed; none for clients of a unix socket.
type Guesser = Option<IpAddr>;

/// Failed logins of late.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    counts: RefCell<HashMap<Guesser, Count>>,
    rest: RefCell<Option<Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    failed: u32,
}

/// What becomes of a failed login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Penalty {
    /// How long the answer waits.
    pub(super) delay: Duration,
    /// Whether it is the first one that waits.
    pub(super) is_first: bool,
}

impl Guesses {
    /// Counts a failed login; a penalty once there were too many.
    pub(super) fn failed(&self, guesser: Guesser, now: Instant) -> Option<Penalty> {
        let mut counts = self.counts.borrow_mut();
        if counts.len() >= ADDRESSES_MAX && !counts.contains_key(&guesser) {
            counts.retain(|_, count| now.duration_since(count.since) < PERIOD);
        }
        let mut rest = self.rest.borrow_mut();
        let fresh = Count {
            since: now,
            failed: 0,
        };
        let count = if counts.len() < ADDRESSES_MAX || counts.contains_key(&guesser) {
            counts.entry(guesser).or_insert(fresh)
        } else {
            rest.get_or_insert(fresh)
        };
        if now.duration_since(count.since) >= PERIOD {
            *count = fresh;
        }
        count.failed = count.failed.saturating_add(1);
        (count.failed > FREE).then_some(Penalty {
            delay: DELAY,
            is_first: count.failed == FREE + 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn s09_the_eleventh_failure_within_a_minute_waits_and_others_do_not() {
        let (guesses, begin) = (Guesses::default(), Instant::now());
        let (bad, good) = (Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), None);
        for _ in 0..10 {
            assert_eq!(guesses.failed(bad, begin), None);
        }
        for is_first in [true, false, false] {
            let delay = DELAY;
            assert_eq!(
                guesses.failed(bad, begin),
                Some(Penalty { delay, is_first })
            );
        }
        assert_eq!(guesses.failed(good, begin), None);
        assert_eq!(guesses.failed(bad, begin + PERIOD), None);
    }

    #[test]
    fn s09_many_addresses_share_what_is_left() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let address = |number: u32| Some(IpAddr::V4(Ipv4Addr::from(number)));
        let waiting = (0..3000).filter(|&number| guesses.failed(address(number), now).is_some());
        assert_eq!(waiting.count(), 3000 - ADDRESSES_MAX - 10);
        assert!(guesses.counts.borrow().len() <= ADDRESSES_MAX);
        assert_eq!(guesses.failed(address(9000), now + PERIOD), None);
        assert_eq!(guesses.counts.borrow().len(), 1);
    }
}
