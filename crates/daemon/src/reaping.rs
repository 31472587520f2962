//! Which children have ended.
//!
//! To find one the system looks at all that live, a hundred nanoseconds for each, twice: once for the one that ended and
//! once to say that there is no other. The signal names one of those that ended, so that one is asked for by itself, and
//! where it comes back the others are looked for when its next process is under way: what a respawn takes does not depend on
//! how many programs there are.

use crate::children::Reaped;
use crate::helper::LAST_READS;
use crate::logs::Order;
use crate::oom;
use crate::shell::Shell;
use provost_model::{ExitStatus, Level, Mono, Pid, Run, Signal};
use provost_os::{clock, reap};
use std::io;
use std::time::Duration;

/// Exits taken in one turn before others get theirs.
const REAPS_PER_TURN: usize = 1_000;

/// So many children have ended at once that asking for each of them is quicker: to find one that ended the system looks at
/// all before it.
const MANY: usize = 16;

/// How long others that may have ended wait for a process that comes back. Several ends can be told of by one signal.
const OTHERS_WAIT: Duration = Duration::from_millis(2);

/// What is left over of a signal that told of ends.
#[derive(Debug, Default)]
pub(crate) struct Reaping {
    /// Exits are left over from a turn that took its full number of them.
    is_unfinished: bool,
    /// When it is looked whether others than the one that was named have ended.
    others_by: Option<Mono>,
}

impl Reaping {
    /// When the next look is due.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.others_by
    }
}

impl Shell {
    /// Takes the exit of the child that a signal names; the others that may have ended follow soon.
    pub(crate) fn reap_named(&mut self, named: Pid) {
        match reap::reap_this(named) {
            Ok(Some(status)) => {
                let by = clock::mono().plus(OTHERS_WAIT);
                self.reaping.others_by.get_or_insert(by);
                self.reaped(named, status);
            }
            // It was taken before, or the signal was made up.
            Ok(None) => self.reap(),
            Err(error) => {
                self.tell_of_failure(&error);
                self.reap();
            }
        }
    }

    /// Looks for others that have ended, when their time has come or nobody comes back.
    pub(crate) fn reap_others(&mut self, now: Mono) {
        if std::mem::take(&mut self.reaping.is_unfinished) {
            return self.reap();
        }
        let comes_back = || !self.births.is_idle() || self.children.any_draining();
        if self
            .reaping
            .others_by
            .is_some_and(|by| by <= now || !comes_back())
        {
            self.reap();
        }
    }

    /// Takes every exit there is; the child's output is read to the end before the core hears of it.
    pub(crate) fn reap(&mut self) {
        self.reaping.others_by = None;
        if let Err(error) = self.reap_some() {
            self.tell_of_failure(&error);
        }
    }

    fn tell_of_failure(&self, error: &io::Error) {
        let errno = error.raw_os_error().unwrap_or(0);
        let text = format!("waitpid error {errno}; a process may not be cleaned up properly");
        self.log(Level::Critical, text);
    }

    fn reap_some(&mut self) -> io::Result<()> {
        let mut taken = 0;
        while taken < REAPS_PER_TURN {
            let Some((pid, status)) = reap::reap_one()? else {
                return Ok(());
            };
            self.reaped(pid, status);
            taken += 1;
            if taken == MANY {
                taken += self.reap_each(REAPS_PER_TURN - taken)?;
            }
        }
        // More may be waiting, and the signal that told of them is used up.
        self.reaping.is_unfinished = true;
        self.waker.wake();
        Ok(())
    }

    /// Takes up to so many exits, asking for each child. Answers how many there were.
    fn reap_each(&mut self, most: usize) -> io::Result<usize> {
        let mut taken = 0;
        for pid in self.children.pids() {
            if taken == most {
                break;
            }
            if let Some(status) = reap::reap_this(pid)? {
                self.reaped(pid, status);
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// A process has ended: its record is void, and what it wrote last is read.
    pub(crate) fn reaped(&mut self, pid: Pid, status: ExitStatus) {
        let now = clock::mono();
        let until = Self::drain_until(now);
        match self.children.reaped(pid, status, (now, until)) {
            Reaped::Run(run) => {
                self.forget_adopted(run);
                self.runs.ended(run);
                self.read_listener(run, usize::MAX);
                self.read_helper(run, LAST_READS);
                self.read_report(run);
                self.explain_kill(run, status);
                // Who closes its pipes and ends has often been read to the end by now.
                self.take_facts();
                if self.children.is_read(run) {
                    self.logs.order(Order::Abandon { run });
                    self.drained(run);
                } else {
                    self.logs.order(Order::Drain { run });
                }
            }
            Reaped::Unborn => self.births.ended(),
            Reaped::Unknown => {
                self.log(Level::Info, format!("reaped unknown pid {pid} ({status})"));
                self.orphan_ended();
            }
        }
    }

    /// Whether it was the kernel that sent a SIGKILL which nobody else here did.
    fn explain_kill(&mut self, run: Run, status: ExitStatus) {
        let by_kill =
            matches!(status, ExitStatus::Signaled { signal, .. } if signal == Signal::KILL);
        let child = self.children.runs.get(&run);
        if !by_kill || child.is_none_or(|child| child.killed) || !self.memory_kills.explain() {
            return;
        }
        if let Some(entry) = self.children.entry_of(run) {
            let text = oom::line(&entry.spec.group, &entry.spec.name);
            self.log(Level::Warn, text);
        }
        if let Some(child) = self.children.runs.get_mut(&run) {
            child.why = Some(oom::KILLED.into());
        }
    }
}
