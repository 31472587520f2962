//! How long the control thread sleeps, and what it does before a long sleep.

use crate::shell::Shell;
use provost_os::reactor::Ready;
use provost_os::{clock, memory};
use std::io;
use std::time::Duration;

/// A sleep that is long enough to be worth it.
const LONG: Duration = Duration::from_secs(1);

/// How long the record of an end waits for that of a process that comes back, while nothing else happens.
const COMING_BACK: Duration = Duration::from_millis(20);

/// Starts of processes that leave enough behind to be worth it.
const MANY: usize = 256;

/// What starts have left behind in memory: pages that the heap keeps, code that is not needed again soon, and in the journal
/// each process as it was before.
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

    /// The sleep before it is given back, in place of one that is longer; none when there is nothing to give, or no time.
    fn nap(&self, sleep: Option<Duration>) -> Option<Duration> {
        let is_long = sleep.is_none_or(|sleep| sleep > LONG);
        (self.starts >= MANY && is_long).then_some(LONG)
    }
}

impl Shell {
    /// How long nothing will be due; no limit when nothing ever is.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let deadlines = [
            self.core_deadline(),
            self.children.next_deadline(),
            self.next_birth(),
            self.births.next_look(),
            self.spawns.next_deadline(),
            self.later.first().map(|&(due, _)| due),
            self.sockets.next_deadline(),
            self.adopted.next_deadline(),
            self.quiet_deadline(),
            self.pulse.next_deadline(),
            self.reaping.next_deadline(),
        ];
        let next = deadlines.into_iter().flatten().min()?;
        Some(next.since(clock::mono()))
    }

    /// Waits until something is to be done. After a second in which nothing was, what starts have left behind is given back
    /// first.
    pub(crate) fn rest(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        let patience = self.patience();
        if self.runs.has_ends() {
            if !self.births.is_idle() || self.children.any_draining() {
                let pause = patience.map_or(COMING_BACK, |patience| patience.min(COMING_BACK));
                self.reactor.wait(Some(pause), ready)?;
                if ready.is_empty() {
                    self.runs.tell_ends();
                }
                return Ok(());
            }
            self.runs.tell_ends();
        }
        if let Some(nap) = self.settling.nap(patience) {
            self.reactor.wait(Some(nap), ready)?;
            if ready.is_empty() {
                self.settling.starts = 0;
                self.journal.begin_anew(&self.core);
                self.spawner.settle();
                memory::settle();
            }
            return Ok(());
        }
        self.reactor.wait(patience, ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_after_the_start_and_after_many_and_only_before_a_long_sleep() {
        let mut settling = Settling::default();
        assert_eq!(settling.nap(Some(Duration::from_millis(900))), None);
        assert_eq!(settling.nap(Some(Duration::from_secs(2))), Some(LONG));
        settling.starts = 0;
        for _ in 1..MANY {
            settling.started();
        }
        assert_eq!(settling.nap(None), None);
        settling.started();
        assert_eq!(settling.nap(None), Some(LONG));
    }
}
