//! What the core orders. An order that fails comes back as a fact.

use provost_model::{
    Answer, Envelope, FcgiSpec, GroupSpec, Notice, Pid, ProcId, ProcessSpec, ProcessState,
    RequestId, Run, Signal, SocketId, SpoolId, Ticket, Wall,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// One order to the edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A process came into service: the edge names and makes its AUTO logs.
    ProcessAdded {
        /// Which.
        proc: ProcId,
        /// Its configuration.
        spec: Arc<ProcessSpec>,
        /// Its group, for knowing listeners.
        group: Arc<GroupSpec>,
    },
    /// A process went out of service; nothing of it runs.
    ProcessRemoved {
        /// Which.
        proc: ProcId,
    },
    /// A process came into a state, or its child was born. For those who look; nothing is to be done.
    Changed {
        /// Which.
        proc: ProcId,
        /// The state that it came into. A later order of the same step may tell of another.
        state: ProcessState,
    },
    /// Open a socket that processes share: bind, give it mode and owner, listen. Not answered: a failure is told by
    /// the `SpawnFailed` of each run that uses it. Orders with other numbers for the same address are carried out one
    /// after the other.
    OpenSocket {
        /// Its number.
        socket: SocketId,
        /// What is to be opened.
        spec: Arc<FcgiSpec>,
    },
    /// Close our copy of a shared socket. Nobody uses it.
    CloseSocket {
        /// Which; also one that could not be opened.
        socket: SocketId,
    },
    /// Open a socket and close it again. Answered by `SocketTried`.
    TrySocket {
        /// For the answer.
        ticket: Ticket,
        /// What is to be opened.
        spec: Arc<FcgiSpec>,
    },
    /// Make pipes and logs, fork, execute. Always answered, by `Spawned` or `SpawnFailed`, and later by `Exited`.
    ///
    /// The answer must not hang on a disk: a log that cannot be opened within a few seconds is a `SpawnFailed`, since a
    /// process whose spawn is under way can be neither stopped nor left behind.
    Spawn {
        /// Which process.
        proc: ProcId,
        /// The new run.
        run: Run,
        /// The shared socket that becomes its descriptor 0, opened by an earlier order.
        socket: Option<SocketId>,
    },
    /// Take over a process that runs already: its pipes, its record, its end. Answered by `Exited` only.
    Adopt {
        /// Which process.
        proc: ProcId,
        /// The run that it is from now on.
        run: Run,
        /// Its pid, as the `Orphan` had it.
        pid: Pid,
    },
    /// Send a signal.
    Kill {
        /// To which run.
        run: Run,
        /// Which.
        signal: Signal,
        /// To its whole process group.
        whole_group: bool,
    },
    /// Send a signal to every process that came from a run's child, but not to the child itself; comes before the signal
    /// to the child. The exit of the run is not told before all of them have ended, or could not be ended.
    KillTree {
        /// From which run's child.
        run: Run,
        /// Which.
        signal: Signal,
    },
    /// Answer with `Fenced` once every earlier order has been carried out and each failure of one that fails at
    /// once (`KillFailed`) has been told. So a client hears of a signal that could not be sent.
    Fence {
        /// For the answer.
        ticket: Ticket,
    },
    /// Tell whether the command can be executed. Answered by `Probed`.
    Probe {
        /// For the answer.
        ticket: Ticket,
        /// Which process.
        proc: ProcId,
    },
    /// Write to a child. Answered by `StdinWritten`.
    WriteStdin {
        /// For the answer.
        ticket: Ticket,
        /// Which run.
        run: Run,
        /// What.
        #[serde(with = "provost_model::saved::bytes")]
        data: Vec<u8>,
    },
    /// Send an event to a listener. Only failure is answered, by `ListenerDeaf`.
    Deliver {
        /// Which run.
        run: Run,
        /// What.
        envelope: Envelope,
    },
    /// Send a call to a helper. Only failure is answered, by `CallNotSent`.
    CallHelper {
        /// Which run.
        run: Run,
        /// Number of the call.
        call: u64,
        /// The body of the frame.
        #[serde(with = "provost_model::saved::bytes")]
        body: Vec<u8>,
        /// When nobody waits for its answer any more.
        until: Wall,
    },
    /// Read nothing more from a helper, and write nothing more to it.
    HangUp {
        /// Which run.
        run: Run,
    },
    /// Print what a listener made of an event on supervisord's own standard output.
    Print {
        /// Process and channel, and what was written there.
        #[serde(with = "provost_model::saved::bytes")]
        text: Vec<u8>,
    },
    /// Work with the file of a listener pool. Always answered, by `SpoolAnswered`. Orders for one path are carried out
    /// in the order in which they were given, also those of different spools.
    Spool {
        /// For the answer.
        ticket: Ticket,
        /// Which.
        spool: SpoolId,
        /// What.
        order: SpoolOrder,
    },
    /// Unlink and reopen a process' logs. Answered by `LogsCleared`.
    ClearLogs {
        /// For the answer.
        ticket: Ticket,
        /// Which process.
        proc: ProcId,
    },
    /// Unlink and reopen supervisord's own log. Answered by `LogsCleared`.
    ClearMainLog {
        /// For the answer.
        ticket: Ticket,
    },
    /// Close and open all logs again.
    ReopenLogs,
    /// Read and check the configuration. Answered by `ConfigLoaded`.
    LoadConfig {
        /// For the answer.
        ticket: Ticket,
        /// For a restart: the edge keeps the whole result for the next life.
        for_restart: bool,
    },
    /// Make processes of a program that stands in no file. Answered by `ProgramRead`.
    ReadProgram {
        /// For the answer.
        ticket: Ticket,
        /// The group that they are for.
        group: String,
        /// Name of the program.
        program: String,
        /// Keys, lower case, and values.
        options: Vec<(String, String)>,
    },
    /// Find out whether another program can take over, changing nothing. Answered by `Rehearsed`.
    Rehearse {
        /// For the answer.
        ticket: Ticket,
        /// Its path as the client gave it; none means the one that supervisord was started from.
        binary: Option<String>,
    },
    /// Let the program that was rehearsed last take over. Answered by `HandedOver`, by whichever program goes on with
    /// the state.
    HandOver {
        /// For the answer.
        ticket: Ticket,
    },
    /// Write down that events may get numbers below `until`, so that the next life begins with that if this one is
    /// killed. Not answered: thousands of numbers are left until then. A disk that fails meanwhile is told of by who finds
    /// it, and tried again.
    ReserveSerials {
        /// The first number that is free.
        until: u64,
    },
    /// Answer a client.
    Reply {
        /// Whom.
        id: RequestId,
        /// With what.
        answer: Answer,
    },
    /// Tell the operator.
    Notice(Notice),
    /// Everything has ended: leave. `restart` means start anew with the configuration loaded for it.
    Exit {
        /// Start anew.
        restart: bool,
    },
}

