//! What answers hold, and how it is made of what the core tells.

mod detail;
mod finding;
mod history;
mod log;
mod usage;

pub use detail::{Origin, ProcessDetail, Sight};
pub use finding::{Finding, Refusal};
pub use history::{History, PastExit, StateChange, Words};
pub use log::{LogGap, LogPiece, LogRestart, LogText};
pub use usage::{Usage, UsageHistory, UsageSample, UsageSeries};

use super::schema::shapes;
use crate::describe::description;
use provost_model::info::{self, PoolInfo, ProcessView};
use provost_model::{ExitStatus, Fault};
use std::path::Path;
use std::sync::Arc;

shapes! {
    /// How a process ended.
    Exit {
        /// The exit code; null when a signal ended it, or when nobody can tell.
        code: Option<i32>,
        /// The name of the signal that ended it, or its number.
        signal: Option<String>,
        /// Whether a core file was written.
        core_dumped: bool,
        /// When, in milliseconds since 1970.
        at: u64,
        /// Whether it ended as it should: after a stop, or with one of `exitcodes` once it was up.
        expected: bool,
    }

    /// One process.
    Process {
        /// Its group.
        group: Arc<str>,
        /// Its name in the group.
        name: Arc<str>,
        /// STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN.
        state: &'static str,
        /// When it came into that state, in milliseconds since 1970; null for one that was never in another.
        since: Option<u64>,
        /// The process id while it lives.
        pid: Option<i32>,
        /// When it was started last, in seconds since 1970; null when it never was.
        start: Option<i64>,
        /// When it ended last, in seconds since 1970; null when it never did.
        stop: Option<i64>,
        /// Children that were born.
        starts: u32,
        /// Starts that nobody asked for: after an end by itself, or a start that failed.
        restarts: u32,
        /// Spawns that came to nothing.
        spawn_failures: u32,
        /// How it ended last, as far back as that is kept.
        last_exit: Option<Exit>,
        /// What went wrong last; empty when nothing did.
        error: String,
        /// What `supervisorctl status` says behind the state.
        description: String,
        /// Whether it starts with supervisord.
        autostart: bool,
        /// Path of its log; null when it has none.
        stdout_log: Option<String>,
        /// Path of its log of errors; null when it has none.
        stderr_log: Option<String>,
        /// Bytes that its logs have taken since supervisord began.
        log_bytes: LogBytes,
    }

    /// Bytes that the logs of a process have taken since supervisord began or it came into service, also over an upgrade in
    /// place. Those of a log that programs share are counted together.
    LogBytes {
        /// Of its log; 0 when it has none.
        stdout: u64,
        /// Of its log of errors; 0 when it has none.
        stderr: u64,
    }

    /// All processes that the caller may see.
    Processes {
        /// When, in milliseconds since 1970.
        now: u64,
        /// By group, then by name.
        processes: Vec<Process>,
    }

    /// A process that is no longer in service.
    Removed {
        /// Its group.
        group: String,
        /// Its name in the group.
        name: String,
    }

    /// supervisord does not answer, or did not.
    Stall {
        /// Since when, in milliseconds since 1970.
        since: u64,
    }

    /// A listener of an event pool.
    Listener {
        /// Its name in the group, which is called like the pool.
        name: Arc<str>,
        /// The state of its process.
        state: &'static str,
        /// The process id while it lives.
        pid: Option<i32>,
        /// ACKNOWLEDGED, READY, BUSY or UNKNOWN; empty while no process runs.
        listener_state: String,
    }

    /// A pool of event listeners.
    Pool {
        /// Its name.
        name: Arc<str>,
        /// Events that its buffer can hold.
        buffer_size: u64,
        /// Events that wait in the buffer.
        queued: u64,
        /// Events that were done.
        delivered: u64,
        /// Refusals; a refused event comes again.
        rejected: u64,
        /// Events that were thrown away.
        dropped: u64,
        /// Events that wait in its spool; null when it has none.
        spooled: Option<u64>,
        /// Its listeners.
        listeners: Vec<Listener>,
    }

    /// supervisord itself.
    Daemon {
        /// The version of Provost.
        version: &'static str,
        /// The version of Supervisor that it is compatible with.
        supervisor_version: &'static str,
        /// Its process id.
        pid: u32,
        /// RUNNING, RESTARTING or SHUTDOWN.
        state: &'static str,
        /// `identifier` of the configuration.
        identifier: String,
        /// When its process began, in milliseconds since 1970.
        start: u64,
        /// For how many seconds it has been there.
        uptime_seconds: u64,
        /// Files that the configuration was read from; empty for callers without the right `config` for all programs.
        config_files: Vec<String>,
        /// What the check of the configuration warns of; empty for the same callers.
        warnings: Vec<String>,
        /// Seconds of processors that it has taken.
        cpu_seconds: f64,
        /// Bytes of memory in use (resident set).
        rss_bytes: u64,
        /// Descriptors that are open.
        open_fds: u64,
        /// Pools of event listeners.
        pools: Vec<Pool>,
    }

    /// It was done.
    Done {
        /// Always `ok`.
        result: &'static str,
    }

    /// What became of one process.
    Outcome {
        /// Its group.
        group: String,
        /// Its name in the group.
        name: String,
        /// SUCCESS, or the name of a fault.
        code: &'static str,
        /// `OK`, or what went wrong.
        message: String,
    }

    /// What became of each process.
    Outcomes {
        /// In the order in which they ended.
        results: Vec<Outcome>,
    }

    /// What would become of a group.
    Change {
        /// Its name.
        group: String,
        /// `add`, `remove` or `restart`.
        action: &'static str,
        /// Why.
        reason: String,
        /// Options whose values differ.
        options: Vec<String>,
        /// Processes that would be stopped.
        stops: Vec<String>,
        /// Processes that would be started.
        starts: Vec<String>,
    }

    /// What the files of the configuration would change.
    Plan {
        /// Group by group; empty when nothing differs.
        changes: Vec<Change>,
    }

    /// What was changed.
    Updated {
        /// Groups that came into service.
        added: Vec<String>,
        /// Groups that were stopped and taken into service anew.
        restarted: Vec<String>,
        /// Groups that were stopped and taken out of service.
        removed: Vec<String>,
    }

    /// Which signal.
    SignalBody {
        /// Its name, with or without SIG, or its number as text.
        signal: String,
    }

    /// What went wrong.
    Problem {
        /// A name that stays the same: that of a fault of XML-RPC, or one of `UNAUTHORIZED`, `FOREIGN_PAGE`,
        /// `METHOD_NOT_ALLOWED`, `TOO_MANY_STREAMS` and the like.
        code: String,
        /// For people.
        message: String,
    }

    /// The answer to whatever goes wrong.
    Failure {
        /// What.
        error: Problem,
    }
}

