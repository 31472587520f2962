//! The published states and their codes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The state of a process as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProcessState {
    /// Never started, or stopped on request.
    Stopped,
    /// Spawned, not yet up for `startsecs`.
    Starting,
    /// Up.
    Running,
    /// Ended too early; a retry is due.
    Backoff,
    /// Told to stop, not yet gone.
    Stopping,
    /// Ended by itself after having been up.
    Exited,
    /// Given up after too many early ends.
    Fatal,
    /// A signal could not be sent; nothing is known.
    Unknown,
}

impl ProcessState {
    /// Every state. Their places are numbers in states that are handed over; a new one comes last.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Starting,
        Self::Running,
        Self::Backoff,
        Self::Stopping,
        Self::Exited,
        Self::Fatal,
        Self::Unknown,
    ];

    /// The state with this number.
    pub fn of_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The number clients see.
    pub fn code(self) -> i32 {
        match self {
            Self::Stopped => 0,
            Self::Starting => 10,
            Self::Running => 20,
            Self::Backoff => 30,
            Self::Stopping => 40,
            Self::Exited => 100,
            Self::Fatal => 200,
            Self::Unknown => 1000,
        }
    }

    /// The name clients see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Upstream's group "running": STARTING, RUNNING, BACKOFF.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Backoff)
    }

    /// Upstream's group "stopped": STOPPED, EXITED, FATAL, UNKNOWN.
    pub fn is_stopped(self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::Exited | Self::Fatal | Self::Unknown
        )
    }

    /// Upstream's group "signallable": STARTING, RUNNING, STOPPING.
    pub fn is_signallable(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The state of supervisord itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SupervisorState {
    /// Serving.
    Running,
    /// Stopping everything, then starting anew.
    Restarting,
    /// Stopping everything, then ending.
    Shutdown,
}

impl SupervisorState {
    /// The number clients see.
    pub fn code(self) -> i32 {
        match self {
            Self::Running => 1,
            Self::Restarting => 0,
            Self::Shutdown => -1,
        }
    }

    /// The name clients see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Restarting => "RESTARTING",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}