/// What is to be done with the file of a listener pool.
///
/// Records have numbers that grow; who reads them gives them. `done` tells that all records before that number are not
/// needed any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpoolOrder {
    /// Open it, or make it. Answered by `Opened`.
    Open {
        /// The pool, for messages.
        pool: Arc<str>,
        /// Where.
        #[serde(with = "provost_model::saved::path")]
        path: PathBuf,
        /// Bytes that may wait in it.
        maxbytes: u64,
    },
    /// Write events behind all others. Answered by `Appended`.
    Append {
        /// See above.
        done: u64,
        /// The events.
        events: Vec<Envelope>,
    },
    /// Read on. Answered by `Read`.
    Read {
        /// See above.
        done: u64,
        /// Records at most; fewer come where they are large, but at least one.
        max: usize,
    },
    /// Only note what is done. Answered by `Marked`.
    Mark {
        /// See above.
        done: u64,
    },
    /// Leave in the file, in this order: `first`, its own records from `from` on, `unsure` as far as the `Append` under
    /// way has not taken them, and `last`. Then close it. Answered by `Saved`.
    Save {
        /// Events before all that is in the file.
        first: Vec<Envelope>,
        /// Records before this one are not needed any more.
        from: u64,
        /// What the `Append` before this order was to write and is not answered.
        unsure: Vec<Envelope>,
        /// Events behind all that is in the file.
        last: Vec<Envelope>,
    },
}
