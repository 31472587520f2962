//! Shared sockets of the simulated world: which programs have one, and whether it can be opened.
//!
//! They have dice of their own, so that a seed without sockets goes on as it would without this file.

use super::faults::Fault;
use super::rng::Rng;
use super::world::{Coming, World};
use provost_core::{Input, LoadedConfig};
use provost_model::spawn::{SocketProblem, SpawnProblem};
use provost_model::spec::FcgiAddress;
use provost_model::{Errno, FcgiSpec, GroupKind, GroupSpec, SocketId, Ticket};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Sockets as the world has them.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    dice: Rng,
    /// Those that were ordered, and why one could not be opened.
    all: BTreeMap<SocketId, Option<SocketProblem>>,
}

impl Sockets {
    pub(super) fn new(dice: Rng) -> Self {
        Self {
            dice,
            all: BTreeMap::new(),
        }
    }

    /// Gives sockets to some of the groups that were not there `before`, and changes those of some others.
    pub(super) fn hand_out(&mut self, before: &[Arc<GroupSpec>], config: &mut LoadedConfig) {
        for group in &mut config.groups {
            if matches!(group.kind, GroupKind::Pool(_)) {
                continue;
            }
            let is_new = before.iter().all(|known| known.name != group.name);
            let has_one = !group.sockets().is_empty();
            let gets = is_new && self.dice.chance(400);
            let changes = has_one && self.dice.chance(100);
            if gets || changes {
                *group = Arc::new(self.with_socket(group));
            }
        }
    }

    fn with_socket(&mut self, group: &GroupSpec) -> GroupSpec {
        let path = format!("/run/{}.sock", group.name);
        let spec = Arc::new(FcgiSpec {
            program: group.name.clone(),
            url: format!("unix://{path}"),
            address: FcgiAddress::Unix {
                path: path.into(),
                owner: None,
                mode: *self.dice.pick(&[0o700, 0o770, 0o777]),
            },
            backlog: *self.dice.pick(&[None, Some(64)]),
        });
        let mut group = group.clone();
        let is_mixed = group.kind == GroupKind::Group;
        for process in &mut group.processes {
            // In a `[group:x]` there may be programs without a socket beside those that share one.
            let shares = !is_mixed || self.dice.chance(700);
            Arc::make_mut(process).socket = shares.then(|| Arc::clone(&spec));
        }
        if !is_mixed {
            group.kind = GroupKind::Fcgi(spec);
        }
        group
    }

    /// All are lost with whoever had them open.
    pub(super) fn close_all(&mut self) {
        self.all.clear();
    }

    fn problem(&mut self, fails: bool, spec: &FcgiSpec) -> Option<SocketProblem> {
        let errno = *self.dice.pick(&[None, Some(Errno(98)), Some(Errno(24))]);
        fails.then(|| SocketProblem {
            url: spec.url.clone(),
            reason: "a fault".to_owned(),
            errno,
        })
    }
}

impl World {
    /// A socket is opened, or not; a failure shows when it is used.
    pub(super) fn open_socket(&mut self, socket: SocketId, spec: &FcgiSpec) {
        let fails = self
            .faults
            .strike(&mut self.sockets.dice, Fault::SocketFails);
        let problem = self.sockets.problem(fails, spec);
        self.sockets.all.insert(socket, problem);
    }

    /// A socket is closed.
    pub(super) fn close_socket(&mut self, socket: SocketId) {
        self.sockets.all.remove(&socket);
    }

    /// A socket is opened and closed again, or cannot be opened.
    pub(super) fn try_socket(&mut self, ticket: Ticket, spec: &FcgiSpec) {
        let dice = &mut self.sockets.dice;
        let fails = self.faults.strike(dice, Fault::SocketFails);
        let slow = self.faults.strike(dice, Fault::SlowAnswer);
        let wait = if slow {
            Duration::from_millis(dice.between(1, 15_000))
        } else {
            Duration::from_micros(dice.below(3_000))
        };
        let result = self.sockets.problem(fails, spec).map_or(Ok(()), Err);
        self.later(wait, Coming::Fact(Input::SocketTried { ticket, result }));
    }

    /// Why this socket is not there for a child.
    pub(super) fn socket_problem(&self, socket: SocketId) -> Option<SpawnProblem> {
        match self.sockets.all.get(&socket) {
            Some(None) => None,
            Some(Some(problem)) => Some(SpawnProblem::Socket(problem.clone())),
            None => Some(SpawnProblem::Dispatchers { errno: Errno(9) }),
        }
    }
}
