//! What the core orders. An order that fails comes back as a fact.

use provost_model::{
    Answer, Envelope, GroupSpec, Notice, ProcId, ProcessSpec, RequestId, Run, Signal, Ticket,
};
use std::sync::Arc;

/// One order to the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A process came into service: the edge names and makes its AUTO logs.
    ProcessAdded {
        /// Which.
        proc: ProcId,
        /// Its configuration.
        spec: Arc<ProcessSpec>,
        /// Its group, for sockets that processes share and for knowing listeners.
        group: Arc<GroupSpec>,
    },
    /// A process went out of service; nothing of it runs.
    ProcessRemoved {
        /// Which.
        proc: ProcId,
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
        data: Vec<u8>,
    },
    /// Send an event to a listener. Only failure is answered, by `ListenerDeaf`.
    Deliver {
        /// Which run.
        run: Run,
        /// What.
        envelope: Envelope,
    },
    /// Print what a listener made of an event on supervisord's own standard output.
    Print {
        /// Process and channel, and what was written there.
        text: Vec<u8>,
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
