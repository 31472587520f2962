//! What the core is told: facts about the world, and requests.

use provost_model::helper::HelperWord;
use provost_model::spawn::{SocketProblem, SpawnProblem};
use provost_model::{
    Channel, Envelope, Errno, ExitStatus, GroupSpec, LogState, Orphan, Pid, ProcId, ProcessSpec,
    Request, RequestId, Resting, Run, Signal, Ticket,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// A configuration as the core needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedConfig {
    /// `identifier` of `[supervisord]`.
    pub identifier: Arc<str>,
    /// All groups, sorted by (priority, name), without two of one name.
    pub groups: Vec<Arc<GroupSpec>>,
}

/// One thing that happened or was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// A process that an earlier supervisord left behind lives and is to be taken over. Comes before `Started`.
    Orphan(Orphan),
    /// A process does not run, and what the supervisord before knew of it goes on. Comes before `Started`.
    Resting(Resting),
    /// Events get numbers from `first` on, because a supervisord before may have given those below it. The first `block` of
    /// them are reserved on disk already. Comes before `Started`; without it they begin at 0.
    SerialsFrom {
        /// The first number.
        first: u64,
        /// How many are reserved together.
        block: u64,
    },
    /// The daemon is ready: sockets are open, the pid file is written. Comes once, first but for what was there before.
    Started,
    /// A child exists.
    Spawned {
        /// Which run.
        run: Run,
        /// Its pid.
        pid: Pid,
    },
    /// A spawn failed before there was a child.
    SpawnFailed {
        /// Which run.
        run: Run,
        /// Why.
        problem: SpawnProblem,
    },
    /// The answer to `Effect::TrySocket`.
    SocketTried {
        /// Which order.
        ticket: Ticket,
        /// Whether the socket can be opened now.
        result: Result<(), SocketProblem>,
    },
    /// A child ended, and what it wrote is in its logs. Its pipes are read to the end or handed to a remnant.
    Exited {
        /// Which run.
        run: Run,
        /// How.
        status: ExitStatus,
        /// What more is known, for whoever asks why: it never became its program, or the kernel killed it.
        why: Option<String>,
    },
    /// A signal could not be sent.
    KillFailed {
        /// Which run.
        run: Run,
        /// `ESRCH` or another reason.
        errno: Errno,
        /// The signal that was meant.
        signal: Signal,
    },
    /// The answer to `Effect::Fence`.
    Fenced {
        /// Which order.
        ticket: Ticket,
    },
    /// The answer to `Effect::Probe`.
    Probed {
        /// Which order.
        ticket: Ticket,
        /// Whether the command can be executed now.
        result: Result<(), SpawnProblem>,
    },
    /// The answer to `Effect::WriteStdin`.
    StdinWritten {
        /// Which order.
        ticket: Ticket,
        /// Whether the bytes were taken.
        result: Result<(), StdinProblem>,
    },
    /// The answer to `Effect::ClearLogs` and `Effect::ClearMainLog`.
    LogsCleared {
        /// Which order.
        ticket: Ticket,
        /// An error names what failed.
        result: Result<(), ClearProblem>,
    },
    /// The answer to `Effect::LoadConfig`.
    ConfigLoaded {
        /// Which order.
        ticket: Ticket,
        /// The configuration, or upstream's message.
        result: Result<LoadedConfig, String>,
    },
    /// The answer to `Effect::ReadProgram`.
    ProgramRead {
        /// Which order.
        ticket: Ticket,
        /// The processes by (priority, name), without two of one name; or upstream's message.
        result: Result<Vec<Arc<ProcessSpec>>, String>,
    },
    /// The edge has chosen the path of an AUTO log.
    AutoLogNamed {
        /// Whose.
        proc: ProcId,
        /// Which channel.
        channel: Channel,
        /// Where.
        #[serde(with = "provost_model::saved::path")]
        path: PathBuf,
    },
    /// Bytes from a listener's stdout.
    ListenerSaid {
        /// Which run.
        run: Run,
        /// What it wrote.
        #[serde(with = "provost_model::saved::bytes")]
        data: Vec<u8>,
    },
    /// A listener's stdin is closed; the event with this serial was not delivered.
    ListenerDeaf {
        /// Which run.
        run: Run,
        /// Serial of the undelivered event.
        serial: u64,
    },
    /// A helper said something on its stdout.
    HelperSaid {
        /// Which run.
        run: Run,
        /// What.
        word: HelperWord,
    },
    /// A helper closed its stdin or stdout, perhaps because it ends.
    HelperHungUp {
        /// Which run.
        run: Run,
    },
    /// A call was not delivered to its helper.
    CallNotSent {
        /// Which run.
        run: Run,
        /// Number of the call.
        call: u64,
        /// Why.
        problem: StdinProblem,
    },
    /// The answer to `Effect::Spool`.
    SpoolAnswered {
        /// Which order.
        ticket: Ticket,
        /// What came of it. An error is told to the operator by who found it; nothing was changed then.
        answer: Result<SpoolAnswer, SpoolProblem>,
    },
    /// Text between capture tokens.
    Captured {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// The text.
        #[serde(with = "provost_model::saved::bytes")]
        data: Vec<u8>,
    },
    /// A chunk of output of a process with `…_events_enabled`.
    Logged {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// The chunk.
        #[serde(with = "provost_model::saved::bytes")]
        data: Vec<u8>,
    },
    /// A log of a run does not take output, or does again.
    LogState {
        /// Which run.
        run: Run,
        /// Which channel.
        channel: Channel,
        /// Where the log is.
        path: String,
        /// Which of both.
        state: LogState,
    },
    /// The operator wants another program to take over, and told so by a signal.
    UpgradeAsked,
    /// The answer to `Effect::Rehearse`.
    Rehearsed {
        /// Which order.
        ticket: Ticket,
        /// The version of the program that can take over, or why it cannot.
        result: Result<String, String>,
    },
    /// The answer to `Effect::HandOver`.
    HandedOver {
        /// Which order.
        ticket: Ticket,
        /// The version that has taken over, told by the new program; or why it has not, told by the old one, which
        /// goes on.
        result: Result<String, String>,
    },
    /// A signal to supervisord.
    Signal(Signal),
    /// Nothing happened but time; sent when `next_deadline` is reached.
    Tick,
    /// A client asks.
    Requested {
        /// Its number; the answer carries it.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// A client left before its answer.
    RequesterGone {
        /// Its number.
        id: RequestId,
    },
}

