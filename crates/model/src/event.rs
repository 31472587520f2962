//! Events for listeners.

use crate::{Channel, Pid, ProcessState};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $(< $parent:ident)?;)*) => {
        /// A kind of event, concrete or abstract; a subscription to an abstract one takes everything below it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            /// Everything.
            Event,
            $($(#[$doc])* $variant,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[Self::Event, $(Self::$variant,)*];

            /// The name in subscriptions and event headers.
            pub fn name(self) -> &'static str {
                match self { Self::Event => "EVENT", $(Self::$variant => $name,)* }
            }

            /// The kind directly above; none above `EVENT` and above kinds that upstream does not have.
            pub fn parent(self) -> Option<Self> {
                let parents: &[Self] = match self {
                    Self::Event => &[],
                    $(Self::$variant => &[$(Self::$parent)?],)*
                };
                parents.first().copied()
            }
        }
    };
}

kinds! {
    /// Any change of a process' state.
    ProcessState = "PROCESS_STATE" < Event;
    /// Into STOPPED.
    ProcessStateStopped = "PROCESS_STATE_STOPPED" < ProcessState;
    /// Into EXITED.
    ProcessStateExited = "PROCESS_STATE_EXITED" < ProcessState;
    /// Into STARTING.
    ProcessStateStarting = "PROCESS_STATE_STARTING" < ProcessState;
    /// Into STOPPING.
    ProcessStateStopping = "PROCESS_STATE_STOPPING" < ProcessState;
    /// Into BACKOFF.
    ProcessStateBackoff = "PROCESS_STATE_BACKOFF" < ProcessState;
    /// Into FATAL.
    ProcessStateFatal = "PROCESS_STATE_FATAL" < ProcessState;
    /// Into RUNNING.
    ProcessStateRunning = "PROCESS_STATE_RUNNING" < ProcessState;
    /// Into UNKNOWN.
    ProcessStateUnknown = "PROCESS_STATE_UNKNOWN" < ProcessState;
    /// Text between capture tokens.
    ProcessCommunication = "PROCESS_COMMUNICATION" < Event;
    /// On stdout.
    ProcessCommunicationStdout = "PROCESS_COMMUNICATION_STDOUT" < ProcessCommunication;
    /// On stderr.
    ProcessCommunicationStderr = "PROCESS_COMMUNICATION_STDERR" < ProcessCommunication;
    /// Output of a process.
    ProcessLog = "PROCESS_LOG" < Event;
    /// On stdout.
    ProcessLogStdout = "PROCESS_LOG_STDOUT" < ProcessLog;
    /// On stderr.
    ProcessLogStderr = "PROCESS_LOG_STDERR" < ProcessLog;
    /// Sent by a client.
    RemoteCommunication = "REMOTE_COMMUNICATION" < Event;
    /// A change of supervisord's state.
    SupervisorStateChange = "SUPERVISOR_STATE_CHANGE" < Event;
    /// supervisord runs.
    SupervisorStateChangeRunning = "SUPERVISOR_STATE_CHANGE_RUNNING" < SupervisorStateChange;
    /// supervisord stops or restarts.
    SupervisorStateChangeStopping = "SUPERVISOR_STATE_CHANGE_STOPPING" < SupervisorStateChange;
    /// Any tick.
    Tick = "TICK" < Event;
    /// Every 5 seconds.
    Tick5 = "TICK_5" < Tick;
    /// Every minute.
    Tick60 = "TICK_60" < Tick;
    /// Every hour.
    Tick3600 = "TICK_3600" < Tick;
    /// Any change of the set of groups.
    ProcessGroup = "PROCESS_GROUP" < Event;
    /// A group was added.
    ProcessGroupAdded = "PROCESS_GROUP_ADDED" < ProcessGroup;
    /// A group was removed.
    ProcessGroupRemoved = "PROCESS_GROUP_REMOVED" < ProcessGroup;
    /// Whether a log takes output. Not below `EVENT`: listeners that were written for upstream take everything, and know
    /// nothing of it.
    LogfileState = "LOGFILE_STATE";
    /// A log does not take output.
    LogfileStateFailing = "LOGFILE_STATE_FAILING" < LogfileState;
    /// It takes output again.
    LogfileStateWorking = "LOGFILE_STATE_WORKING" < LogfileState;
}

impl EventKind {
    /// The kind with this name, upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether a subscription to `self` takes an event of kind `other`.
    pub fn covers(self, other: Self) -> bool {
        let mut at = Some(other);
        while let Some(kind) = at {
            if kind == self {
                return true;
            }
            at = kind.parent();
        }
        false
    }

