//! Whether a state that came from outside is one that a supervisor can be in.
//!
//! Nothing here is needed for one that the core itself made. It is what keeps a damaged state from being worked with: all
//! that is referred to is there, what is waited for will come, and numbers that are given next were not given before.

use crate::deadlines::Timer;
use crate::group::{Group, GroupId};
use crate::job::Purpose;
use crate::lifecycle::Phase;
use crate::program::Process;
use crate::schedule;
use crate::supervisor::Core;
use provost_model::{GroupKind, ProcId, RequestId, Run};
use std::collections::BTreeSet;

/// What is wrong, in a sentence.
pub(crate) type Sound = Result<(), String>;

/// A rule, and what is wrong where it does not hold.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Sound {
    if holds { Ok(()) } else { Err(what()) }
}

impl Core {
    /// Whether all parts of the state fit together; what is wrong if not, in a sentence.
    ///
    /// Holds between any two steps of a core. One that was deserialized has been checked.
    pub fn check(&self) -> Result<(), String> {
        self.check_numbers()?;
        self.check_phase()?;
        for process in self.procs.values() {
            self.check_process(process)?;
        }
        let names = self.groups.by_name().count();
        ensure(names == self.groups.created().count(), || {
            "two groups have one name".to_owned()
        })?;
        for (id, group) in self.groups.created() {
            self.check_group(id, group)?;
        }
        for (id, pool) in &self.pools {
            self.check_pool(*id)?;
            pool.check()?;
        }
        for run in self.sockets.users() {
            let process = self.runs.process(run).and_then(|proc| self.procs.get(proc));
            let uses = process.is_some_and(|process| process.spec.socket.is_some());
            ensure(uses, || {
                format!("run {} uses a socket, and has none", run.0)
            })?;
        }
        self.check_helpers()?;
        for timer in self.deadlines.timers() {
            self.check_timer(timer)?;
        }
        self.jobs.check(&self.tickets)?;
        self.check_waiting()?;
        self.check_orders()
    }

