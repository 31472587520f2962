//! What clients ask, whom it concerns, and what follows at once.

use super::Monitor;
use super::sequence::Place;
use super::shutdown::Mood;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{
    Answer, Event, GroupKind, Mono, Notice, ProcId, ProcessState, Reply, Request, RequestId,
    Signal, SupervisorState, Ticket,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a client that left may still be the reason for a start: longer than any probe takes, even
/// when supervisord itself does not get to run meanwhile.
const GONE_REMEMBERED: Duration = Duration::from_secs(200);

/// The longest patience with a look at a command; what it says later counts for nothing.
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Whom a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One process.
    One(ProcId),
    /// These, for an array.
    Many(Vec<ProcId>),
    /// Nobody.
    Nobody,
}

/// A request until it is answered.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) target: Target,
    /// Those of the target that were in a state for it when it was asked.
    pub(super) concerned: Vec<ProcId>,
    /// Those of them whose child was not born yet.
    pub(super) unborn: Vec<ProcId>,
    pub(super) at: Mono,
    /// Was asked in a daemon that stops.
    pub(super) too_late: bool,
    /// Started because of it for certain: two clients may ask for one start, and only the look at the command that
    /// went before tells whose it was.
    pub(super) started: BTreeSet<ProcId>,
    /// Looks at commands for it that may still be waited for.
    pub(super) looks: BTreeMap<ProcId, Ticket>,
    /// What it started last.
    pub(super) last_started: Option<Place>,
    /// Those whose command was found wanting.
    pub(super) bad: BTreeSet<ProcId>,
    /// Those to whom a signal could not be sent.
    pub(super) refused: BTreeSet<ProcId>,
    /// The one right answer, where there is only one.
    pub(super) expect: Option<Answer>,
    /// In which step it was answered.
    pub(super) answered: Option<u64>,
    pub(super) gone: Option<Mono>,
}

impl Asked {
    /// Whether somebody waits for its answer.
    pub(super) fn waits(&self) -> bool {
        self.answered.is_none() && self.gone.is_none()
    }

    pub(super) fn covers(&self, id: ProcId) -> bool {
        match &self.target {
            Target::One(one) => *one == id,
            Target::Many(many) => many.contains(&id),
            Target::Nobody => false,
        }
    }

    fn starts(&self) -> bool {
        matches!(
            self.request,
            Request::StartProcess { .. }
                | Request::StartProcessGroup { .. }
                | Request::StartAllProcesses { .. }
        )
    }
}

impl Monitor {
    /// A client asks.
    pub(super) fn asked(&mut self, id: RequestId, request: &Request) {
        let target = self.target(request);
        let concerned = self.concerned(request, &target);
        let is_unborn = |id: &ProcId| self.procs.get(id).is_some_and(|proc| proc.pid.is_none());
        let unborn = concerned.iter().copied().filter(is_unborn).collect();
        let asked = Asked {
            request: request.clone(),
            target,
            concerned,
            unborn,
            at: self.now.mono,
            too_late: self.mood.is_stopping(),
            started: BTreeSet::new(),
            looks: BTreeMap::new(),
            last_started: None,
            bad: BTreeSet::new(),
            refused: BTreeSet::new(),
            expect: None,
            answered: None,
            gone: None,
        };
        let again = self.requests.insert(id, asked.clone()).is_some();
        self.check(!again, "I17", || format!("the world gave {id:?} twice"));
        if self.asks_helper(id, request) {
            return;
        }
        let unrefused = matches!(
            request,
            Request::SendRemoteCommEvent { .. }
                | Request::FollowPath { .. }
                | Request::SignalProcessGroup { .. }
        );
        let is_saving = self.saving_since.is_some();
        if asked.too_late && (!unrefused || is_saving) {
            self.expect(id, Err(Fault::bare(FaultCode::ShutdownState)));
            return;
        }
        self.act_on(id, &asked);
    }

