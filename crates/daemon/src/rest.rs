//! How long the control thread sleeps, and what it does before a long sleep.

use crate::shell::Shell;
use provost_os::{clock, heap};
use std::time::Duration;

/// A sleep that is long enough to be worth it.
const LONG: Duration = Duration::from_secs(1);

/// Starts of processes that leave enough behind to be worth it.
const MANY: usize = 256;

/// What starts have left behind in memory: pages that the heap keeps, code that is not needed again soon.
pub(crate) struct Settling {
    starts: usize,
}

impl Default for Settling {
    /// The start of the daemon itself counts as much as many.
    fn default() -> Self {
        Self { starts: MANY }
    }
}

impl Settling {
    /// One more process was started.
    pub(crate) fn started(&mut self) {
        self.starts = self.starts.saturating_add(1);
    }

    /// Whether it is time to give it back: each time once.
    fn is_due(&mut self, sleep: Option<Duration>) -> bool {
        let is_due = self.starts >= MANY && sleep.is_none_or(|sleep| sleep > LONG);
        if is_due {
            self.starts = 0;
        }
        is_due
    }
}

impl Shell {
    /// How long nothing will be due; no limit when nothing ever is.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let deadlines = [
            self.core_deadline(),
            self.children.next_deadline(),
            self.next_birth(),
            self.spawns.next_deadline(),
            self.later.first().map(|&(due, _)| due),
            self.sockets.next_deadline(),
            self.adopted.next_deadline(),
            self.quiet_deadline(),
        ];
        let next = deadlines.into_iter().flatten().min()?;
        Some(next.since(clock::mono()))
    }

    /// Gives back what starts have left behind, unless more of them are under way.
    pub(crate) fn settle(&mut self, sleep: Option<Duration>) {
        let is_busy = self.errands > 0 || !self.spawns.is_empty();
        if !is_busy && self.settling.is_due(sleep) {
            heap::settle();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_after_the_start_and_after_many_and_only_before_a_long_sleep() {
        let mut settling = Settling::default();
        assert!(!settling.is_due(Some(Duration::from_millis(900))));
        assert!(settling.is_due(Some(Duration::from_secs(2))));
        assert!(!settling.is_due(None));
        for _ in 0..MANY {
            settling.started();
        }
        assert!(settling.is_due(None));
        assert!(!settling.is_due(None));
    }
}
