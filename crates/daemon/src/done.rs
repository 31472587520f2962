//! What other threads hand in to the control thread.

use crate::fcgi::Attempt;
use crate::handover::Examined;
use crate::logs::Place;
use crate::spawn_order::Prepared;
use provost_config::{AddedProgram, Config, Failure};
use provost_core::{SpoolAnswer, SpoolProblem};
use provost_model::spawn::{SocketProblem, SpawnProblem};
use provost_model::{Mono, Run, Ticket};
use provost_os::reactor::Waker;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

/// Where other threads leave what they have for the control thread.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    done: Sender<Done>,
    waker: Waker,
}

impl Post {
    /// The control thread takes from the other end of `done`, and is woken by `waker`.
    pub(crate) fn new(done: Sender<Done>, waker: Waker) -> Self {
        Self { done, waker }
    }

    /// Leaves a result, which is found when the control thread is awake.
    pub(crate) fn leave(&self, done: Done) {
        // At the end of a life nobody wants it any more.
        let _ = self.done.send(done);
    }

    /// Wakes the control thread.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }
}

/// What a worker found out.
pub(crate) enum Done {
    /// A spawn is prepared.
    Prepared {
        /// For which run.
        run: Run,
        /// How to spawn it.
        result: Prepared,
    },
    /// A new child was written down, or could not be.
    Recorded {
        /// Which run.
        run: Run,
        /// When it was let go on, or why not.
        result: Result<Mono, SpawnProblem>,
    },
    /// A shared socket was opened, or could not be.
    Opened {
        /// Which, and what for.
        attempt: Attempt,
        /// It, or why not.
        result: Result<OwnedFd, SocketProblem>,
    },
    /// One of the other jobs is done.
    Errand(Errand),
    /// A program was looked at that may take our place.
    Examined {
        /// For which order.
        ticket: Ticket,
        /// How to show it our state, or why that is not done.
        result: Result<Box<Examined>, String>,
    },
    /// A program was shown our state.
    Rehearsed {
        /// For which order.
        ticket: Ticket,
        /// What it said, or why it is refused.
        result: Result<String, String>,
    },
}

/// A job that the core waits for, and that no run or shared socket stands for.
pub(crate) enum Errand {
    /// A command was looked at.
    Probed {
        /// For which order.
        ticket: Ticket,
        /// What was found.
        result: Result<(), SpawnProblem>,
    },
    /// It is known where logs lie that are to be cleared.
    Located {
        /// For which order.
        ticket: Ticket,
        /// The logs.
        paths: Vec<PathBuf>,
        /// Where each is.
        places: [Place; 2],
    },
    /// An order for a spool was carried out, or not.
    Spooled {
        /// Which order.
        ticket: Ticket,
        /// What came of it.
        answer: Result<SpoolAnswer, SpoolProblem>,
    },
    /// The configuration was read.
    Loaded {
        /// For which order.
        ticket: Ticket,
        /// It is for the next life.
        for_restart: bool,
        /// The configuration or upstream's message.
        result: Box<Result<Config, Failure>>,
    },
    /// A program that a client gave was looked at.
    ProgramRead {
        /// For which order.
        ticket: Ticket,
        /// Its processes or upstream's message.
        result: Result<AddedProgram, Failure>,
    },
}