    /// What a request does at once.
    fn act_on(&mut self, id: RequestId, asked: &Asked) {
        match &asked.request {
            Request::StopProcess { .. }
            | Request::StopProcessGroup { .. }
            | Request::StopAllProcesses { .. } => {
                for proc in &asked.concerned {
                    self.stop(*proc);
                }
            }
            Request::SignalProcess { signal, .. }
            | Request::SignalProcessGroup { signal, .. }
            | Request::SignalAllProcesses { signal } => {
                let late_group =
                    asked.too_late && matches!(asked.request, Request::SignalProcessGroup { .. });
                if let (Some(signal), false) = (read_signal(signal), late_group) {
                    for proc in &asked.concerned {
                        self.signal(*proc, signal);
                    }
                }
            }
            Request::KillProcess { signal, .. } | Request::KillProcessGroup { signal, .. } => {
                if let Some(signal) = read_signal(signal) {
                    for proc in &asked.concerned {
                        self.signal(*proc, signal);
                    }
                }
            }
            Request::GetGroupNames
            | Request::AddProgramToGroup { .. }
            | Request::RemoveProcessFromGroup { .. }
            | Request::Cache { .. } => self.twiddled(id, &asked.request),
            Request::LogMessage { level, text } => {
                self.notices.push(Notice::Said {
                    level: *level,
                    text: text.clone(),
                });
                self.expect(id, Ok(Reply::Done));
            }
            Request::SendRemoteCommEvent { kind, data } => {
                let event = Event::RemoteCommunication {
                    kind: kind.clone(),
                    data: data.clone(),
                };
                self.pools.emit(&event);
                self.expect(id, Ok(Reply::Done));
            }
            Request::AddProcessGroup { name } => {
                if let Err(fault) = self.add(id, name) {
                    self.expect(id, Err(fault));
                }
            }
            Request::RemoveProcessGroup { name } => {
                let answer = self.remove(name);
                self.expect(id, answer);
            }
            Request::Shutdown => {
                self.expect(id, Ok(Reply::Done));
                self.stop_everything(false);
            }
            Request::GetState => self.expect(id, Ok(Reply::State(SupervisorState::Running))),
            Request::GetIdentification => {
                self.expect(id, Ok(Reply::Text(self.latest.identifier.to_string())));
            }
            Request::Upgrade { .. } => self.upgrade_asked(Some(id)),
            Request::Check => self.expect(id, Ok(Reply::Done)),
            Request::GetProcessInfo { .. }
            | Request::GetAllProcessInfo
            | Request::GetProcessDetail { .. }
            | Request::GetProcessHistory { .. }
            | Request::GetAllViews
            | Request::GetDifferences
            | Request::GetAllConfigInfo
            | Request::GetEventPools
            | Request::StartProcess { .. }
            | Request::StartProcessGroup { .. }
            | Request::StartAllProcesses { .. }
            | Request::SendProcessStdin { .. }
            | Request::ReloadConfig
            | Request::Restart
            | Request::LogPath { .. }
            | Request::FollowPath { .. }
            | Request::ClearProcessLogs { .. }
            | Request::ClearAllProcessLogs
            | Request::ClearMainLog
            | Request::CallHelper { .. }
            | Request::HelperMethods
            | Request::HelperMisspoke { .. }
            | Request::Within { .. } => {}
        }
    }

    /// There is only one right answer.
    pub(super) fn expect(&mut self, id: RequestId, answer: Answer) {
        if let Some(asked) = self.requests.get_mut(&id) {
            asked.expect = Some(answer);
        }
    }

