//! Everything a client may ask of the core, and what it may be answered.

use crate::fault::Fault;
use crate::info::{ConfigInfo, PoolInfo, ProcessInfo, ProcessResult};
use crate::{Channel, SupervisorState};
use std::path::PathBuf;

/// What a client asks. Names are as the client gave them: `name`, `group:name`, `group:*` or `group:`.
///
/// Unless said otherwise a request is refused with `SHUTDOWN_STATE` while the daemon stops or restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Only the check for `SHUTDOWN_STATE`, for methods whose answer needs nothing of the core.
    Check,
    /// State of supervisord. Answer: `State`.
    GetState,
    /// `identifier`. Answer: `Text`.
    GetIdentification,
    /// One process. Answer: `Info`.
    GetProcessInfo {
        /// Which.
        name: String,
    },
    /// All processes by group and name. Answer: `Infos`.
    GetAllProcessInfo,
    /// The latest configuration read. Answer: `Configs`.
    GetAllConfigInfo,
    /// Start one, or a group when the name says so. Answer: `Done`, or `Results` for a group.
    StartProcess {
        /// Which.
        name: String,
        /// Answer when it runs.
        wait: bool,
    },
    /// Start a group. Answer: `Results`.
    StartProcessGroup {
        /// Which.
        name: String,
        /// Answer when all run.
        wait: bool,
    },
    /// Start everything. Answer: `Results`.
    StartAllProcesses {
        /// Answer when all run.
        wait: bool,
    },
    /// Stop one, or a group when the name says so. Answer: `Done`, or `Results` for a group.
    StopProcess {
        /// Which.
        name: String,
        /// Answer when it has ended.
        wait: bool,
    },
    /// Stop a group. Answer: `Results`.
    StopProcessGroup {
        /// Which.
        name: String,
        /// Answer when all have ended.
        wait: bool,
    },
    /// Stop everything. Answer: `Results`.
    StopAllProcesses {
        /// Answer when all have ended.
        wait: bool,
    },
    /// Send a signal to one, or a group when the name says so. Answer: `Done` or `Results`.
    SignalProcess {
        /// Which.
        name: String,
        /// Name or number as given.
        signal: String,
    },
    /// Send a signal to a group. Answer: `Results`.
    SignalProcessGroup {
        /// Which.
        name: String,
        /// Name or number as given.
        signal: String,
    },
    /// Send a signal to everything that lives. Answer: `Results`.
    SignalAllProcesses {
        /// Name or number as given.
        signal: String,
    },
    /// Write to a process. Answer: `Done`.
    SendProcessStdin {
        /// Which.
        name: String,
        /// Sent as UTF-8.
        chars: String,
    },
    /// Publish an event; never refused while stopping. Answer: `Done`.
    SendRemoteCommEvent {
        /// Type field.
        kind: String,
        /// Body.
        data: String,
    },
    /// Read the configuration again and tell what differs. Answer: `Reload`.
    ReloadConfig,
    /// Take a group of the latest configuration into service. Answer: `Done`.
    AddProcessGroup {
        /// Which.
        name: String,
    },
    /// Take a stopped group out of service. Answer: `Done`.
    RemoveProcessGroup {
        /// Which.
        name: String,
    },
    /// End the daemon. Answer: `Done`.
    Shutdown,
    /// Stop everything and start anew. Answer: `Done`, or `CANT_REREAD` when the configuration is broken.
    Restart,
    /// Where a process logs, for reading. Answer: `Log`; `BAD_NAME` also for `group:*`.
    LogPath {
        /// Which.
        name: String,
        /// Which channel.
        channel: Channel,
    },
    /// As `LogPath`, for following over HTTP: not refused while stopping.
    FollowPath {
        /// Which.
        name: String,
        /// Which channel.
        channel: Channel,
    },
    /// Empty the logs of one, or of a group when the name says so (an extension). Answer: `Done` or `Results`.
    ClearProcessLogs {
        /// Which.
        name: String,
    },
    /// Empty the logs of everything. Answer: `Results`.
    ClearAllProcessLogs,
    /// Empty supervisord's own log. Answer: `Done`.
    ClearMainLog,
    /// All listener pools by name. Answer: `Pools`.
    GetEventPools,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `true` on the wire.
    Done,
    /// A text.
    Text(String),
    /// State of supervisord.
    State(SupervisorState),
    /// One process.
    Info(Box<ProcessInfo>),
    /// Many processes.
    Infos(Vec<ProcessInfo>),
    /// Many configurations.
    Configs(Vec<ConfigInfo>),
    /// One line a process.
    Results(Vec<ProcessResult>),
    /// All listener pools.
    Pools(Vec<PoolInfo>),
    /// Group names that differ between the configuration in service and the latest one.
    Reload {
        /// New groups, in the order of the configuration.
        added: Vec<String>,
        /// Groups whose configuration differs, in the order of the configuration.
        changed: Vec<String>,
        /// Groups no longer configured, in the order of their creation.
        removed: Vec<String>,
    },
    /// A log: none when the channel has no log file.
    Log(Option<PathBuf>),
}

/// What every request gets exactly once, unless its sender leaves.
pub type Answer = Result<Reply, Fault>;
