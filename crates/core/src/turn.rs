//! What one step works with: the time, the orders it writes down, and what it did.

use crate::Effect;
use crate::sockets::Sockets;
use provost_model::{Event, Notice, Now, ProcId, ProcessState, Run};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The orders of one step, in the order in which they are to be carried out.
pub type Effects = Vec<Effect>;

/// The time of a step and where its orders go.
pub(crate) struct Turn<'a> {
    /// Both clocks.
    pub(crate) now: Now,
    /// Orders so far.
    pub(crate) out: &'a mut Effects,
}

impl Turn<'_> {
    /// Tells the operator.
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.out.push(Effect::Notice(notice));
    }

    /// Tells the operator of something that should not happen.
    pub(crate) fn anomaly(&mut self, what: impl Into<String>) {
        self.notice(Notice::Anomaly { what: what.into() });
    }
}

/// Which process a run belongs to, for runs that may still be answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Runs {
    last: u64,
    /// Follows from what processes are in.
    #[serde(skip)]
    live: BTreeMap<Run, ProcId>,
}

impl Runs {
    /// A set without live runs whose numbers go on after those of `self`.
    pub(crate) fn successor(&self) -> Self {
        Self {
            last: self.last,
            live: BTreeMap::new(),
        }
    }

    /// A new run of `proc`.
    pub(crate) fn begin(&mut self, proc: ProcId) -> Run {
        self.last = self.last.saturating_add(1);
        let run = Run(self.last);
        self.live.insert(run, proc);
        run
    }

    /// A run that was begun before.
    pub(crate) fn go_on(&mut self, run: Run, proc: ProcId) -> Option<ProcId> {
        self.live.insert(run, proc)
    }

    /// The number given last.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The run has ended.
    pub(crate) fn end(&mut self, run: Run) {
        self.live.remove(&run);
    }

    /// The process of a run that has not ended.
    pub(crate) fn process(&self, run: Run) -> Option<ProcId> {
        self.live.get(&run).copied()
    }

    /// Whether this run was ever ordered; a fact about one that was not is nobody's late answer.
    pub(crate) fn was_begun(&self, run: Run) -> bool {
        run.0 >= 1 && run.0 <= self.last
    }
}

/// What a process did in a step, for groups, listener pools and waiting clients to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Happening {
    /// It changed its state.
    Changed {
        /// Which.
        proc: ProcId,
        /// State before.
        from: ProcessState,
        /// State after.
        to: ProcessState,
        /// As listeners hear of it.
        event: Event,
    },
    /// It was taken over; nothing changed but what we know of it.
    Adopted {
        /// Which.
        proc: ProcId,
        /// The state that it is counted in.
        from: ProcessState,
        /// The state that it is in.
        to: ProcessState,
    },
    /// Its child exists; the state may be STARTING still.
    Born {
        /// Which.
        proc: ProcId,
    },
}

/// What the machine of one process works with.
pub(crate) struct Act<'a, 'b> {
    /// Time and orders.
    pub(crate) turn: &'a mut Turn<'b>,
    /// Whether the daemon is neither stopping nor restarting.
    pub(crate) may_start: bool,
    /// Numbers for new runs.
    pub(crate) runs: &'a mut Runs,
    /// Sockets that processes share.
    pub(crate) sockets: &'a mut Sockets,
    /// What happened so far.
    pub(crate) happened: &'a mut VecDeque<Happening>,
}