    fn add(&mut self, id: RequestId, name: &str) -> Result<(), Fault> {
        // Upstream looks into the latest configuration first.
        let spec = self
            .latest
            .groups
            .iter()
            .find(|spec| spec.name == name)
            .cloned();
        let spec = spec.ok_or_else(|| Fault::about(FaultCode::BadName, name))?;
        if self.groups.contains_key(name) {
            return Err(Fault::about(FaultCode::AlreadyAdded, name));
        }
        self.add_when_tried(id, &spec);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Answer {
        let group = self
            .groups
            .get(name)
            .ok_or_else(|| Fault::about(FaultCode::BadName, name))?;
        let idle = |id: &ProcId| self.procs.get(id).is_none_or(super::table::Proc::is_idle);
        if !group.procs.iter().all(idle) {
            return Err(Fault::about(FaultCode::StillRunning, name));
        }
        let group = self.groups.remove(name);
        if group
            .as_ref()
            .is_some_and(|group| matches!(group.spec.kind, GroupKind::Pool(_)))
        {
            // A pool does not hear of its own departure.
            if let Some(pool) = self
                .pools
                .by_group
                .remove(name)
                .filter(|pool| pool.spool.is_some())
            {
                self.pools.leaves(&pool);
                self.pools.leaving.insert(name.to_owned(), pool);
            }
        }
        self.helpers.remove(name);
        for id in group.map(|group| group.procs).unwrap_or_default() {
            self.procs.remove(&id);
            self.pools.home.remove(&id);
            self.dismissed.insert(id);
        }
        self.pools.emit(&Event::GroupRemoved {
            group: Arc::from(name),
        });
        Ok(Reply::Done)
    }

    fn signal(&mut self, id: ProcId, signal: Signal) {
        let Some(proc) = self.procs.get(&id) else {
            return;
        };
        if let (true, Some(run), Some(_)) = (proc.state.is_signallable(), proc.run, proc.pid) {
            self.kills.push((run, signal, false));
        }
    }

    fn target(&self, request: &Request) -> Target {
        match request {
            Request::StartProcess { name, .. }
            | Request::StopProcess { name, .. }
            | Request::SignalProcess { name, .. }
            | Request::KillProcess { name, .. }
            | Request::ClearProcessLogs { name }
            | Request::GetProcessInfo { name }
            | Request::SendProcessStdin { name, .. }
            | Request::LogPath { name, .. }
            | Request::FollowPath { name, .. } => self.named(name),
            Request::StartProcessGroup { name, .. }
            | Request::StopProcessGroup { name, .. }
            | Request::SignalProcessGroup { name, .. }
            | Request::KillProcessGroup { name, .. } => self.whole(name),
            Request::StartAllProcesses { .. }
            | Request::StopAllProcesses { .. }
            | Request::SignalAllProcesses { .. }
            | Request::ClearAllProcessLogs => Target::Many(self.procs.keys().copied().collect()),
            _ => Target::Nobody,
        }
    }

    fn whole(&self, name: &str) -> Target {
        self.groups
            .get(name)
            .map_or(Target::Nobody, |group| Target::Many(group.procs.clone()))
    }

    fn named(&self, name: &str) -> Target {
        let (group, process) = name.split_once(':').unwrap_or((name, name));
        if process.is_empty() || process == "*" {
            return self.whole(group);
        }
        let members = self
            .groups
            .get(group)
            .map(|group| group.procs.as_slice())
            .unwrap_or_default();
        let is_it = |id: &&ProcId| {
            self.procs
                .get(id)
                .is_some_and(|proc| *proc.name == *process)
        };
        members
            .iter()
            .find(is_it)
            .map_or(Target::Nobody, |id| Target::One(*id))
    }

    /// Those of the target in a state for the request.
    fn concerned(&self, request: &Request, target: &Target) -> Vec<ProcId> {
        let all = match target {
            Target::One(id) => std::slice::from_ref(id),
            Target::Many(many) => many.as_slice(),
            Target::Nobody => return Vec::new(),
        };
        let fits = |state: ProcessState| match request {
            Request::StartProcess { .. }
            | Request::StartProcessGroup { .. }
            | Request::StartAllProcesses { .. } => !state.is_running(),
            Request::StopProcess { .. }
            | Request::StopProcessGroup { .. }
            | Request::StopAllProcesses { .. }
            | Request::KillProcess { .. }
            | Request::KillProcessGroup { .. } => state.is_running(),
            Request::SignalProcess { .. }
            | Request::SignalProcessGroup { .. }
            | Request::SignalAllProcesses { .. } => state.is_signallable(),
            _ => true,
        };
        let state = |id: &ProcId| self.procs.get(id).map(|proc| proc.state);
        all.iter()
            .copied()
            .filter(|id| state(id).is_some_and(fits))
            .collect()
    }

    /// A client left.
    pub(super) fn left(&mut self, id: RequestId) {
        self.caller_left(id);
        let now = self.now.mono;
        if let Some(asked) = self
            .requests
            .get_mut(&id)
            .filter(|asked| asked.answered.is_none())
        {
            asked.gone = Some(now);
        }
    }

    /// Requests that can no longer be the reason for anything.
    pub(super) fn forget_old_requests(&mut self) {
        let now = self.now.mono;
        self.requests.retain(|_, asked| {
            asked.answered.is_none()
                && asked
                    .gone
                    .is_none_or(|gone| now.since(gone) < GONE_REMEMBERED)
        });
    }

    /// The answer to a look at a command.
    pub(super) fn probed(&mut self, ticket: Ticket, good: bool) {
        let Some((id, prober)) = self.probes.remove(&ticket) else {
            return;
        };
        self.prober = prober.map(|prober| (prober, ticket));
        if !good {
            for asked in self.requests.values_mut().filter(|asked| asked.covers(id)) {
                asked.bad.insert(id);
            }
        }
    }

    /// A signal could not be sent to this process.
    pub(super) fn signal_refused(&mut self, id: ProcId) {
        for asked in self.requests.values_mut().filter(|asked| asked.covers(id)) {
            asked.refused.insert(id);
        }
    }

    /// Whether a client may be the reason for this start; each is the reason for one.
    /// `only_now`: just the one that is served in this step counts.
    pub(super) fn is_start_asked(&mut self, id: ProcId, only_now: bool) -> bool {
        if self.mood != Mood::Serving {
            return false;
        }
        let wishes =
            |asked: &Asked| asked.starts() && asked.covers(id) && !asked.started.contains(&id);
        if let Some((prober, answered)) = self.prober
            && (!only_now || self.comes_to(id, prober, answered))
            && let Some(asked) = self.requests.get_mut(&prober)
            && wishes(asked)
        {
            asked.started.insert(id);
            if !only_now {
                self.started_in_turn(id, prober);
            }
            return true;
        }
        !only_now && self.requests.values().any(wishes)
    }

    /// Whether a request comes to this process with the answer to one of its looks: the process was not passed before,
    /// and no look up to its own is open.
    fn comes_to(&self, id: ProcId, request: RequestId, answered: Ticket) -> bool {
        let asked = self.requests.get(&request);
        let look = asked.and_then(|asked| asked.looks.get(&id));
        look.is_some_and(|look| {
            let mut before = self.probes.range(..=look);
            answered <= *look && before.all(|(_, (_, prober))| *prober != Some(request))
        })
    }

    /// All looks of a request begin together; those that have not ended in time end together as well.
    pub(super) fn forget_old_looks(&mut self) {
        let now = self.now.mono;
        let is_over = |asked: &&mut Asked| now.since(asked.at) >= PROBE_PATIENCE;
        for asked in self.requests.values_mut().filter(is_over) {
            asked.looks.clear();
        }
    }
}

/// A signal as clients write it.
pub(super) fn read_signal(text: &str) -> Option<Signal> {
    match text.parse::<i64>() {
        Ok(number) => Signal::from_number(number),
        Err(_) => Signal::from_name(text),
    }
}
