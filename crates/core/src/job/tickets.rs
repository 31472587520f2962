//! Orders that will be answered: what each was for, and how long its answer is waited for.

use crate::upgrade::UPGRADE_PATIENCE;
use provost_model::{FcgiSpec, GroupSpec, RequestId, Run, SpoolId, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for the answer to a probe: a command on a hung mount must not hold up the others of its group. The
/// spawn then finds out what the probe could not.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for a log to be cleared: its disk may hang.
const CLEAR_PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for a configuration: a file may lie on a hung mount, or be a pipe that nobody writes to.
pub(super) const LOAD_PATIENCE: Duration = Duration::from_mins(1);
/// Longest wait for a socket to be tried: its path may lie on a hung mount, its host be unknown to a slow name server.
pub(super) const SOCKET_PATIENCE: Duration = Duration::from_secs(10);

/// What an order that will be answered was for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    Probe {
        request: RequestId,
        index: usize,
    },
    Fence {
        request: RequestId,
        runs: Vec<Run>,
    },
    Stdin {
        request: RequestId,
        asked: String,
    },
    Clear {
        request: RequestId,
        index: usize,
    },
    ClearMain {
        request: RequestId,
    },
    Load {
        request: RequestId,
    },
    LoadForRestart,
    /// One of the sockets of a group that is to come into service.
    TrySocket {
        request: RequestId,
        group: Arc<GroupSpec>,
        spec: Arc<FcgiSpec>,
        rest: Vec<Arc<FcgiSpec>>,
    },
    /// A program that a client adds to a group.
    Program {
        request: RequestId,
        group: String,
    },
    Spool {
        spool: SpoolId,
    },
    SaveSpool {
        spool: SpoolId,
    },
    /// A look at the program that is to take over; asked for by a client, or by a signal.
    Rehearse {
        request: Option<RequestId>,
    },
    HandOver {
        request: Option<RequestId>,
    },
}

impl Purpose {
    /// The longest wait for the answer; none where the control thread itself gives it at once.
    pub(crate) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Probe { .. } => Some(PROBE_PATIENCE),
            Self::Clear { .. } | Self::ClearMain { .. } => Some(CLEAR_PATIENCE),
            Self::Load { .. } | Self::LoadForRestart | Self::Program { .. } => Some(LOAD_PATIENCE),
            Self::TrySocket { .. } => Some(SOCKET_PATIENCE),
            Self::Rehearse { .. } | Self::HandOver { .. } => Some(UPGRADE_PATIENCE),
            // A spool may wait for its disk as long as the disk takes; only its pool waits with it.
            Self::Fence { .. }
            | Self::Stdin { .. }
            | Self::Spool { .. }
            | Self::SaveSpool { .. } => None,
        }
    }

    /// The client who is answered when it is, and not by the deed that it is part of.
    pub(crate) fn request(&self) -> Option<RequestId> {
        match self {
            Self::Stdin { request, .. }
            | Self::ClearMain { request }
            | Self::Load { request }
            | Self::TrySocket { request, .. }
            | Self::Program { request, .. } => Some(*request),
            Self::Rehearse { request } | Self::HandOver { request } => *request,
            Self::Probe { .. }
            | Self::Fence { .. }
            | Self::Clear { .. }
            | Self::LoadForRestart
            | Self::Spool { .. }
            | Self::SaveSpool { .. } => None,
        }
    }

    /// Whether it is a step of an upgrade.
    pub(crate) fn is_upgrade(&self) -> bool {
        matches!(self, Self::Rehearse { .. } | Self::HandOver { .. })
    }
}

/// Orders that will be answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tickets {
    last: u64,
    purposes: BTreeMap<Ticket, Purpose>,
}

impl Tickets {
    /// A set without orders whose numbers go on after those of `self`.
    pub(crate) fn successor(&self) -> Self {
        Self {
            last: self.last,
            purposes: BTreeMap::new(),
        }
    }

    pub(crate) fn issue(&mut self, purpose: Purpose) -> Ticket {
        self.last = self.last.saturating_add(1);
        let ticket = Ticket(self.last);
        self.purposes.insert(ticket, purpose);
        ticket
    }

    pub(crate) fn redeem(&mut self, ticket: Ticket) -> Option<Purpose> {
        self.purposes.remove(&ticket)
    }

    /// Whether this order is to be answered.
    pub(crate) fn is_open(&self, ticket: Ticket) -> bool {
        self.purposes.contains_key(&ticket)
    }

    /// Whether there is such an order.
    pub(crate) fn any(&self, is_it: impl Fn(&Purpose) -> bool) -> bool {
        self.purposes.values().any(is_it)
    }

    /// The orders that are to be answered.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Ticket, &Purpose)> {
        self.purposes
            .iter()
            .map(|(ticket, purpose)| (*ticket, purpose))
    }

    /// The number given last.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}