    /// The kind of a change into `state`.
    pub fn of_state(state: ProcessState) -> Self {
        match state {
            ProcessState::Stopped => Self::ProcessStateStopped,
            ProcessState::Starting => Self::ProcessStateStarting,
            ProcessState::Running => Self::ProcessStateRunning,
            ProcessState::Backoff => Self::ProcessStateBackoff,
            ProcessState::Stopping => Self::ProcessStateStopping,
            ProcessState::Exited => Self::ProcessStateExited,
            ProcessState::Fatal => Self::ProcessStateFatal,
            ProcessState::Unknown => Self::ProcessStateUnknown,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a log takes output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogState {
    /// It does not.
    Failing {
        /// The system's reason.
        reason: String,
    },
    /// It does again.
    Working {
        /// Bytes that were dropped meanwhile.
        bytes: u64,
        /// Lines among them.
        lines: u64,
    },
}

/// Something that happened, as listeners hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A process changed its state.
    ProcessState {
        /// Process name.
        process: Arc<str>,
        /// Group name.
        group: Arc<str>,
        /// State before.
        from: ProcessState,
        /// State after.
        to: ProcessState,
        /// Early ends so far; shown for STARTING and BACKOFF.
        tries: u32,
        /// Shown for RUNNING, STOPPING, STOPPED and EXITED; 0 when there was none.
        pid: i32,
        /// Shown for EXITED: the exit code was among `exitcodes`.
        expected: bool,
    },
    /// Text between capture tokens.
    ProcessCommunication {
        /// Process name.
        process: Arc<str>,
        /// Group name.
        group: Arc<str>,
        /// Pid that wrote it.
        pid: Pid,
        /// Where.
        channel: Channel,
        /// The text.
        #[serde(with = "crate::saved::bytes")]
        data: Vec<u8>,
    },
    /// A chunk of output.
    ProcessLog {
        /// Process name.
        process: Arc<str>,
        /// Group name.
        group: Arc<str>,
        /// Pid that wrote it.
        pid: Pid,
        /// Where.
        channel: Channel,
        /// The chunk.
        #[serde(with = "crate::saved::bytes")]
        data: Vec<u8>,
    },
    /// Sent by a client.
    RemoteCommunication {
        /// Type field.
        kind: String,
        /// Body.
        data: String,
    },
    /// supervisord runs.
    SupervisorRunning,
    /// supervisord stops or restarts.
    SupervisorStopping,
    /// A tick.
    Tick {
        /// 5, 60 or 3600 seconds.
        period: u32,
        /// Wall seconds, a multiple of the period.
        when: i64,
    },
    /// A group was added.
    GroupAdded {
        /// Its name.
        group: Arc<str>,
    },
    /// A group was removed.
    GroupRemoved {
        /// Its name.
        group: Arc<str>,
    },
    /// The log of a channel does not take output, or does again.
    Logfile {
        /// Process name.
        process: Arc<str>,
        /// Group name.
        group: Arc<str>,
        /// Which channel.
        channel: Channel,
        /// Where it is.
        path: String,
        /// Which of both.
        state: LogState,
    },
}

impl Event {
    /// The concrete kind.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::ProcessState { to, .. } => EventKind::of_state(*to),
            Self::ProcessCommunication {
                channel: Channel::Stdout,
                ..
            } => EventKind::ProcessCommunicationStdout,
            Self::ProcessCommunication {
                channel: Channel::Stderr,
                ..
            } => EventKind::ProcessCommunicationStderr,
            Self::ProcessLog {
                channel: Channel::Stdout,
                ..
            } => EventKind::ProcessLogStdout,
            Self::ProcessLog {
                channel: Channel::Stderr,
                ..
            } => EventKind::ProcessLogStderr,
            Self::RemoteCommunication { .. } => EventKind::RemoteCommunication,
            Self::SupervisorRunning => EventKind::SupervisorStateChangeRunning,
            Self::SupervisorStopping => EventKind::SupervisorStateChangeStopping,
            Self::Tick { period: 5, .. } => EventKind::Tick5,
            Self::Tick { period: 60, .. } => EventKind::Tick60,
            Self::Tick { .. } => EventKind::Tick3600,
            Self::GroupAdded { .. } => EventKind::ProcessGroupAdded,
            Self::GroupRemoved { .. } => EventKind::ProcessGroupRemoved,
            Self::Logfile {
                state: LogState::Failing { .. },
                ..
            } => EventKind::LogfileStateFailing,
            Self::Logfile {
                state: LogState::Working { .. },
                ..
            } => EventKind::LogfileStateWorking,
        }
    }
}

/// An event on its way to one listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Number over all pools.
    pub serial: u64,
    /// Name of the pool.
    pub pool: Arc<str>,
    /// Number within the pool.
    pub pool_serial: u64,
    /// What happened.
    pub event: Arc<Event>,
}
