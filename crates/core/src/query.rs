//! Answers that change nothing.

use crate::group::{Group, Target};
use crate::supervisor::Core;
use provost_model::access::Scope;
use provost_model::fault::{Fault, FaultCode};
use provost_model::info::{ConfigInfo, OutputInfo, PoolInfo, ProcessInfo, ProcessView};
use provost_model::spec::{LogFile, OutputSpec};
use provost_model::{Answer, Channel, GroupSpec, Now, ProcId, ProcessSpec, ProcessState, Reply};
use std::sync::Arc;

impl Core {
    /// The process of this name in the group of that name.
    pub(crate) fn find(&self, group: &str, process: &str) -> Option<ProcId> {
        let (_, group) = self.groups.named(group)?;
        group.process(process)
    }

    /// The same, unless the client that asks may not know of it.
    pub(crate) fn find_in_reach(&self, group: &str, process: &str) -> Option<ProcId> {
        let is_known = |reach: &Arc<Scope>| reach.has(group, process);
        let found = self.find(group, process);
        found.filter(|_| self.reach.as_ref().is_none_or(is_known))
    }

    /// Whether the client that asks may know of a process.
    pub(crate) fn is_in_reach(&self, proc: ProcId) -> bool {
        self.reach.as_ref().is_none_or(|reach| {
            let process = self.procs.get(proc);
            process.is_some_and(|process| reach.has(&process.group, &process.name))
        })
    }

    fn find_one(&self, name: &str) -> Result<&crate::program::Process, Fault> {
        let proc = match Target::parse(name) {
            Target::One { group, process } => self.find_in_reach(group, process),
            Target::Whole { .. } => None,
        };
        proc.and_then(|proc| self.procs.get(proc))
            .ok_or_else(|| Fault::about(FaultCode::BadName, name))
    }

    pub(crate) fn process_info(&self, now: Now, name: &str) -> Answer {
        let process = self.find_one(name)?;
        Ok(Reply::Info(Box::new(process.info(now))))
    }

    /// All processes by name of group, then by name.
    pub(crate) fn all_process_info(&self, now: Now) -> Vec<ProcessInfo> {
        let procs = self.groups.by_name().flat_map(Group::by_name);
        let mut infos = Vec::with_capacity(self.procs.len());
        infos.extend(
            procs
                .filter_map(|proc| self.procs.get(proc))
                .map(|process| process.info(now)),
        );
        infos
    }

    /// A process as those see it who look at all of it.
    pub fn view(&self, now: Now, proc: ProcId) -> Option<ProcessView> {
        self.procs.get(proc).map(|process| process.view(now))
    }

    pub(crate) fn process_detail(&self, now: Now, name: &str) -> Answer {
        let process = self.find_one(name)?;
        Ok(Reply::Detail(Box::new(process.detail(now))))
    }

    pub(crate) fn process_history(&self, now: Now, name: &str) -> Answer {
        let process = self.find_one(name)?;
        Ok(Reply::History(Box::new(process.told_history(now))))
    }

    /// When a process ended last, in milliseconds since 1970.
    pub fn last_exit_ms(&self, proc: ProcId) -> Option<u64> {
        self.procs.get(proc)?.last_exit_ms()
    }

    /// The same of all, by name of group, then by name.
    pub(crate) fn all_views(&self, now: Now) -> Vec<ProcessView> {
        let procs = self.groups.by_name().flat_map(Group::by_name);
        procs.filter_map(|proc| self.view(now, proc)).collect()
    }

    /// All listener pools by name.
    pub(crate) fn all_pool_info(&self) -> Vec<PoolInfo> {
        let state = |proc| match self.procs.get(proc) {
            Some(process) => {
                let pid = process.child().map_or(0, |child| child.pid.0);
                (process.published(), pid)
            }
            None => (ProcessState::Stopped, 0),
        };
        let pools = self.pools.values().map(|pool| pool.info(state));
        let mut pools: Vec<PoolInfo> = pools.collect();
        pools.sort_by(|a, b| a.name.cmp(&b.name));
        pools
    }

    pub(crate) fn log_path(&self, name: &str, channel: Channel) -> Answer {
        let process = self.find_one(name)?;
        Ok(Reply::Log(
            process.log_path(channel).map(|path| path.to_path_buf()),
        ))
    }

    /// The latest configuration, one entry a process, by process name.
    pub(crate) fn all_config_info(&self) -> Vec<ConfigInfo> {
        let mut all: Vec<ConfigInfo> = Vec::new();
        for group in &self.latest {
            let is_used = self.groups.named(&group.name).is_some();
            for spec in &group.processes {
                all.push(self.config_info(group, spec, is_used));
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn config_info(&self, group: &GroupSpec, spec: &ProcessSpec, inuse: bool) -> ConfigInfo {
        ConfigInfo {
            autostart: spec.autostart,
            autorestart: spec.autorestart,
            directory: spec
                .directory
                .as_ref()
                .map(|path| path.to_string_lossy().into_owned()),
            uid: spec.uid,
            command: spec.command.clone(),
            exitcodes: spec.exitcodes.clone(),
            group: group.name.clone(),
            group_prio: group.priority,
            inuse,
            killasgroup: spec.killasgroup,
            name: spec.name.clone(),
            process_prio: spec.priority,
            redirect_stderr: spec.redirect_stderr,
            startretries: spec.startretries,
            startsecs: spec.startsecs,
            stdout: self.output_info(group, spec, Channel::Stdout, &spec.stdout),
            stderr: self.output_info(group, spec, Channel::Stderr, &spec.stderr),
            stopsignal: spec.stopsignal,
            stopwaitsecs: spec.stopwaitsecs,
            serverurl: spec.serverurl.clone(),
        }
    }

    fn output_info(
        &self,
        group: &GroupSpec,
        spec: &ProcessSpec,
        channel: Channel,
        output: &OutputSpec,
    ) -> OutputInfo {
        let logfile = match &output.logfile {
            LogFile::None => "none".to_owned(),
            LogFile::Path(path) => path.to_string_lossy().into_owned(),
            LogFile::Auto => {
                let proc = self.find(&group.name, &spec.name);
                let process = proc.and_then(|proc| self.procs.get(proc));
                let path = process.and_then(|process| process.auto_log_path(channel));
                path.map_or_else(
                    || "auto".to_owned(),
                    |path| path.to_string_lossy().into_owned(),
                )
            }
        };
        OutputInfo {
            logfile,
            maxbytes: output.maxbytes,
            backups: output.backups,
            capture_maxbytes: output.capture_maxbytes,
            events_enabled: output.events_enabled,
            syslog: output.syslog,
        }
    }
}
