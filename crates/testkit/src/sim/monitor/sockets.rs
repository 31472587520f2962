//! I46: a shared socket is open exactly while somebody uses it, opened once for all of them, and each opening and
//! closing is told. A group comes into service only after its sockets could be opened.

use super::shutdown::Mood;
use super::{Monitor, Report};
use provost_core::{Effect, Input};
use provost_model::fault::{Fault, FaultCode};
use provost_model::spawn::{SocketProblem, SpawnProblem};
use provost_model::{
    Answer, FcgiSpec, GroupSpec, Mono, Notice, ProcId, RequestId, Run, SocketId, Ticket,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The longest patience with a socket that is tried.
pub(super) const SOCKET_PATIENCE: Duration = Duration::from_secs(10);

/// A socket between the order to open it and the order to close it.
#[derive(Clone, Debug)]
struct Open {
    spec: Arc<FcgiSpec>,
    users: BTreeSet<Run>,
    has_failed: bool,
}

/// A socket that is tried for a group that is to come into service.
#[derive(Clone, Debug)]
struct Try {
    request: RequestId,
    group: Arc<GroupSpec>,
    at: Mono,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sockets {
    last: u64,
    open: BTreeMap<SocketId, Open>,
    tries: BTreeMap<Ticket, Try>,
    /// Tries that must be ordered in this step.
    awaited: Vec<(RequestId, Arc<GroupSpec>)>,
    /// A try succeeded in this step, so that a closing is told that is no order.
    closed_try: bool,
}

impl Sockets {
    /// A set without sockets whose numbers go on after those of `self`.
    pub(super) fn after(&self) -> Self {
        Self {
            last: self.last,
            ..Self::default()
        }
    }

    fn usable(&self, spec: &FcgiSpec) -> bool {
        let is_it = |open: &Open| *open.spec == *spec && !open.has_failed;
        self.open.values().any(is_it)
    }

    /// A run has ended or will never be.
    fn left(&mut self, run: Run, problem: Option<&SpawnProblem>) {
        for open in self.open.values_mut() {
            if open.users.remove(&run) && matches!(problem, Some(SpawnProblem::Socket(_))) {
                open.has_failed = true;
            }
        }
    }
}

impl Monitor {
    /// Takes in what the core was told, as far as sockets are concerned.
    pub(super) fn sockets_take(&mut self, input: &Input) {
        self.sockets.closed_try = false;
        match input {
            Input::Exited { run, .. } => self.sockets.left(*run, None),
            Input::SpawnFailed { run, problem } => self.sockets.left(*run, Some(problem)),
            Input::SocketTried { ticket, result } => self.socket_tried(*ticket, result),
            _ => {}
        }
    }

    fn socket_tried(&mut self, ticket: Ticket, result: &Result<(), SocketProblem>) {
        self.tickets.remove(&ticket);
        let Some(tried) = self.sockets.tries.remove(&ticket) else {
            return;
        };
        match result {
            Ok(()) => {
                self.sockets.closed_try = true;
                let answer = if self.mood.is_stopping() {
                    Err(Fault::bare(FaultCode::ShutdownState))
                } else {
                    self.add_tried(&tried.group)
                };
                self.expect(tried.request, answer);
            }
            Err(problem) => {
                let fault = Fault::about(FaultCode::Failed, problem.to_string());
                self.expect(tried.request, Err(fault));
            }
        }
    }

    /// A group is to come into service: at once, or once its sockets could be opened.
    pub(super) fn add_when_tried(&mut self, id: RequestId, spec: &Arc<GroupSpec>) {
        let is_open = spec.sockets().iter().all(|spec| self.sockets.usable(spec));
        if is_open {
            let answer = self.add_tried(spec);
            self.expect(id, answer);
        } else {
            self.sockets.awaited.push((id, spec.clone()));
        }
    }

    fn add_tried(&mut self, spec: &Arc<GroupSpec>) -> Answer {
        if self.groups.contains_key(&spec.name) {
            return Err(Fault::about(FaultCode::AlreadyAdded, spec.name.clone()));
        }
        let procs = self.add_group(spec);
        self.autostart(&procs);
        Ok(provost_model::Reply::Done)
    }

    /// Sees the orders of a step, and that the right words go before them.
    pub(super) fn sockets_see(&mut self, effects: &[Effect]) {
        let (mut creating, mut closing) = (0, usize::from(self.sockets.closed_try));
        for (place, effect) in effects.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|place| effects.get(place));
            match effect {
                Effect::OpenSocket { socket, spec } => {
                    creating += 1;
                    self.says(before, &Notice::CreatingSocket { url: url(spec) });
                    self.open_ordered(*socket, spec);
                }
                Effect::TrySocket { ticket, spec } => {
                    creating += 1;
                    self.says(before, &Notice::CreatingSocket { url: url(spec) });
                    self.try_ordered(*ticket, spec);
                }
                Effect::Spawn { proc, run, socket } => self.socket_used(*proc, *run, *socket),
                Effect::CloseSocket { socket } => {
                    let Some(open) = self.sockets.open.remove(socket) else {
                        self.fail("I46", format!("{socket:?} was closed and is not open"));
                        continue;
                    };
                    let users = &open.users;
                    self.check(users.is_empty(), "I46", || {
                        format!("{socket:?} was closed while {users:?} use it")
                    });
                    if !open.has_failed {
                        closing += 1;
                        let url = url(&open.spec);
                        self.says(before, &Notice::ClosingSocket { url });
                    }
                }
                _ => {}
            }
        }
        let count = |is_such: fn(&Notice) -> bool| {
            let notices = effects
                .iter()
                .filter(|effect| matches!(effect, Effect::Notice(notice) if is_such(notice)));
            notices.count()
        };
        let told = (
            count(|notice| matches!(notice, Notice::CreatingSocket { .. })),
            count(|notice| matches!(notice, Notice::ClosingSocket { .. })),
        );
        self.check(told == (creating, closing), "I46", || {
            format!("told of {told:?} sockets, opened and closed {creating}, {closing}")
        });
    }

    fn says(&mut self, before: Option<&Effect>, notice: &Notice) {
        let said = matches!(before, Some(Effect::Notice(said)) if said == notice);
        self.check(said, "I46", || format!("did not say before: {notice:?}"));
    }

    fn open_ordered(&mut self, socket: SocketId, spec: &Arc<FcgiSpec>) {
        let is_fresh = socket.0 > self.sockets.last && !self.sockets.usable(spec);
        self.check(is_fresh, "I46", || {
            format!("{} was opened a second time", spec.url)
        });
        self.sockets.last = self.sockets.last.max(socket.0);
        let open = Open {
            spec: spec.clone(),
            users: BTreeSet::new(),
            has_failed: false,
        };
        self.sockets.open.insert(socket, open);
    }

    fn try_ordered(&mut self, ticket: Ticket, spec: &Arc<FcgiSpec>) {
        self.tickets.insert(ticket);
        let has_it = |(_, group): &(RequestId, Arc<GroupSpec>)| group.sockets().contains(spec);
        let Some(place) = self.sockets.awaited.iter().position(has_it) else {
            self.fail("I46", format!("{} was tried for no reason", spec.url));
            return;
        };
        let (request, group) = self.sockets.awaited.remove(place);
        let at = self.now.mono;
        let tried = Try { request, group, at };
        self.sockets.tries.insert(ticket, tried);
    }

    fn socket_used(&mut self, id: ProcId, run: Run, socket: Option<SocketId>) {
        let wanted = self
            .procs
            .get(&id)
            .and_then(|proc| proc.spec.socket.clone());
        let open = socket.and_then(|socket| self.sockets.open.get_mut(&socket));
        let has = open.as_ref().map(|open| open.spec.clone());
        let fits = wanted == has && (socket.is_none() || has.is_some());
        let works = open.as_ref().is_none_or(|open| !open.has_failed);
        if let Some(open) = open {
            open.users.insert(run);
        }
        self.check(fits && works, "I46", || {
            format!("{run:?} was started with {socket:?} in place of {wanted:?}")
        });
    }

    /// What must hold when a step is over.
    pub(super) fn sockets_at_rest(&mut self) {
        let now = self.now.mono;
        let sockets = &mut self.sockets;
        sockets
            .tries
            .retain(|_, tried| now.since(tried.at) < SOCKET_PATIENCE);
        let awaited = std::mem::take(&mut sockets.awaited);
        let mut report = Report(&mut self.violations);
        for (_, group) in awaited {
            report.fail("I46", format!("no socket of {} was tried", group.name));
        }
        if matches!(self.mood, Mood::Ended { .. }) {
            return;
        }
        for (socket, open) in &self.sockets.open {
            report.check(!open.users.is_empty(), "I46", || {
                format!("{socket:?} is open and nobody uses it: {}", open.spec.url)
            });
        }
    }
}

fn url(spec: &FcgiSpec) -> Arc<str> {
    Arc::from(spec.url.as_str())
}
