//! Taking over what a supervisord that died has left behind.
//!
//! Nothing is started before that is done, so that no program ever runs twice. A process that did not change makes no
//! event: whoever hears of events hears of its next change.

use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::{GroupKind, GroupSpec, Orphan, Orphans, Resting};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What becomes of a process that was left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is taken over.
    Adopt,
    /// It is stopped before anything is started.
    Stop(Reason),
    /// Nothing is done to it, and supervisord does not start.
    Refuse,
}

/// Why a process is stopped and not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `orphans` says so.
    Asked,
    /// No process of this name is configured any more.
    Unknown,
    /// It is an event listener: nobody knows how far it is with its event.
    Listener,
    /// It is a helper: nobody knows how far it is with its call.
    Helper,
    /// It shares a socket that was lost with the supervisord before.
    Socket,
    /// A later process of the same name lives, too.
    Double,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "orphans=kill",
            Self::Unknown => "it is not configured any more",
            Self::Listener => "event listeners begin anew",
            Self::Helper => "helpers begin anew",
            Self::Socket => "its FastCGI socket is opened anew",
            Self::Double => "a later process of the same name lives",
        })
    }
}

/// What becomes of each of these processes (group and name, oldest first), in their order.
pub fn fates(policy: Orphans, groups: &[Arc<GroupSpec>], processes: &[(&str, &str)]) -> Vec<Fate> {
    let mut taken = BTreeSet::new();
    let mut fates: Vec<Fate> = processes
        .iter()
        .rev()
        .map(|&(group, name)| match policy {
            Orphans::Refuse => Fate::Refuse,
            Orphans::Kill => Fate::Stop(Reason::Asked),
            Orphans::Adopt => match obstacle(groups, group, name) {
                Some(reason) => Fate::Stop(reason),
                None if !taken.insert((group, name)) => Fate::Stop(Reason::Double),
                None => Fate::Adopt,
            },
        })
        .collect();
    fates.reverse();
    fates
}

/// Why a process of this name cannot be taken over.
pub fn obstacle(groups: &[Arc<GroupSpec>], group: &str, name: &str) -> Option<Reason> {
    let Some(group) = groups.iter().find(|spec| spec.name == group) else {
        return Some(Reason::Unknown);
    };
    let Some(spec) = group.processes.iter().rfind(|spec| spec.name == name) else {
        return Some(Reason::Unknown);
    };
    match &group.kind {
        GroupKind::Pool(_) => Some(Reason::Listener),
        GroupKind::Helper(_) => Some(Reason::Helper),
        GroupKind::Fcgi(_) => Some(Reason::Socket),
        GroupKind::Program | GroupKind::Group => spec.socket.as_ref().map(|_| Reason::Socket),
    }
}

impl Core {
    /// A process is to be taken over as soon as its group is in service.
    pub(crate) fn orphan_found(&mut self, turn: &mut Turn<'_>, orphan: Orphan) {
        if self.phase == crate::lifecycle::Phase::Waiting {
            self.orphans.push(orphan);
        } else {
            turn.anomaly("an orphan was found after the start");
        }
    }

    /// Takes over what was found.
    pub(crate) fn adopt_orphans(&mut self, turn: &mut Turn<'_>) {
        for orphan in std::mem::take(&mut self.orphans) {
            let group = self.groups.named(&orphan.group);
            let proc = group.and_then(|(_, group)| group.process(&orphan.name));
            let can_be = match obstacle(&self.latest, &orphan.group, &orphan.name) {
                None => true,
                Some(Reason::Socket) => orphan.has_socket,
                Some(_) => false,
            };
            let Some(proc) = proc.filter(|_| can_be) else {
                let name = orphan.name;
                turn.anomaly(format!("there is no {name} that could take over an orphan"));
                continue;
            };
            self.with_process(turn, proc, |process: &mut Process, act| {
                process.adopt(act, &orphan);
            });
            self.settle(turn, false);
        }
    }

    /// A process rests as it did under the supervisord before, as soon as its group is in service.
    pub(crate) fn resting_found(&mut self, turn: &mut Turn<'_>, resting: Resting) {
        if self.phase == crate::lifecycle::Phase::Waiting {
            self.resting.push(resting);
        } else {
            turn.anomaly("a resting process was found after the start");
        }
    }

    /// Lets those rest that did.
    pub(crate) fn let_rest(&mut self, turn: &mut Turn<'_>) {
        for resting in std::mem::take(&mut self.resting) {
            let group = self.groups.named(&resting.group);
            let proc = group.and_then(|(_, group)| group.process(&resting.name));
            let Some(proc) = proc else {
                let name = resting.name;
                turn.anomaly(format!("there is no {name} that could rest"));
                continue;
            };
            self.with_process(turn, proc, |process: &mut Process, act| {
                process.rest(act, &resting);
            });
            self.settle(turn, false);
        }
    }
}

#[cfg(test)]
mod tests;
