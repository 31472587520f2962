//! What queries answer.

use crate::spec::{AutoRestart, ProcessSpec};
use crate::{EventKind, ExitStatus, ProcId, ProcessState, Signal};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The `description` of a process, before local time and wording are added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Description {
    /// RUNNING: pid and whole seconds up.
    Up {
        /// Seconds since the start, never negative.
        uptime_secs: u64,
    },
    /// BACKOFF or FATAL: the spawn error, possibly empty.
    Trouble,
    /// STOPPED or EXITED, never started.
    NotStarted,
    /// STOPPED or EXITED: see `stop`.
    Ended,
    /// STARTING, STOPPING, UNKNOWN.
    Empty,
}

/// One process as `getProcessInfo` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Process name.
    pub name: Arc<str>,
    /// Group name.
    pub group: Arc<str>,
    /// Wall seconds of the last start, or 0.
    pub start: i64,
    /// Wall seconds of the last end, or 0.
    pub stop: i64,
    /// Wall seconds now.
    pub now: i64,
    /// State.
    pub state: ProcessState,
    /// Last spawn error, or empty.
    pub spawnerr: String,
    /// Last exit status (-1 after a signal), 0 when none.
    pub exitstatus: i32,
    /// Path of the stdout log, when it has one.
    #[serde(with = "crate::saved::log_path")]
    pub stdout_logfile: Option<Arc<Path>>,
    /// Path of the stderr log, when it has one.
    #[serde(with = "crate::saved::log_path")]
    pub stderr_logfile: Option<Arc<Path>>,
    /// Pid, or 0.
    pub pid: i32,
    /// What to say about it.
    pub description: Description,
}

/// How a child ended last, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// How.
    pub status: ExitStatus,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// It ended as it should: after a stop, or with one of its exit codes.
    pub expected: bool,
}

/// One process as those see it who look at all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessView {
    /// As `getProcessInfo` shows it.
    pub info: ProcessInfo,
    /// When it came into its state, in milliseconds since 1970; none for one that has always been in it.
    pub since_ms: Option<u64>,
    /// Children that were born.
    pub starts: u32,
    /// Starts that nobody asked for.
    pub restarts: u32,
    /// Spawns that came to nothing.
    pub spawn_failures: u32,
    /// How it ended last, as far back as that is kept.
    pub last_exit: Option<LastExit>,
    /// Whether it starts with supervisord.
    pub autostart: bool,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// The state that it came into.
    pub state: ProcessState,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// How the child ended whose end it was.
    pub exit: Option<ExitStatus>,
}

/// One process and all that there is to tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessDetail {
    /// What lists show of it.
    pub view: ProcessView,
    /// Its configuration in force.
    pub spec: Arc<ProcessSpec>,
    /// Its last changes, the oldest first.
    pub changes: Vec<StateChange>,
}

/// Changes that are alike: the first of them, and how often it came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastChange {
    /// The first.
    pub first: StateChange,
    /// When the last was, in milliseconds since 1970.
    pub until_ms: u64,
    /// How many there were.
    pub count: u32,
}

/// An end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastExit {
    /// How and when.
    pub exit: LastExit,
    /// How many bytes had been written to its logs then, as the edge counts them; the edge puts it in.
    pub logged: Option<[u64; 2]>,
}

/// What became of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessHistory {
    /// Which.
    pub proc: ProcId,
    /// Where its stdout goes.
    #[serde(with = "crate::saved::log_path")]
    pub stdout_logfile: Option<Arc<Path>>,
    /// Where its stderr goes.
    #[serde(with = "crate::saved::log_path")]
    pub stderr_logfile: Option<Arc<Path>>,
    /// Since when nothing is left out, in milliseconds since 1970.
    pub since_ms: u64,
    /// Changes of state, by the first of each kind.
    pub changes: Vec<PastChange>,
    /// Its last ends, the oldest first.
    pub exits: Vec<PastExit>,
}

