//! What the logs thread is told to do, and what it tells.

use super::backlog::Charge;
use super::carried::{CarriedRun, HeldLog};
use provost_core::ClearProblem;
use provost_model::{Channel, Errno, LogState, ProcId, ProcessSpec, Run, Ticket};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// One order to the logs thread. Orders are carried out in the order given.
#[derive(Debug)]
pub enum Order {
    /// Make an empty AUTO log that only we can read. Failure is one line in the main log.
    CreateAuto {
        /// Where; named by [`super::auto_log_path`].
        path: PathBuf,
    },
    /// Open the logs of a run, before its child is forked. Answered by [`Fact::Opened`].
    Open {
        /// The run that is about to be spawned.
        run: Run,
        /// Its process, whose earlier runs may still have writers.
        proc: ProcId,
        /// Its configuration.
        spec: Arc<ProcessSpec>,
        /// The file of channel 1; none means no file.
        stdout: Option<PathBuf>,
        /// The file of channel 2; none means no file.
        stderr: Option<PathBuf>,
        /// Whether its stdout is a protocol: that of an event listener, which comes by [`Order::ListenerOutput`], or that
        /// of a helper, which does not come here.
        listener: bool,
    },
    /// Open the logs of a run that lives already, and take over the read ends of its pipes. A log that cannot be opened is
    /// done without, and the main log says so.
    Adopt {
        /// The run.
        run: Run,
        /// Its process.
        proc: ProcId,
        /// Its configuration, with the channels that it was started with.
        spec: Arc<ProcessSpec>,
        /// The files of its channels; none means no file.
        paths: [Option<PathBuf>; 2],
        /// The pipes.
        pipes: Vec<(Channel, OwnedFd)>,
    },
    /// Go on with the logs of a run where an earlier image of ours left off. As with [`Order::Adopt`], a log that cannot
    /// be opened is done without.
    Resume(Box<CarriedRun>),
    /// Go on with what waited for a log.
    ResumeLog(Box<HeldLog>),
    /// Take over the read end of an output pipe of an opened run; it is made non-blocking.
    Attach {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// The pipe.
        fd: OwnedFd,
    },
    /// Append what a listener wrote on its stdout to the listener's log.
    ListenerOutput {
        /// Which run.
        run: Run,
        /// What it wrote.
        data: Vec<u8>,
    },
    /// Write this to our own standard output, where the lines of the main log go in the foreground.
    Print {
        /// What.
        text: Vec<u8>,
    },
    /// The child was reaped: read what it wrote until now. Answered by [`Fact::Drained`].
    ///
    /// A pipe that somebody else still holds open stays as a remnant until its end.
    Drain {
        /// Which run.
        run: Run,
    },
    /// The spawn failed after `Open`, or all was told and read: forget the run.
    Abandon {
        /// Which run.
        run: Run,
    },
    /// Replace these logs of a process by empty ones. Answered by [`Fact::Cleared`].
    Clear {
        /// For the answer.
        ticket: Ticket,
        /// Its log files, each once.
        paths: Vec<PathBuf>,
    },
    /// Replace the main log by an empty one. Answered by [`Fact::Cleared`].
    ClearMain {
        /// For the answer.
        ticket: Ticket,
    },
    /// Open all log files anew by their names, the main log first.
    Reopen,
    /// A process went out of service: close what is left of it.
    Forget {
        /// Which.
        proc: ProcId,
    },
    /// Whether ANSI escape sequences are dropped from now on.
    StripAnsi(bool),
}

/// One thing the logs thread tells.
#[derive(Debug)]
pub enum Fact {
    /// The logs of a run are open, or one could not be opened.
    Opened {
        /// Which run.
        run: Run,
        /// Which could not be opened, and the system's reason; then nothing of the run is kept.
        result: Result<(), (PathBuf, Errno)>,
    },
    /// Everything a reaped child wrote was read (or its log takes nothing just now and the rest waits in the pipe).
    Drained {
        /// Which run.
        run: Run,
    },
    /// Text between capture tokens.
    Captured {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// The text.
        data: Vec<u8>,
        /// Counts as undelivered until dropped.
        charge: Charge,
    },
    /// A chunk of output of a process with `…_events_enabled`.
    Logged {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// The chunk.
        data: Vec<u8>,
        /// Counts as undelivered until dropped.
        charge: Charge,
    },
    /// A pipe has come to its end.
    Closed {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
    },
    /// The log of a channel does not take output, or does again.
    LogState {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// Where it is.
        path: PathBuf,
        /// Which of both.
        state: LogState,
    },
    /// Logs were cleared or not.
    Cleared {
        /// Which order.
        ticket: Ticket,
        /// What failed.
        result: Result<(), ClearProblem>,
    },
}
