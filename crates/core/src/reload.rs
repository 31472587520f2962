//! Reading the configuration again, and taking groups into and out of service.

use crate::deadlines::Timer;
use crate::group::{Group, GroupId};
use crate::helper::Helper;
use crate::job::Purpose;
use crate::listener::pool::Pool;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use crate::{Effect, LoadedConfig};
use provost_model::fault::{Fault, FaultCode};
use provost_model::{
    Answer, Event, GroupKind, GroupSpec, Notice, ProcId, ProcessSpec, Reply, RequestId, Ticket,
};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Core {
    /// A configuration was read, or not.
    pub(crate) fn config_loaded(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<LoadedConfig, String>,
    ) {
        match self.redeem(ticket) {
            Some(Purpose::Load { request }) => {
                let answer = match result {
                    Ok(config) => Ok(self.take_config(config)),
                    Err(reason) => Err(Fault::about(FaultCode::CantReread, reason)),
                };
                self.reply(turn, request, answer);
            }
            Some(Purpose::LoadForRestart) => self.loaded_for_restart(turn, result),
            Some(
                Purpose::Probe { .. }
                | Purpose::Fence { .. }
                | Purpose::Stdin { .. }
                | Purpose::Clear { .. }
                | Purpose::ClearMain { .. }
                | Purpose::TrySocket { .. }
                | Purpose::Program { .. }
                | Purpose::Spool { .. }
                | Purpose::SaveSpool { .. }
                | Purpose::Rehearse { .. }
                | Purpose::HandOver { .. },
            ) => turn.anomaly("a configuration answers another order"),
            None => {}
        }
    }

    /// Takes the latest configuration and tells what differs from what is in service. The identifier holds at once;
    /// groups change only when a client adds or removes them.
    fn take_config(&mut self, config: LoadedConfig) -> Reply {
        self.identifier = config.identifier;
        self.latest = config.groups;
        let latest: BTreeMap<&str, &Arc<GroupSpec>> = self
            .latest
            .iter()
            .map(|spec| (spec.name.as_str(), spec))
            .collect();
        let mut added = Vec::new();
        let mut changed = Vec::new();
        for spec in &self.latest {
            match self.groups.named(&spec.name) {
                None => added.push(spec.name.clone()),
                Some((_, group)) if group.spec != *spec => changed.push(spec.name.clone()),
                Some(_) => {}
            }
        }
        let removed = self
            .groups
            .created()
            .filter(|(_, group)| !latest.contains_key(&*group.name))
            .map(|(_, group)| group.name.to_string())
            .collect();
        Reply::Reload {
            added,
            changed,
            removed,
        }
    }

    /// A client takes a group of the latest configuration into service.
    pub(crate) fn add_group_named(&mut self, turn: &mut Turn<'_>, id: RequestId, name: &str) {
        let Some(spec) = self.latest.iter().find(|spec| spec.name == name).cloned() else {
            return self.reply(turn, id, Err(Fault::about(FaultCode::BadName, name)));
        };
        if self.groups.named(name).is_some() {
            return self.reply(turn, id, Err(Fault::about(FaultCode::AlreadyAdded, name)));
        }
        let mut sockets = spec.sockets();
        sockets.reverse();
        self.try_sockets(turn, id, spec, sockets);
    }

    /// Takes a group into service whose sockets could be opened.
    pub(crate) fn add_tried_group(&mut self, turn: &mut Turn<'_>, spec: &Arc<GroupSpec>) -> Answer {
        // Trying its sockets takes time, in which others may have been faster.
        let name = spec.name.as_str();
        if self.phase.is_over() {
            return Err(Fault::bare(FaultCode::ShutdownState));
        }
        if self.groups.named(name).is_some() {
            return Err(Fault::about(FaultCode::AlreadyAdded, name));
        }
        let members = self.add_group(turn, spec);
        turn.notice(Notice::GroupAdded {
            name: Arc::from(name),
        });
        for proc in members {
            self.start_automatically(turn, proc);
        }
        Ok(Reply::Done)
    }

    /// Takes a group into service. A listener pool hears of itself.
    pub(crate) fn add_group(&mut self, turn: &mut Turn<'_>, spec: &Arc<GroupSpec>) -> Vec<ProcId> {
        let id = self.groups.reserve();
        let name: Arc<str> = Arc::from(spec.name.as_str());
        let mut members = Vec::new();
        for process in last_of_each_name(spec) {
            members.push(self.introduce(turn, (id, name.clone()), spec, process));
        }
        self.groups.add(id, Group::new(spec.clone(), &members));
        match &spec.kind {
            GroupKind::Pool(pool) => {
                let (spool, reserve) = (self.new_spool_id(), self.bus.reserve);
                self.pools
                    .insert(id, Pool::new(name.clone(), pool, &members, spool, reserve));
                self.stirred.insert(id);
                self.bus.subscribe(id, &pool.events);
                self.arm_ticks(turn);
            }
            GroupKind::Helper(helper) => {
                if let Some(&(proc, _, _)) = members.first() {
                    self.helpers
                        .add(id, Helper::new(name.clone(), helper, proc));
                }
            }
            GroupKind::Program | GroupKind::Group | GroupKind::Fcgi(_) => {}
        }
        self.publish(turn, Event::GroupAdded { group: name });
        members.into_iter().map(|(proc, _, _)| proc).collect()
    }

    /// Takes a process of a group into service. Tells what its group wants to know of it.
    pub(crate) fn introduce(
        &mut self,
        turn: &mut Turn<'_>,
        (home, name): (GroupId, Arc<str>),
        group: &Arc<GroupSpec>,
        spec: Arc<ProcessSpec>,
    ) -> (ProcId, Arc<str>, i64) {
        self.last_proc = self.last_proc.saturating_add(1);
        let proc = ProcId(self.last_proc);
        let priority = spec.priority;
        let process = Process::new(proc, home, name, spec);
        let member = (proc, process.name.clone(), priority);
        turn.out.push(Effect::ProcessAdded {
            proc,
            spec: process.spec.clone(),
            group: group.clone(),
        });
        self.procs.insert(process);
        member
    }

    /// Starts a process that comes into service, if it wants to.
    pub(crate) fn start_automatically(&mut self, turn: &mut Turn<'_>, proc: ProcId) {
        self.with_process(turn, proc, Process::start_automatically);
        self.settle(turn, false);
    }

    /// A client takes a group out of service of which nothing runs.
    pub(crate) fn remove_group_named(&mut self, turn: &mut Turn<'_>, name: &str) -> Answer {
        let Some((id, group)) = self.groups.named(name) else {
            return Err(Fault::about(FaultCode::BadName, name));
        };
        let members = group.procs.clone();
        let is_idle = |&proc: &ProcId| self.procs.get(proc).is_none_or(Process::is_idle);
        if !members.iter().all(is_idle) {
            return Err(Fault::about(FaultCode::StillRunning, name));
        }
        if let Some(mut pool) = self.pools.remove(&id) {
            self.pool_leaves(turn, id, &mut pool);
            self.bus.unsubscribe(id);
            self.disarm_ticks();
        }
        self.remove_helper(turn, id);
        self.stirred.remove(&id);
        self.groups.remove(id);
        for proc in members {
            self.dismiss(turn, proc);
        }
        turn.notice(Notice::GroupRemoved {
            name: Arc::from(name),
        });
        self.publish(
            turn,
            Event::GroupRemoved {
                group: Arc::from(name),
            },
        );
        Ok(Reply::Done)
    }

    /// Forgets a process of which nothing runs.
    pub(crate) fn dismiss(&mut self, turn: &mut Turn<'_>, proc: ProcId) {
        self.dismiss_helper(turn, proc);
        self.procs.remove(proc);
        self.deadlines.set(Timer::Process(proc), None);
        self.deadlines.set(Timer::StopReport(proc), None);
        turn.out.push(Effect::ProcessRemoved { proc });
    }
}

/// The processes of a group: of two with one name the later counts, in the place of the earlier (upstream).
fn last_of_each_name(group: &GroupSpec) -> Vec<Arc<ProcessSpec>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kept: Vec<Arc<ProcessSpec>> = Vec::with_capacity(group.processes.len());
    for spec in &group.processes {
        let place = *places.entry(&spec.name).or_insert(kept.len());
        if let Some(earlier) = kept.get_mut(place) {
            *earlier = spec.clone();
        } else {
            kept.push(spec.clone());
        }
    }
    kept
}