/// What an update would do with a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDifference {
    /// Which.
    pub group: String,
    /// It is in service.
    pub is_served: bool,
    /// It is in the latest configuration.
    pub is_configured: bool,
    /// Options whose values differ.
    pub options: Vec<String>,
    /// Processes that would be stopped.
    pub stops: Vec<String>,
    /// Processes that would be started.
    pub starts: Vec<String>,
}

/// One output channel as `getAllConfigInfo` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// `none`, `auto` or the path.
    pub logfile: String,
    /// Bytes.
    pub maxbytes: i64,
    /// Count.
    pub backups: i64,
    /// Bytes.
    pub capture_maxbytes: i64,
    /// Flag.
    pub events_enabled: bool,
    /// Flag.
    pub syslog: bool,
}

/// One configured process as `getAllConfigInfo` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigInfo {
    /// Starts with supervisord.
    pub autostart: bool,
    /// Starts again by itself.
    pub autorestart: AutoRestart,
    /// Working directory.
    pub directory: Option<String>,
    /// User id.
    pub uid: Option<u32>,
    /// Command line.
    pub command: String,
    /// Expected exit codes.
    pub exitcodes: Vec<i32>,
    /// Group name.
    pub group: String,
    /// Group priority.
    pub group_prio: i64,
    /// Whether the group is active.
    pub inuse: bool,
    /// Kill signal goes to the group.
    pub killasgroup: bool,
    /// Process name.
    pub name: String,
    /// Process priority.
    pub process_prio: i64,
    /// Channel 2 follows channel 1.
    pub redirect_stderr: bool,
    /// Retries.
    pub startretries: i64,
    /// Seconds.
    pub startsecs: i64,
    /// Channel 1.
    pub stdout: OutputInfo,
    /// Channel 2.
    pub stderr: OutputInfo,
    /// Stop signal.
    pub stopsignal: Signal,
    /// Seconds.
    pub stopwaitsecs: i64,
    /// `serverurl` as written.
    pub serverurl: Option<String>,
}

/// One line of a result array (`stopAllProcesses` and its like).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessResult {
    /// Process name.
    pub name: String,
    /// Group name.
    pub group: String,
    /// Fault code, `Success` when done.
    pub status: crate::FaultCode,
    /// `OK` or the fault string.
    pub description: String,
}

/// One listener pool as `provost.getEventPools` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolInfo {
    /// Name of the pool.
    pub name: Arc<str>,
    /// Subscribed kinds, as configured.
    pub events: Vec<EventKind>,
    /// Events that the buffer can hold.
    pub buffer_size: usize,
    /// Events in the buffer.
    pub queued: usize,
    /// Events that listeners have done since the pool came into service.
    pub delivered: u64,
    /// Refusals since then; a refused event comes again.
    pub rejected: u64,
    /// Events that were thrown away since then.
    pub dropped: u64,
    /// Its spool, if it has one.
    pub spool: Option<SpoolInfo>,
    /// Its listeners, in the order in which they are given events.
    pub listeners: Vec<ListenerInfo>,
}

/// A pool's spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolInfo {
    /// Where.
    #[serde(with = "crate::saved::path")]
    pub path: PathBuf,
    /// Bytes that may wait in it.
    pub maxbytes: u64,
    /// Bytes that wait in it.
    pub bytes: u64,
    /// Events that wait in it, and on the way to and from it.
    pub events: u64,
    /// Events written to it since the pool came into service.
    pub spooled: u64,
    /// Whether it works: not while it is being opened, nor after an order that failed.
    pub works: bool,
}

/// A listener of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerInfo {
    /// Process name.
    pub name: Arc<str>,
    /// State of the process.
    pub state: ProcessState,
    /// Pid, or 0.
    pub pid: i32,
    /// Where it stands in the protocol: `ACKNOWLEDGED`, `READY`, `BUSY` or `UNKNOWN`; empty while no process runs.
    #[serde(with = "crate::saved::listener_word")]
    pub listener_state: crate::saved::ListenerWord,
    /// The event it works on: serial and kind.
    pub event: Option<(u64, EventKind)>,
}