/// Why bytes for a child's stdin were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StdinProblem {
    /// The child closed it, or is gone.
    Closed,
    /// The child does not read and too much is waiting.
    Full,
}

/// Why a log could not be cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClearProblem {
    /// There is no log file; carries its path or is empty.
    NoFile(String),
    /// It was tried and failed; the reason.
    Failed(String),
}

/// What came of an order for a spool. `bytes` is what waits in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpoolAnswer {
    /// It is open.
    Opened {
        /// Records that wait in it.
        events: u64,
        /// See above.
        bytes: u64,
    },
    /// Events were written.
    Appended {
        /// How many of them; for the others there is no room.
        taken: usize,
        /// See above.
        bytes: u64,
    },
    /// Events were read.
    Read {
        /// Events with the numbers of their records.
        events: Vec<(u64, Envelope)>,
        /// How many are there still to be read. None when what follows was damaged and is set aside.
        left: u64,
        /// See above.
        bytes: u64,
    },
    /// What is done was noted.
    Marked {
        /// See above.
        bytes: u64,
    },
    /// What was left is in the file, and it is closed.
    Saved,
    /// Whoever had the file open broke down over this order or one before: how far it was carried out nobody knows, and
    /// the file is to be opened anew.
    Lost,
}

/// An order for a spool could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolProblem;
