//! What became of a process: its last changes of state, and counts, for those who look.
//!
//! Nothing here decides anything. A change takes eight bytes, since there is a list for each process. What is older than
//! the last changes is kept where there is something of the kind: changes that are alike, and not far from each other, are
//! one with a count. So a program that fails again and again takes no more than one that failed for a few times.

use provost_model::info::{PastChange, StateChange};
use provost_model::{ExitStatus, ProcessState, Signal, Wall};
use serde::{Deserialize, Serialize};

/// Changes that are kept as they are.
const KEPT: usize = 16;

/// Older ones that are kept, each with all that are like it.
const OLDER: usize = 32;

/// So many older ones back is looked for one that is alike: the longest way from one start to the next has four states.
const PATTERN: usize = 4;

/// Ends that are kept.
const EXITS: usize = 8;

/// For how long older changes are kept, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

const STATE_BITS: u32 = 4;
const EXIT_BITS: u32 = 16;

/// Exits as numbers: nothing ended, an end that nobody can tell of, exit codes from here on, and signals.
const NO_EXIT: u64 = 0;
const UNKNOWN_EXIT: u64 = 1;
const FIRST_CODE: u64 = 2;
const FIRST_SIGNAL: u64 = 512;
const CORE_DUMPED: u64 = 256;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Past {
    /// Milliseconds of the wall clock, exit and state, from the low bits up: state, exit, time. The oldest comes first.
    changes: Vec<u64>,
    /// What only those have that ended, or changed often.
    more: Option<Box<More>>,
    /// Children that were born.
    pub(super) starts: u32,
    /// Starts that nobody asked for, after an end or a failure.
    pub(super) restarts: u32,
    /// Spawns that came to nothing.
    pub(super) spawn_failures: u32,
    /// How the child ended whose end is about to change the state.
    #[serde(skip)]
    pub(super) exit: Option<ExitStatus>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct More {
    /// Its last ends, as changes.
    exits: Vec<u64>,
    /// Changes before the last ones.
    older: Vec<Older>,
    /// The time of the last one that there was no room for.
    forgotten_ms: u64,
}

/// Changes that are alike: the first, the time of the last, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Older(u64, u64, u32);

impl More {
    /// A change is none of the last ones any more.
    fn age(&mut self, change: u64, now: Wall) {
        let from = millis(now).saturating_sub(DAY);
        self.older.retain(|older| older.1 >= from);
        let is_like = |older: &&mut Older| kind(older.0) == kind(change);
        let mut near = self.older.iter_mut().rev().take(PATTERN);
        if let Some(Older(_, until, count)) = near.find(is_like) {
            *until = at(change);
            *count = count.saturating_add(1);
            return;
        }
        if self.older.len() >= OLDER {
            self.forgotten_ms = self.older.remove(0).1;
        }
        self.older.push(Older(change, at(change), 1));
    }
}

/// The time of a change.
fn at(change: u64) -> u64 {
    change >> (STATE_BITS + EXIT_BITS)
}

/// The state and the exit of a change.
fn kind(change: u64) -> u64 {
    change & ((1 << (STATE_BITS + EXIT_BITS)) - 1)
}

impl Past {
    /// It is in this state now.
    pub(super) fn note(&mut self, state: ProcessState, at: Wall) {
        let exit = self.exit.take();
        let change = pack(state, exit, at);
        if self.changes.len() >= KEPT {
            let oldest = self.changes.remove(0);
            self.more.get_or_insert_default().age(oldest, at);
        }
        self.changes.push(change);
        if exit.is_some() {
            let exits = &mut self.more.get_or_insert_default().exits;
            if exits.len() >= EXITS {
                exits.remove(0);
            }
            exits.push(change);
        }
    }

    /// Its changes of the past day, and since when nothing is left out.
    pub(super) fn of_the_day(&self, now: Wall) -> (u64, Vec<PastChange>) {
        let from = millis(now).saturating_sub(DAY);
        let more = self.more.as_deref();
        let older = more.into_iter().flat_map(|more| &more.older);
        let last = self
            .changes
            .iter()
            .map(|&change| Older(change, at(change), 1));
        let all = older.copied().chain(last);
        let told = all
            .filter(|change| change.1 >= from)
            .map(|change| PastChange {
                first: unpack(change.0),
                until_ms: change.1,
                count: change.2,
            });
        let forgotten = more.map_or(0, |more| more.forgotten_ms);
        (from.max(forgotten), told.collect())
    }

    /// Its last ends, the oldest first.
    pub(super) fn exits(&self) -> impl Iterator<Item = StateChange> {
        let more = self.more.as_deref().into_iter();
        more.flat_map(|more| more.exits.iter().copied().map(unpack))
    }

    /// Its last changes, the oldest first.
    pub(super) fn changes(&self) -> Vec<StateChange> {
        self.changes.iter().copied().map(unpack).collect()
    }

    /// Its last change.
    pub(super) fn last(&self) -> Option<StateChange> {
        self.changes.last().copied().map(unpack)
    }

    /// Its last change that came of the end of a child.
    pub(super) fn last_exit(&self) -> Option<StateChange> {
        let exits = self.more.as_deref().map(|more| &more.exits);
        let last = exits.and_then(|exits| exits.last().copied()).map(unpack);
        // An earlier version kept no list of them.
        last.or_else(|| {
            let mut changes = self.changes.iter().rev().copied().map(unpack);
            changes.find(|change| change.exit.is_some())
        })
    }
}

fn millis(at: Wall) -> u64 {
    let secs = u64::try_from(at.secs).unwrap_or(0);
    let millis = secs
        .saturating_mul(1000)
        .saturating_add(u64::from(at.nanos / 1_000_000));
    // What is behind the year 2500 is the end of time here.
    millis.min(u64::MAX >> (STATE_BITS + EXIT_BITS))
}

fn pack(state: ProcessState, exit: Option<ExitStatus>, at: Wall) -> u64 {
    let state = ProcessState::ALL.iter().position(|&known| known == state);
    let state = state.and_then(|place| u64::try_from(place).ok());
    let number = |number: i32| u64::try_from(number).unwrap_or(0).min(CORE_DUMPED - 1);
    let exit = match exit {
        None => NO_EXIT,
        Some(ExitStatus::Unknown) => UNKNOWN_EXIT,
        Some(ExitStatus::Code(code)) => FIRST_CODE + number(code),
        Some(ExitStatus::Signaled {
            signal,
            core_dumped,
        }) => FIRST_SIGNAL + number(signal.number()) + u64::from(core_dumped) * CORE_DUMPED,
    };
    millis(at) << (STATE_BITS + EXIT_BITS) | exit << STATE_BITS | state.unwrap_or(0)
}

fn unpack(change: u64) -> StateChange {
    let low = |value: u64, bits: u32| value & ((1 << bits) - 1);
    let state = usize::try_from(low(change, STATE_BITS)).unwrap_or(0);
    let exit = low(change >> STATE_BITS, EXIT_BITS);
    let number = |number: u64| i32::try_from(number).unwrap_or(0);
    StateChange {
        // A state that was damaged on its way here is one that tells nothing.
        state: ProcessState::ALL
            .get(state)
            .copied()
            .unwrap_or(ProcessState::Unknown),
        at_ms: at(change),
        exit: match exit {
            NO_EXIT => None,
            UNKNOWN_EXIT => Some(ExitStatus::Unknown),
            FIRST_SIGNAL.. => {
                let signal = exit - FIRST_SIGNAL;
                Some(ExitStatus::Signaled {
                    signal: Signal::from_raw(number(signal % CORE_DUMPED)),
                    core_dumped: signal >= CORE_DUMPED,
                })
            }
            FIRST_CODE.. => Some(ExitStatus::Code(number(exit - FIRST_CODE))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let at = Wall {
            secs: 1_790_000_000,
            nanos: 123_456_789,
        };
        let signaled = |core_dumped| ExitStatus::Signaled {
            signal: Signal::from_raw(11),
            core_dumped,
        };
        let exits = [
            None,
            Some(ExitStatus::Unknown),
            Some(ExitStatus::Code(0)),
            Some(ExitStatus::Code(255)),
            Some(signaled(false)),
            Some(signaled(true)),
        ];
        for state in ProcessState::ALL {
            for exit in exits {
                let at_ms = 1_790_000_000_123;
                let expected = StateChange { state, at_ms, exit };
                assert_eq!(unpack(pack(state, exit, at)), expected);
            }
        }
    }

    #[test]
    fn the_oldest_of_many_changes_are_forgotten() {
        let mut past = Past::default();
        for secs in 0..40 {
            past.note(ProcessState::Running, Wall { secs, nanos: 0 });
        }
        assert_eq!(past.changes().len(), KEPT);
        assert_eq!(
            past.changes().first().map(|first| first.at_ms),
            Some(24_000)
        );
        assert_eq!(past.last().map(|last| last.at_ms), Some(39_000));
        assert_eq!(past.last_exit(), None);
    }

    #[test]
    fn a_program_that_fails_again_and_again_takes_little() {
        let mut past = Past::default();
        let wall = |secs| Wall { secs, nanos: 0 };
        let mut secs = 1_000_000;
        for _ in 0..1000 {
            past.note(ProcessState::Starting, wall(secs));
            past.note(ProcessState::Running, wall(secs + 1));
            past.exit = Some(ExitStatus::Code(1));
            past.note(ProcessState::Exited, wall(secs + 2));
            secs += 10;
        }
        let (since, changes) = past.of_the_day(wall(secs));
        assert_eq!(since, u64::try_from(secs).unwrap() * 1000 - DAY);
        assert_eq!(changes.len(), KEPT + 3);
        let all: u32 = changes.iter().map(|change| change.count).sum();
        assert_eq!(all, 3000);
        assert_eq!(changes[0].first.at_ms, 1_000_000_000);
        assert!(changes[0].until_ms > changes[2].first.at_ms);
        assert_eq!(past.exits().count(), EXITS);
        assert_eq!(past.last_exit(), past.exits().last());
        // What is of another kind each time is forgotten, and it is told since when.
        for signal in 1..60 {
            past.exit = Some(ExitStatus::Code(signal));
            past.note(ProcessState::Exited, wall(secs));
            secs += 1;
        }
        let (since, changes) = past.of_the_day(wall(secs));
        assert_eq!(changes.len(), KEPT + OLDER);
        assert!(
            since > 1_000_000_000 && since <= changes[0].first.at_ms,
            "{since}"
        );
        // A day later there is nothing to tell.
        let (_, changes) = past.of_the_day(wall(secs + 100_000));
        assert!(changes.is_empty());
    }
}
