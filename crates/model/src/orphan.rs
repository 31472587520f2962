//! Processes that a supervisord left behind when it died.

use crate::{Mono, Pid, ProcessState, Wall};
use serde::{Deserialize, Serialize};

/// What a new supervisord does with processes that an earlier one left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Orphans {
    /// Take them over as they are.
    #[default]
    Adopt,
    /// Stop them, and start anew.
    Kill,
    /// Do not start while they live.
    Refuse,
}

/// A process that lives, is certainly the one that was recorded, and is to be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Its pid.
    pub pid: Pid,
    /// When it started, on both clocks.
    pub started: (Mono, Wall),
    /// Whether it was started with another configuration than the one in force.
    pub changed: bool,
    /// When a process of this name ended before it, if somebody knows.
    pub ended: Option<Wall>,
    /// Whether the socket that it shares was taken over, too.
    pub has_socket: bool,
}

/// What is known of a process that does not run, from the supervisord before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resting {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// STOPPED, EXITED, FATAL or BACKOFF.
    pub state: ProcessState,
    /// When it was started last, on both clocks.
    pub started: Option<(Mono, Wall)>,
    /// When it ended last.
    pub ended: Option<Wall>,
    /// How it ended last, as clients see it.
    pub exitstatus: Option<i32>,
    /// What is said about its last trouble.
    pub spawnerr: String,
}
