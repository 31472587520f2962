//! Processes that come into and go out of a group while it is in service, as `supervisor_twiddler` does.
//!
//! What a client gives is looked at by the edge before anything here is touched. A group that was changed so differs from
//! its configuration: the next `update` puts it back to what the file says.

use crate::Effect;
use crate::group::GroupId;
use crate::job::Purpose;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Answer, GroupKind, GroupSpec, Notice, ProcessSpec, Reply, RequestId, Ticket};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Core {
    /// All groups in service, as they came.
    pub(crate) fn group_names(&self) -> Vec<String> {
        let groups = self.groups.created();
        groups.map(|(_, group)| group.name.to_string()).collect()
    }

    /// A client has a program for a group: what it says is to be looked at first.
    pub(crate) fn ask_for_program(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        group: String,
        program: String,
        options: Vec<(String, String)>,
    ) {
        if let Err(fault) = self.open_group(&group) {
            self.reply(turn, id, Err(fault));
            return;
        }
        let purpose = Purpose::Program {
            request: id,
            group: group.clone(),
        };
        self.order(turn, purpose, |ticket| Effect::ReadProgram {
            ticket,
            group,
            program,
            options,
        });
    }

    /// A program was looked at.
    pub(crate) fn program_read(
        &mut self,
        turn: &mut Turn<'_>,
        ticket: Ticket,
        result: Result<Vec<Arc<ProcessSpec>>, String>,
    ) {
        match self.redeem(ticket) {
            Some(Purpose::Program { request, group }) => {
                let answer = match result {
                    _ if self.phase.is_over() => Err(Fault::bare(FaultCode::ShutdownState)),
                    Ok(specs) => self.add_to_group(turn, &group, &specs),
                    Err(reason) => Err(Fault::about(FaultCode::IncorrectParameters, reason)),
                };
                self.reply(turn, request, answer);
            }
            Some(
                Purpose::Load { .. }
                | Purpose::LoadForRestart
                | Purpose::Probe { .. }
                | Purpose::Fence { .. }
                | Purpose::Stdin { .. }
                | Purpose::Clear { .. }
                | Purpose::ClearMain { .. }
                | Purpose::TrySocket { .. }
                | Purpose::Spool { .. }
                | Purpose::SaveSpool { .. }
                | Purpose::Rehearse { .. }
                | Purpose::HandOver { .. },
            ) => turn.anomaly("a program answers another order"),
            None => {}
        }
    }

    /// The group of this name, if programs may be added to it.
    fn open_group(&self, name: &str) -> Result<(GroupId, Arc<GroupSpec>), Fault> {
        let (id, group) = self.groups.named(name).ok_or_else(|| unknown(name))?;
        let kind = match group.spec.kind {
            GroupKind::Program | GroupKind::Group => return Ok((id, group.spec.clone())),
            GroupKind::Pool(_) => "event listeners",
            GroupKind::Fcgi(_) => "a FastCGI program",
            GroupKind::Helper(_) => "a helper",
        };
        let text = format!("group {name} is one of {kind}; programs cannot be added to it");
        Err(Fault::about(FaultCode::IncorrectParameters, text))
    }

    /// Takes all of these into a group, or none.
    fn add_to_group(
        &mut self,
        turn: &mut Turn<'_>,
        name: &str,
        specs: &[Arc<ProcessSpec>],
    ) -> Answer {
        let (home, old) = self.open_group(name)?;
        let mut names: BTreeSet<&str> = BTreeSet::new();
        names.extend(old.processes.iter().map(|spec| spec.name.as_str()));
        if specs.iter().any(|spec| spec.name.is_empty()) {
            // Nobody could name it: the name of its group and a colon stands for the whole group.
            let text = "a process must have a name";
            return Err(Fault::about(FaultCode::IncorrectParameters, text));
        }
        if let Some(again) = specs.iter().find(|spec| !names.insert(&spec.name)) {
            return Err(Fault::about(FaultCode::BadName, again.name.as_str()));
        }
        let mut changed = GroupSpec::clone(&old);
        changed.processes.extend(specs.iter().cloned());
        let spec = self.put_in_place(home, &old, changed);
        let group: Arc<str> = Arc::from(name);
        let mut members = Vec::new();
        for process in specs {
            let member = self.introduce(turn, (home, group.clone()), &spec, process.clone());
            members.push(member.0);
            turn.notice(Notice::ProcessAdded {
                name: member.1.clone(),
                group: group.clone(),
            });
            let procs = &self.procs;
            if let Some(group) = self.groups.get_mut(home) {
                group.admit(member, |other| {
                    procs.get(other).map_or(0, |other| other.spec.priority)
                });
            }
        }
        for proc in members {
            self.start_automatically(turn, proc);
        }
        Ok(Reply::Done)
    }

    /// A client takes a process out of its group of which nothing runs.
    pub(crate) fn remove_from_group(
        &mut self,
        turn: &mut Turn<'_>,
        name: &str,
        process: &str,
    ) -> Answer {
        let (home, group) = self.groups.named(name).ok_or_else(|| unknown(name))?;
        let proc = group.process(process);
        let proc = proc.ok_or_else(|| Fault::about(FaultCode::BadName, process))?;
        if !self.procs.get(proc).is_none_or(Process::is_idle) {
            return Err(Fault::about(FaultCode::StillRunning, process));
        }
        let old = group.spec.clone();
        let mut changed = GroupSpec::clone(&old);
        changed.processes.retain(|spec| spec.name != process);
        self.put_in_place(home, &old, changed);
        if let Some(pool) = self.pools.get_mut(&home) {
            pool.dismiss(proc);
        }
        if let Some(group) = self.groups.get_mut(home) {
            group.dismiss(proc);
        }
        self.dismiss(turn, proc);
        turn.notice(Notice::ProcessRemoved {
            name: Arc::from(process),
            group: Arc::from(name),
        });
        Ok(Reply::Done)
    }

    /// From now on the group is configured so; the configuration read last shows it too, unless it has another one.
    fn put_in_place(
        &mut self,
        home: GroupId,
        old: &Arc<GroupSpec>,
        changed: GroupSpec,
    ) -> Arc<GroupSpec> {
        let spec = Arc::new(changed);
        if let Some(group) = self.groups.get_mut(home) {
            group.spec = spec.clone();
        }
        let latest = self.latest.iter_mut();
        for latest in latest.filter(|latest| *latest == old) {
            *latest = spec.clone();
        }
        spec
    }
}

fn unknown(group: &str) -> Fault {
    Fault::about(FaultCode::BadName, format!("group: {group}"))
}

#[cfg(test)]
#[path = "twiddle_tests.rs"]
mod tests;