    /// Whether the end has come so far that nothing is planned any more.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Saving(_) | Phase::Ended(_))
    }

    /// Numbers grow: the next one must be new.
    fn check_numbers(&self) -> Sound {
        let proc = self.procs.last().map_or(0, |proc| proc.0);
        let group = self.groups.created().last().map_or(0, |(group, _)| group.0);
        let run = self.procs.values().filter_map(Process::run).max();
        let ticket = self.tickets.open().last().map_or(0, |(ticket, _)| ticket.0);
        let (last_socket, socket) = self.sockets.last();
        let spool = self.spools.keys().chain(&self.saving).max();
        for (what, last, largest) in [
            ("process", self.last_proc.into(), proc.into()),
            ("group", self.groups.last().into(), group.into()),
            ("run", self.runs.last(), run.map_or(0, |run| run.0)),
            ("order", self.tickets.last(), ticket),
            ("socket", last_socket, socket.map_or(0, |socket| socket.0)),
            ("spool", self.last_spool, spool.map_or(0, |spool| spool.0)),
        ] {
            ensure(last >= largest, || {
                format!("{what} {largest} was numbered after the last number, {last}")
            })?;
        }
        Ok(())
    }

    fn check_phase(&self) -> Sound {
        let is_waiting = self.phase == Phase::Waiting;
        ensure(
            !is_waiting || self.groups.created().next().is_none(),
            || "groups are in service before the start".to_owned(),
        )?;
        ensure(
            is_waiting || (self.orphans.is_empty() && self.resting.is_empty()),
            || "orphans wait after the start".to_owned(),
        )?;
        for id in self.phase.groups() {
            let is_known = self.groups.get(id).is_some();
            ensure(is_known, || {
                format!("group {} is to stop, and is not there", id.0)
            })?;
        }
        for id in self.phase.stopping() {
            let lives = self.groups.get(id).is_some_and(|group| group.unstopped > 0);
            ensure(lives, || {
                format!("group {} is waited for, and has stopped", id.0)
            })?;
        }
        Ok(())
    }

    fn check_process(&self, process: &Process) -> Sound {
        let name = &process.name;
        if let Some(child) = process.child() {
            ensure(child.pid.0 > 1, || format!("{name} has pid {}", child.pid))?;
        }
        let deadline = self.deadlines.of(Timer::Process(process.id));
        ensure(deadline == process.deadline() || self.is_ending(), || {
            format!("{name} has another deadline than its state")
        })?;
        if let (Some(run), true) = (process.run(), process.spec.socket.is_some()) {
            let uses = self.sockets.spec_of(run) == process.spec.socket.as_ref();
            ensure(uses, || format!("{name} runs without its socket"))?;
        }
        Ok(())
    }

    fn check_group(&self, id: GroupId, group: &Group) -> Sound {
        let name = &group.name;
        let different: BTreeSet<ProcId> = group.by_name().collect();
        ensure(different.len() == group.procs.len(), || {
            format!("two processes of {name} have one name")
        })?;
        let is_there = match group.spec.kind {
            GroupKind::Pool(_) => self.pools.contains_key(&id) || self.is_ending(),
            GroupKind::Helper(_) => self.helpers.is_one(id) || group.procs.is_empty(),
            GroupKind::Program | GroupKind::Group | GroupKind::Fcgi(_) => true,
        };
        ensure(is_there, || format!("{name} is only half in service"))
    }

    fn check_pool(&self, id: GroupId) -> Sound {
        let group = self.groups.get(id);
        let is_one = self.pools.get(&id).zip(group).is_some_and(|(pool, group)| {
            let GroupKind::Pool(spec) = &group.spec.kind else {
                return false;
            };
            *pool.name() == *group.name
                && pool.members().eq(group.procs.iter().copied())
                && pool.spool_id().is_some() == spec.spool.is_some()
        });
        ensure(is_one, || format!("pool {} is not that of its group", id.0))
    }

    fn check_helpers(&self) -> Sound {
        for (id, helper) in self.helpers.all() {
            let group = self.groups.get(id);
            let group = group.filter(|group| matches!(group.spec.kind, GroupKind::Helper(_)));
            // A client may have taken its process out of the group.
            let has = |group: &Group| group.procs.contains(&helper.proc) || group.procs.is_empty();
            let is_one = group.is_some_and(has);
            ensure(is_one, || {
                format!("helper {} is not that of its group", id.0)
            })?;
        }
        for (request, deadline) in self.helpers.check()? {
            let timer = self.deadlines.of(Timer::Call(request));
            let is_timed = timer.is_some() && deadline.is_none_or(|at| timer == Some(at));
            ensure(is_timed || matches!(self.phase, Phase::Ended(_)), || {
                format!("call {} is waited for without end", request.0)
            })?;
        }
        Ok(())
    }

    /// Who has a deadline must be there.
    fn check_timer(&self, timer: Timer) -> Sound {
        let is_known = match timer {
            Timer::Process(proc) | Timer::StopReport(proc) => self.procs.contains(proc),
            Timer::Answer(ticket) => self.tickets.is_open(ticket),
            Timer::Call(request) => self.helpers.is_calling(request),
            Timer::HungUp(home) | Timer::Hello(home) => self.helpers.is_one(home),
            Timer::ShutdownReport | Timer::Saving => self.phase.is_over(),
            Timer::Tick(period) => schedule::is_period(period),
            Timer::Overflow(home) | Timer::Spool(home) => self.pools.contains_key(&home),
        };
        ensure(is_known, || {
            format!("{timer:?} has a deadline, and is nobody's")
        })?;
        Ok(())
    }

    /// Whoever waits for an answer gets one.
    fn check_waiting(&self) -> Sound {
        let mut answered: BTreeSet<RequestId> = self.jobs.working().collect();
        answered.extend(self.helpers.calling());
        answered.extend(
            self.tickets
                .open()
                .filter_map(|(_, purpose)| purpose.request()),
        );
        if let Some(load) = &self.restart_load {
            answered.extend(load.requesters());
        }
        for request in self.jobs.unanswered() {
            ensure(answered.contains(&request), || {
                format!("request {} is never answered", request.0)
            })?;
        }
        for proc in self.jobs.watched() {
            ensure(self.procs.contains(proc), || {
                format!("process {} is waited for, and is not there", proc.0)
            })?;
        }
        let run = self.jobs.last_signalled().unwrap_or(Run(0));
        ensure(run.0 <= self.runs.last(), || {
            format!("run {} was signalled before it began", run.0)
        })
    }

    /// What was ordered fits what is waited for.
    fn check_orders(&self) -> Sound {
        let has = |is_it: &dyn Fn(&Purpose) -> bool| self.tickets.any(is_it);
        for (ticket, purpose) in self.tickets.open() {
            let is_timed = self.deadlines.of(Timer::Answer(ticket)).is_some();
            ensure(is_timed == purpose.patience().is_some(), || {
                format!(
                    "order {} is waited for without end, or not at all",
                    ticket.0
                )
            })?;
        }
        let is_over = matches!(self.phase, Phase::Ended(_));
        let is_loading = has(&|purpose| *purpose == Purpose::LoadForRestart);
        ensure(is_loading == self.restart_load.is_some() || is_over, || {
            "a restart waits for nothing, or nobody for a restart".to_owned()
        })?;
        let upgrades = self
            .tickets
            .open()
            .filter(|(_, purpose)| purpose.is_upgrade());
        ensure(upgrades.count() <= 1, || {
            "two upgrades are under way".to_owned()
        })?;
        for pool in self.pools.values() {
            let Some((spool, is_busy)) = pool.spool_under_way() else {
                continue;
            };
            let is_ordered = has(&|purpose| *purpose == Purpose::Spool { spool });
            ensure(is_busy == is_ordered, || {
                format!("spool {} waits for nothing, or nobody for it", spool.0)
            })?;
        }
        for &spool in &self.saving {
            let is_ordered = has(&|purpose| *purpose == Purpose::SaveSpool { spool });
            ensure(is_ordered, || format!("spool {} is never saved", spool.0))?;
        }
        if self.is_ending() {
            return Ok(());
        }
        for period in schedule::periods(&self.bus) {
            ensure(self.deadlines.has(Timer::Tick(period)), || {
                format!("ticks of {period} seconds never come")
            })?;
        }
        Ok(())
    }
}
