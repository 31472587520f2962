//! Processes that a supervisord left behind when it died.

use crate::{Mono, Pid, Wall};
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
}