/// A number that clients find `null` where it is 0.
fn unless_zero<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

impl Exit {
    /// Of what the core tells.
    pub fn new(exit: info::LastExit) -> Self {
        let (code, signal, core_dumped) = parts(exit.status);
        Self {
            code,
            signal,
            core_dumped,
            at: exit.at_ms,
            expected: exit.expected,
        }
    }
}

/// Exit code, name of the signal, whether a core file was written.
fn parts(status: ExitStatus) -> (Option<i32>, Option<String>, bool) {
    match status {
        ExitStatus::Code(code) => (Some(code), None, false),
        ExitStatus::Unknown => (None, None, false),
        ExitStatus::Signaled {
            signal,
            core_dumped,
        } => (None, Some(signal.to_string()), core_dumped),
    }
}

/// What is known beside what the core tells.
pub trait Around {
    /// A time of the wall clock in words, as [`description`] has it.
    fn local(&self, at: i64) -> String;
    /// Bytes that a log has taken.
    fn log_bytes(&self, path: &Path) -> u64;
}

impl Process {
    /// Of what the core tells.
    pub fn new(view: &ProcessView, around: &impl Around) -> Self {
        let info = &view.info;
        let taken =
            |path: &Option<Arc<Path>>| path.as_deref().map_or(0, |path| around.log_bytes(path));
        let path = |path: &Option<Arc<Path>>| Some(path.as_ref()?.to_string_lossy().into_owned());
        Self {
            group: Arc::clone(&info.group),
            name: Arc::clone(&info.name),
            state: info.state.name(),
            since: view.since_ms,
            pid: unless_zero(info.pid),
            start: unless_zero(info.start),
            stop: unless_zero(info.stop),
            starts: view.starts,
            restarts: view.restarts,
            spawn_failures: view.spawn_failures,
            last_exit: view.last_exit.map(Exit::new),
            error: info.spawnerr.clone(),
            description: description(info, &|at| around.local(at)),
            autostart: view.autostart,
            stdout_log: path(&info.stdout_logfile),
            stderr_log: path(&info.stderr_logfile),
            log_bytes: LogBytes {
                stdout: taken(&info.stdout_logfile),
                stderr: taken(&info.stderr_logfile),
            },
        }
    }
}

impl Pool {
    /// Of what the core tells.
    pub fn new(pool: &PoolInfo) -> Self {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let listeners = pool.listeners.iter().map(|listener| Listener {
            name: Arc::clone(&listener.name),
            state: listener.state.name(),
            pid: unless_zero(listener.pid),
            listener_state: listener.listener_state.to_owned(),
        });
        Self {
            name: Arc::clone(&pool.name),
            buffer_size: count(pool.buffer_size),
            queued: count(pool.queued),
            delivered: pool.delivered,
            rejected: pool.rejected,
            dropped: pool.dropped,
            spooled: pool.spool.as_ref().map(|spool| spool.events),
            listeners: listeners.collect(),
        }
    }
}

impl Change {
    /// Of what the core tells.
    pub fn new(told: info::GroupDifference) -> Self {
        let (action, reason) = match (told.is_served, told.is_configured) {
            (true, false) => ("remove", "it is not configured any more".to_owned()),
            (false, _) => ("add", "it is configured and not in service".to_owned()),
            (true, true) => ("restart", format!("differs: {}", told.options.join(", "))),
        };
        Self {
            group: told.group,
            action,
            reason,
            options: told.options,
            stops: told.stops,
            starts: told.starts,
        }
    }
}

impl Outcome {
    /// Of what the core tells.
    pub fn new(result: &info::ProcessResult) -> Self {
        Self {
            group: result.group.clone(),
            name: result.name.clone(),
            code: result.status.name(),
            message: result.description.clone(),
        }
    }
}

impl Failure {
    /// With this code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self {
            error: Problem { code, message },
        }
    }

    /// Of a fault.
    pub fn of_fault(fault: &Fault) -> Self {
        Self::new(fault.code.name(), fault.to_string())
    }
}

/// A shape as text.
pub fn to_json(shape: &impl serde::Serialize) -> Vec<u8> {
    // Shapes have no maps whose keys are no texts, and nothing else can fail.
    serde_json::to_vec(shape).unwrap_or_default()
}
