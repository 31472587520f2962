//! What became of a process: its last changes of state, and counts, for those who look.
//!
//! Nothing here decides anything. A change takes eight bytes, since there is a list for each process.

use provost_model::info::StateChange;
use provost_model::{ExitStatus, ProcessState, Signal, Wall};
use serde::{Deserialize, Serialize};

/// Changes that are kept.
const KEPT: usize = 16;

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

impl Past {
    /// It is in this state now.
    pub(super) fn note(&mut self, state: ProcessState, at: Wall) {
        let exit = self.exit.take();
        if self.changes.len() >= KEPT {
            self.changes.remove(0);
        }
        self.changes.push(pack(state, exit, at));
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
        let mut changes = self.changes.iter().rev().copied().map(unpack);
        changes.find(|change| change.exit.is_some())
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
        at_ms: change >> (STATE_BITS + EXIT_BITS),
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
}
