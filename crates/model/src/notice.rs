//! What the core wants an operator to know. The words are made at the edge, in one file.

use crate::{Channel, ExitStatus, Pid, ProcessState, Signal};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Severity of a line in the main log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// `BLAT`, 3.
    Blather,
    /// `TRAC`, 5.
    Trace,
    /// `DEBG`, 10.
    Debug,
    /// `INFO`, 20.
    Info,
    /// `WARN`, 30.
    Warn,
    /// `ERRO`, 40.
    Error,
    /// `CRIT`, 50.
    Critical,
}

impl Level {
    /// Every level, least severe first.
    pub const ALL: &'static [Self] = &[
        Self::Blather,
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Critical,
    ];

    /// The four letters in the log line.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Blather => "BLAT",
            Self::Trace => "TRAC",
            Self::Debug => "DEBG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERRO",
            Self::Critical => "CRIT",
        }
    }

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blather => "blather",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The number by which scripts know it.
    pub fn number(self) -> i64 {
        match self {
            Self::Blather => 3,
            Self::Trace => 5,
            Self::Debug => 10,
            Self::Info => 20,
            Self::Warn => 30,
            Self::Error => 40,
            Self::Critical => 50,
        }
    }

    /// The level with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|level| level.number() == number)
    }

    /// The level with these four letters, in any case.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let is_it = |level: &Self| level.tag().eq_ignore_ascii_case(tag);
        Self::ALL.iter().copied().find(is_it)
    }

    /// The level with this configuration name, lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something worth a line in the main log. `name` is the process name unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A child exists.
    Spawned {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
    },
    /// A child of an earlier supervisord was taken over.
    Adopted {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
        /// Whether it was started with another configuration.
        changed: bool,
    },
    /// A spawn failed.
    SpawnFailed {
        /// Process.
        name: Arc<str>,
        /// Upstream's sentence.
        text: String,
    },
    /// A start was asked for while a child lives.
    AlreadyRunning {
        /// Process.
        name: Arc<str>,
    },
    /// Up for `startsecs`.
    EnteredRunning {
        /// Process.
        name: Arc<str>,
        /// The limit that was passed.
        startsecs: i64,
    },
    /// It ends as soon as it runs, and is started again with a pause in between; told once for each start by hand.
    Respawning {
        /// Process.
        name: Arc<str>,
        /// Shortest time between two starts, in milliseconds.
        pause_ms: u64,
    },
    /// It has been started again so often that starts are spread out from now on; told once for each start by hand.
    RespawnsLimited {
        /// Process.
        name: Arc<str>,
        /// Starts a second.
        a_second: u64,
    },
    /// A socket that processes share is about to be opened.
    CreatingSocket {
        /// Its URL.
        url: Arc<str>,
    },
    /// Such a socket is about to be closed.
    ClosingSocket {
        /// Its URL.
        url: Arc<str>,
    },
    /// Given up.
    GaveUp {
        /// Process.
        name: Arc<str>,
    },
    /// Ended after a stop request.
    Stopped {
        /// Process.
        name: Arc<str>,
        /// How.
        status: ExitStatus,
        /// Whether the code is among `exitcodes`.
        expected: bool,
    },
    /// Ended without a stop request.
    Exited {
        /// Process.
        name: Arc<str>,
        /// How.
        status: ExitStatus,
        /// Whether that was expected (never for an early end).
        expected: bool,
    },
    /// A stop or kill signal is about to be sent.
    Killing {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
        /// The signal.
        signal: Signal,
        /// To the whole process group.
        whole_group: bool,
    },
    /// The stop took too long.
    KillingHard {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
    },
    /// A client's signal is about to be sent.
    Signalling {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
        /// The signal.
        signal: Signal,
    },
    /// A signal met a process that is gone.
    SignalTooLate {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
        /// For a client's signal rather than a stop.
        by_client: bool,
    },
    /// A signal could not be sent.
    SignalFailed {
        /// Process.
        name: Arc<str>,
        /// Its pid.
        pid: Pid,
        /// The system's reason.
        errno: crate::Errno,
        /// For a client's signal rather than a stop.
        by_client: bool,
    },
    /// A stop was asked for while nothing runs.
    KillNotRunning {
        /// Process.
        name: Arc<str>,
        /// The signal that was to be sent.
        signal: Signal,
    },
    /// A stop was asked for in BACKOFF.
    KillInBackoff {
        /// Process.
        name: Arc<str>,
    },
    /// A client waits for a stop.
    WaitingToStop {
        /// Process.
        name: Arc<str>,
    },
    /// Shutdown waits for these.
    WaitingToDie {
        /// Process names in the order of creation.
        names: Vec<Arc<str>>,
    },
    /// State of one of them, at the least severe level.
    WaitingState {
        /// Process.
        name: Arc<str>,
        /// Its state.
        state: ProcessState,
    },
    /// TERM, INT or QUIT was received.
    ExitRequested {
        /// Which.
        signal: Signal,
    },
    /// HUP was received.
    RestartRequested,
    /// HUP was received while stopping.
    RestartIgnored,
    /// The configuration for a restart is broken; nothing was touched.
    RestartRefused {
        /// What is wrong with it.
        reason: String,
    },
    /// USR1 was received, and asks for an upgrade.
    UpgradeRequested,
    /// Another program has taken over.
    Upgraded {
        /// Its version.
        version: String,
    },
    /// No other program has taken over; everything goes on.
    UpgradeFailed {
        /// Why.
        reason: String,
    },
    /// USR2 was received.
    ReopenRequested,
    /// All logs are about to be opened again.
    Reopening,
    /// A signal without a meaning here was received and ignored.
    SignalIgnored {
        /// Which.
        signal: Signal,
    },
    /// CHLD was received.
    ChildQuit,
    /// A group came into service.
    GroupAdded {
        /// Group.
        name: Arc<str>,
    },
    /// A group went out of service.
    GroupRemoved {
        /// Group.
        name: Arc<str>,
    },
    /// A process came into a group in service.
    ProcessAdded {
        /// Process.
        name: Arc<str>,
        /// Group.
        group: Arc<str>,
    },
    /// A process went out of a group in service.
    ProcessRemoved {
        /// Process.
        name: Arc<str>,
        /// Group.
        group: Arc<str>,
    },
    /// What a client wants to have in the log.
    Said {
        /// How severe the client takes it.
        level: Level,
        /// Its words.
        text: String,
    },
    /// A pool has no room left; told for the first event of a burst.
    PoolOverflow {
        /// Pool.
        pool: Arc<str>,
        /// Serial of the event that was dropped.
        serial: u64,
    },
    /// The same for a later event of the burst, for those who look closely.
    PoolOverflowGoesOn {
        /// Pool.
        pool: Arc<str>,
        /// Serial of the event that was dropped.
        serial: u64,
    },
    /// The burst is over, and more than its first event was dropped.
    PoolOverflowOver {
        /// Pool.
        pool: Arc<str>,
        /// How many were dropped besides the first.
        more: u64,
        /// Serial of the last of them.
        last: u64,
    },
    /// Events wait in a pool's spool from an earlier time.
    SpoolFound {
        /// Pool.
        pool: Arc<str>,
        /// How many.
        events: u64,
    },
    /// The end did not wait for a disk to take what was left of some pools' events.
    SpoolsNotSaved {
        /// How many spools.
        spools: usize,
    },
    /// A rejected event goes back into the buffer.
    PoolRebuffered {
        /// Pool.
        pool: Arc<str>,
        /// Serial.
        serial: u64,
        /// Events buffered now.
        size: usize,
        /// Events the buffer can hold.
        max: usize,
    },
    /// An event was sent.
    EventSent {
        /// Listener process.
        name: Arc<str>,
        /// Serial.
        serial: u64,
    },
    /// The listener's stdin is closed.
    EventPipeBroken {
        /// Listener process.
        name: Arc<str>,
        /// Serial.
        serial: u64,
    },
    /// A listener changed its protocol state.
    ListenerState {
        /// Listener process.
        name: Arc<str>,
        /// Name of the state before.
        #[serde(with = "crate::saved::listener_word")]
        from: crate::saved::ListenerWord,
        /// Name of the state after.
        #[serde(with = "crate::saved::listener_word")]
        to: crate::saved::ListenerWord,
    },
    /// A listener did its event.
    EventProcessed {
        /// Listener process.
        name: Arc<str>,
    },
    /// A listener refused its event.
    EventRejected {
        /// Listener process.
        name: Arc<str>,
    },
    /// A listener's result is not what the result handler of its pool takes.
    EventFailed {
        /// Listener process.
        name: Arc<str>,
    },
    /// A listener spoke out of turn.
    ListenerUnknown {
        /// Listener process.
        name: Arc<str>,
    },
    /// A result line could not be understood.
    BadResultLine {
        /// Listener process.
        name: Arc<str>,
        /// The line, cut to 256 bytes.
        #[serde(with = "crate::saved::bytes")]
        line: Vec<u8>,
    },
    /// A helper announced its methods.
    HelperReady {
        /// Helper process.
        name: Arc<str>,
        /// How many.
        methods: usize,
    },
    /// A helper broke its protocol, and is killed.
    HelperBroke {
        /// Helper process.
        name: Arc<str>,
        /// How, in words.
        what: String,
    },
    /// A call was not answered in time.
    HelperOverdue {
        /// Helper process.
        name: Arc<str>,
        /// Name of the method.
        method: String,
        /// The limit.
        secs: u64,
    },
    /// Text between capture tokens became an event.
    CommEmitted {
        /// Process.
        name: Arc<str>,
        /// Where.
        channel: Channel,
    },
    /// Something that should not happen happened; the state is defined nonetheless.
    Anomaly {
        /// What, for a bug report.
        what: String,
    },
}
