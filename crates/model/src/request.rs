//! Everything a client may ask of the core, and what it may be answered.

use crate::access::Scope;
use crate::fault::Fault;
use crate::helper::{HelperAnswer, HelperMethod};
use crate::info::{
    ConfigInfo, GroupDifference, PoolInfo, ProcessDetail, ProcessHistory, ProcessInfo,
    ProcessResult, ProcessView,
};
use crate::{Channel, Level, Run, SupervisorState};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// What a client asks. Names are as the client gave them: `name`, `group:name`, `group:*` or `group:`.
///
/// Unless said otherwise a request is refused with `SHUTDOWN_STATE` while the daemon stops or restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// One process, and all that there is to tell of it. Answer: `Detail`.
    GetProcessDetail {
        /// Which.
        name: String,
    },
    /// What became of one process. Answer: `History`.
    GetProcessHistory {
        /// Which.
        name: String,
    },
    /// All processes by group and name, as those see them who look at all of them. Answer: `Views`.
    GetAllViews,
    /// What differs between the configuration in service and the latest one read. Answer: `Differences`.
    GetDifferences,
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
    /// Let another program take over without touching what runs. Answer: `Text`, its version; `FAILED` when it cannot, or
    /// when an upgrade is under way.
    Upgrade {
        /// Its path; none means the one that supervisord was started from.
        binary: Option<String>,
    },
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
    /// Call a method of a helper. Answer: `Helper`; `UNKNOWN_METHOD`, also while stopping, when no helper has it.
    CallHelper {
        /// Which helper.
        namespace: String,
        /// Which of its methods.
        method: String,
        /// The frame's body.
        #[serde(with = "crate::saved::bytes")]
        body: Vec<u8>,
    },
    /// What helpers have announced; never refused while stopping. Answer: `HelperMethods`.
    HelperMethods,
    /// The answer of this run of a helper was not of the protocol. Answer: `Done`.
    HelperMisspoke {
        /// Which run.
        run: Run,
        /// What was wrong, in words.
        what: String,
    },
    /// As `SignalProcess`, by the rules of `mr.laforge`: what stops is not running, and a signal that is unknown is a
    /// bad argument. Answer: `Done` or `Results`.
    KillProcess {
        /// Which.
        name: String,
        /// Name or number as given.
        signal: String,
    },
    /// The same for a group. Answer: `Results`.
    KillProcessGroup {
        /// Which.
        name: String,
        /// Name or number as given.
        signal: String,
    },
    /// Names of the groups in service, in the order in which they came. Answer: `Names`.
    GetGroupNames,
    /// Write a line to supervisord's own log. Answer: `Done`.
    LogMessage {
        /// How severe.
        level: Level,
        /// What.
        text: String,
    },
    /// Take the processes of a program that no file has into a group in service. Answer: `Done`.
    AddProgramToGroup {
        /// Which group.
        group: String,
        /// Name of the program.
        program: String,
        /// Its keys, lower case, and their values, as its section would have them.
        options: Vec<(String, String)>,
    },
    /// Take a process that does not run out of its group. Answer: `Done`.
    RemoveProcessFromGroup {
        /// Which group.
        group: String,
        /// Which process.
        process: String,
    },
    /// Something to do with a store of values.
    Cache {
        /// The namespace of the store; each has its own.
        namespace: String,
        /// What.
        deed: CacheDeed,
    },
    /// All listener pools by name. Answer: `Pools`.
    GetEventPools,
    /// A request of somebody to whom only some programs exist. Answer: that of the request, with lists whole: who shows
    /// them leaves out what the client may not see.
    Within {
        /// Which programs.
        scope: Arc<Scope>,
        /// What.
        request: Box<Request>,
    },
}

/// What a client does with a store of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheDeed {
    /// All keys, sorted. Answer: `Names`.
    Keys,
    /// How many keys. Answer: `Count`.
    Count,
    /// Keep a value. Answer: `Done`.
    Store {
        /// Its key, not empty.
        key: String,
        /// The value as it is on the wire; nobody but the edge looks into it.
        #[serde(with = "crate::saved::bytes")]
        value: Arc<[u8]>,
    },
    /// Give a value back. Answer: `Stored`.
    Fetch {
        /// Its key.
        key: String,
    },
    /// Forget a value; none may be there. Answer: `Done`.
    Delete {
        /// Its key.
        key: String,
    },
    /// Forget all. Answer: `Done`.
    Clear,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// One process and all that there is to tell of it.
    Detail(Box<ProcessDetail>),
    /// What became of one process.
    History(Box<ProcessHistory>),
    /// Many processes.
    Views {
        /// They.
        views: Vec<ProcessView>,
        /// Where the edge's list of changes stood then; the edge puts it in.
        position: Option<(u64, u64)>,
    },
    /// What differs, group by group.
    Differences(Vec<GroupDifference>),
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
    Log(#[serde(with = "crate::saved::maybe_path")] Option<PathBuf>),
    /// What a helper answered.
    Helper(HelperAnswer),
    /// Namespaces of helpers, each with what its helper announced last, by name.
    HelperMethods(Vec<(Arc<str>, Arc<[HelperMethod]>)>),
    /// Many names.
    Names(Vec<String>),
    /// A number of things.
    Count(usize),
    /// A value as it was stored.
    Stored(#[serde(with = "crate::saved::bytes")] Arc<[u8]>),
}

/// What every request gets exactly once, unless its sender leaves.
pub type Answer = Result<Reply, Fault>;
