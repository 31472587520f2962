//! What became of a process.

use super::{Exit, parts};
use crate::rest::schema::shapes;
use provost_model::info::{self, PastChange, ProcessHistory};

shapes! {
    /// A change of state, or several that are alike.
    StateChange {
        /// The state that it came into.
        state: &'static str,
        /// When, in milliseconds since 1970; of several the first.
        at: u64,
        /// The exit code, when the end of the child brought the change.
        code: Option<i32>,
        /// The signal that ended the child, then.
        signal: Option<String>,
        /// How many there were: 1, unless it stands for several.
        count: u32,
        /// When the last of them was.
        until: u64,
    }

    /// What became of a process.
    History {
        /// When, in milliseconds since 1970.
        now: u64,
        /// Since when nothing is left out: a day ago, or later where there was no room for all.
        since: u64,
        /// Its changes of state of the past day, in the order of their times. The last 16 are there one by one. Older ones
        /// that are alike, and have no more than three others between them, are one with a `count`: one that fails again and
        /// again has a few of those. There are 32 at most.
        changes: Vec<StateChange>,
        /// Its last 8 ends, the oldest first.
        exits: Vec<PastExit>,
    }

    /// An end of a process.
    PastExit {
        /// When, in milliseconds since 1970.
        at: u64,
        /// The exit code; null when a signal ended it, or when nobody can tell.
        code: Option<i32>,
        /// The name of the signal that ended it, or its number.
        signal: Option<String>,
        /// Whether a core file was written.
        core_dumped: bool,
        /// Whether it ended as it should.
        expected: bool,
        /// What stood in its log last: up to 20 lines and 4 KiB since the end before. Null without the right `logs`, without a
        /// log, and when it has been emptied or rotated away.
        stdout: Option<Words>,
        /// The same of its log of errors.
        stderr: Option<Words>,
    }

    /// The last words of a process.
    Words {
        /// Where they begin in the log, in bytes.
        offset: u64,
        /// They.
        text: String,
    }
}

impl StateChange {
    /// Of what the core tells.
    pub fn new(change: &info::StateChange) -> Self {
        let (code, signal, _) = change.exit.map(parts).unwrap_or_default();
        Self {
            state: change.state.name(),
            at: change.at_ms,
            code,
            signal,
            count: 1,
            until: change.at_ms,
        }
    }

    fn of(change: &PastChange) -> Self {
        Self {
            count: change.count,
            until: change.until_ms,
            ..Self::new(&change.first)
        }
    }
}

impl History {
    /// Of what the core tells, without what was said last.
    pub fn new(now: u64, told: &ProcessHistory) -> Self {
        let exits = told.exits.iter().map(|past| {
            let Exit {
                code,
                signal,
                core_dumped,
                at,
                expected,
            } = Exit::new(past.exit);
            PastExit {
                at,
                code,
                signal,
                core_dumped,
                expected,
                stdout: None,
                stderr: None,
            }
        });
        Self {
            now,
            since: told.since_ms,
            changes: told.changes.iter().map(StateChange::of).collect(),
            exits: exits.collect(),
        }
    }
}
