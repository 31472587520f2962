//! Processes that come into and go out of groups in service, and values that clients keep.

use super::Monitor;
use super::table::Proc;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{
    Answer, CacheDeed, GroupKind, GroupSpec, Notice, ProcId, ProcessSpec, Reply, Request,
    RequestId, Ticket,
};
use std::sync::Arc;

impl Monitor {
    /// What such a request does at once, and its answer where it is known.
    pub(super) fn twiddled(&mut self, id: RequestId, request: &Request) {
        let answer = match request {
            Request::GetGroupNames => {
                let mut names: Vec<_> = self.groups.iter().collect();
                names.sort_by_key(|(_, group)| group.created);
                let names = names.into_iter().map(|(name, _)| name.clone()).collect();
                Ok(Reply::Names(names))
            }
            Request::AddProgramToGroup { group, .. } => match self.takes_programs(group) {
                Ok(()) => return,
                Err(fault) => Err(fault),
            },
            Request::RemoveProcessFromGroup { group, process } => self.take_out(group, process),
            Request::Cache { namespace, deed } => self.cached(namespace, deed),
            _ => return,
        };
        self.expect(id, answer);
    }

    /// A program was looked at for a client.
    pub(super) fn program_read(
        &mut self,
        ticket: Ticket,
        result: &Result<Vec<Arc<ProcessSpec>>, String>,
    ) {
        let Some((_, id, group)) = self.programs.remove(&ticket) else {
            return;
        };
        let answer = match result {
            _ if self.mood.is_stopping() => Err(Fault::bare(FaultCode::ShutdownState)),
            Ok(specs) => self.put_in(&group, specs),
            Err(reason) => Err(Fault::about(
                FaultCode::IncorrectParameters,
                reason.as_str(),
            )),
        };
        self.expect(id, answer);
    }

    fn takes_programs(&self, group: &str) -> Result<(), Fault> {
        let known = self.groups.get(group);
        let known =
            known.ok_or_else(|| Fault::about(FaultCode::BadName, format!("group: {group}")))?;
        let kind = match known.spec.kind {
            GroupKind::Program | GroupKind::Group => return Ok(()),
            GroupKind::Pool(_) => "event listeners",
            GroupKind::Fcgi(_) => "a FastCGI program",
            GroupKind::Helper(_) => "a helper",
        };
        let text = format!("group {group} is one of {kind}; programs cannot be added to it");
        Err(Fault::about(FaultCode::IncorrectParameters, text))
    }

    /// All of them, or none when a name is taken.
    fn put_in(&mut self, name: &str, specs: &[Arc<ProcessSpec>]) -> Answer {
        self.takes_programs(name)?;
        let old = self.groups.get(name).map(|group| group.spec.clone());
        let old = old.ok_or_else(|| Fault::bare(FaultCode::BadName))?;
        let taken =
            |spec: &&Arc<ProcessSpec>| old.processes.iter().any(|known| known.name == spec.name);
        if let Some(spec) = specs.iter().find(taken) {
            return Err(Fault::about(FaultCode::BadName, spec.name.as_str()));
        }
        let mut changed = GroupSpec::clone(&old);
        changed.processes.extend(specs.iter().cloned());
        let changed = self.configured_anew(name, &old, changed);
        let mut members: Vec<ProcId> = Vec::new();
        for spec in specs {
            let is_it = |(_, group, process): &(ProcId, Arc<GroupSpec>, String)| {
                **group == *changed && *process == spec.name
            };
            let Some(place) = self.introduced.iter().position(is_it) else {
                self.fail("I24", format!("{} was not added", spec.namespec()));
                continue;
            };
            let (id, _, _) = self.introduced.remove(place);
            self.procs.insert(id, Proc::new(id, spec.clone()));
            members.push(id);
            self.notices.push(Notice::ProcessAdded {
                name: Arc::from(spec.name.as_str()),
                group: Arc::from(name),
            });
        }
        if let Some(group) = self.groups.get_mut(name) {
            group.procs.extend(&members);
        }
        self.autostart(&members);
        Ok(Reply::Done)
    }

    fn take_out(&mut self, name: &str, process: &str) -> Answer {
        let unknown = || Fault::about(FaultCode::BadName, format!("group: {name}"));
        let group = self.groups.get(name).ok_or_else(unknown)?;
        let is_it = |id: &&ProcId| {
            let proc = self.procs.get(id);
            proc.is_some_and(|proc| *proc.name == *process)
        };
        let id = group.procs.iter().find(is_it).copied();
        let id = id.ok_or_else(|| Fault::about(FaultCode::BadName, process))?;
        if !self.procs.get(&id).is_none_or(Proc::is_idle) {
            return Err(Fault::about(FaultCode::StillRunning, process));
        }
        let old = group.spec.clone();
        let mut changed = GroupSpec::clone(&old);
        changed.processes.retain(|spec| spec.name != process);
        self.configured_anew(name, &old, changed);
        if let Some(group) = self.groups.get_mut(name) {
            group.procs.retain(|known| *known != id);
        }
        self.procs.remove(&id);
        self.pools.home.remove(&id);
        self.helpers.loses(id);
        self.dismissed.insert(id);
        self.notices.push(Notice::ProcessRemoved {
            name: Arc::from(process),
            group: Arc::from(name),
        });
        Ok(Reply::Done)
    }

    /// The group is configured so from now on. What was read last shows it too, where it is the same configuration.
    fn configured_anew(
        &mut self,
        name: &str,
        old: &Arc<GroupSpec>,
        changed: GroupSpec,
    ) -> Arc<GroupSpec> {
        let changed = Arc::new(changed);
        if let Some(group) = self.groups.get_mut(name) {
            group.spec = changed.clone();
        }
        for spec in &mut self.latest.groups {
            if spec == old {
                *spec = changed.clone();
            }
        }
        changed
    }

    fn cached(&mut self, namespace: &str, deed: &CacheDeed) -> Answer {
        let place = |key: &String| (namespace.to_owned(), key.clone());
        let is_here = |(of, _): &&(String, String)| of == namespace;
        Ok(match deed {
            CacheDeed::Keys => {
                let keys = self.stores.keys().filter(is_here);
                Reply::Names(keys.map(|(_, key)| key.clone()).collect())
            }
            CacheDeed::Count => Reply::Count(self.stores.keys().filter(is_here).count()),
            CacheDeed::Store { key, value } => {
                self.stores.insert(place(key), value.clone());
                Reply::Done
            }
            CacheDeed::Fetch { key } => {
                let value = self.stores.get(&place(key)).cloned();
                Reply::Stored(value.ok_or_else(|| Fault::bare(FaultCode::BadName))?)
            }
            CacheDeed::Delete { key } => {
                self.stores.remove(&place(key));
                Reply::Done
            }
            CacheDeed::Clear => {
                self.stores.retain(|(of, _), _| of != namespace);
                Reply::Done
            }
        })
    }
}
