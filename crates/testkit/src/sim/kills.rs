//! Supervisord is killed, or panics, in the middle of what it does. What it had started lives on, disks keep what was
//! written, clients lose their connections; its successor finds what is left, as the edge does at its start.

use super::children::{Child, Phase};
use super::faults::Fault;
use super::world::{Coming, World};
use provost_core::adopt::{Fate, fates};
use provost_core::{Effect, Input, LoadedConfig, StdinProblem};
use provost_model::spawn::SpawnProblem;
use provost_model::{Errno, Orphan, Orphans, Pid, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Interrupted.
const EINTR: Errno = Errno(4);

/// Numbers of events that are reserved together: more than the disk can be late for, and few enough to be used up.
const SERIALS_BLOCK: u64 = 512;

/// What the next supervisord finds.
pub(super) struct Found {
    /// What the file says.
    pub(super) config: LoadedConfig,
    /// What is in the files of spools, by the numbers of events.
    pub(super) spools: BTreeMap<PathBuf, Vec<u64>>,
}

impl World {
    /// After how many of this many orders supervisord is killed, if it is killed now.
    pub(super) fn killed_after(&mut self, orders: usize) -> Option<usize> {
        let strikes = self.faults.strike(&mut self.kill_dice, Fault::DaemonKilled);
        let after = self.kill_dice.index(orders + 1);
        (strikes && self.is_deadly).then_some(after)
    }

    /// At which of this many orders it panics, if it does now.
    pub(super) fn panics_at(&mut self, orders: usize) -> Option<usize> {
        let strikes = self.faults.strike(&mut self.kill_dice, Fault::DaemonPanics);
        let at = self.kill_dice.index(orders);
        (strikes && self.is_deadly && orders > 0).then_some(at)
    }

    /// An order is broken off by a panic: what becomes of it is what `daemon/handover/doing.rs` says.
    pub(super) fn break_off(&mut self, effect: Effect) {
        let told = match effect {
            Effect::Spawn { run, .. } => Input::SpawnFailed {
                run,
                problem: SpawnProblem::Fork { errno: EINTR },
            },
            Effect::CallHelper { run, call, .. } => Input::CallNotSent {
                run,
                call,
                problem: StdinProblem::Closed,
            },
            Effect::WriteStdin { ticket, .. } => Input::StdinWritten {
                ticket,
                result: Err(StdinProblem::Closed),
            },
            // Nobody does them again, and nobody tells the core.
            Effect::Probe { .. }
            | Effect::TrySocket { .. }
            | Effect::LoadConfig { .. }
            | Effect::ReadProgram { .. }
            | Effect::ClearLogs { .. }
            | Effect::ClearMainLog { .. }
            | Effect::Rehearse { .. }
            | Effect::HandOver { .. }
            | Effect::Print { .. } => return,
            again => return self.perform(again),
        };
        let wait = Duration::from_micros(self.kill_dice.below(300));
        self.later(wait, Coming::Fact(told));
    }

    /// Supervisord is dead. Time passes until another one has looked around and stopped what it does not want.
    pub(super) fn killed(&mut self) -> Found {
        let unborn: BTreeSet<Run> = self
            .agenda
            .all()
            .filter_map(|coming| match coming {
                Coming::Fact(Input::Spawned { run, .. }) => Some(*run),
                _ => None,
            })
            .collect();
        self.agenda.keep(|coming| {
            matches!(
                coming,
                Coming::Client | Coming::Caller | Coming::Upgrader | Coming::Weather
            )
        });
        self.forget_all();
        let mut living = Vec::new();
        for (run, child) in self.children.take_all() {
            // Whoever waits for its word to go ends when none comes; the record of some was written a moment before.
            let goes = unborn.contains(&run) && self.kill_dice.chance(500);
            match child.phase {
                Phase::Alive if !goes => living.push(child),
                Phase::Alive | Phase::Zombie => self.pids.release(child.pid),
                Phase::Reaped => {}
            }
        }
        // Those whom nobody took over the last time have been found again.
        living.extend(std::mem::take(&mut self.left_behind).into_values());
        living.sort_by_key(|child| (child.born.mono, child.pid));
        let away = Duration::from_millis(self.kill_dice.below(3_000));
        self.now = self.now.plus(away);
        let mut living = self.without_ended(living);
        let config = self.file.clone();
        let names: Vec<(&str, &str)> = living
            .iter()
            .map(|child| (child.spec.group.as_str(), child.spec.name.as_str()))
            .collect();
        let fates = fates(Orphans::Adopt, &config.groups, &names);
        let mut all_ended = self.now;
        for (child, fate) in living.iter_mut().zip(&fates) {
            if *fate == Fate::Adopt {
                continue;
            }
            let patience = Duration::from_secs(child.spec.stopwaitsecs.max(0).unsigned_abs());
            let asked = child.script.obeys.filter(|_| !child.script.is_halted);
            let obeys = asked.filter(|(after, _)| *after < patience);
            let after = obeys.map_or(patience + child.script.dies, |(after, _)| after);
            let at = self.now.plus(after);
            let ends_at = child.ends_at.map_or(at, |ends_at| ends_at.min(at));
            child.ends_at = Some(ends_at);
            all_ended = all_ended.max(ends_at);
        }
        let adoptable = fates.iter().map(|fate| *fate == Fate::Adopt);
        let (adopted, stopped): (Vec<_>, Vec<_>) =
            living.into_iter().zip(adoptable).partition(|(_, is)| *is);
        self.now = all_ended;
        for (child, _) in stopped {
            self.pids.release(child.pid);
        }
        let begins = self.number_from(self.reserved);
        let first = provost_model::Mono(0);
        self.agenda.add(first, 0, Coming::Fact(begins));
        for (child, _) in adopted {
            self.tell_of(child, &config);
        }
        self.agenda
            .add(provost_model::Mono(0), 0, Coming::Fact(Input::Started));
        Found {
            config,
            spools: self.disks.abandon(),
        }
    }

    /// A life begins with these numbers, and its first block is on disk.
    pub(super) fn number_from(&mut self, first: u64) -> Input {
        let block = SERIALS_BLOCK;
        self.reserved = first + block;
        Input::SerialsFrom { first, block }
    }

    /// What lives in the memory of a process goes with it.
    fn forget_all(&mut self) {
        self.is_ending = false;
        self.told.clear();
        self.known.clear();
        self.hung_up.clear();
        self.clients.close_all();
        self.sockets.close_all();
    }

    /// Those that have not ended by now. The pids of the others are free.
    fn without_ended(&mut self, children: Vec<Child>) -> Vec<Child> {
        let has_ended = |child: &Child| child.ends_at.is_some_and(|at| at <= self.now);
        let (ended, living): (Vec<_>, Vec<_>) = children.into_iter().partition(has_ended);
        for child in ended {
            self.pids.release(child.pid);
        }
        living
    }

    /// The next supervisord has found a process that it takes over.
    fn tell_of(&mut self, child: Child, config: &LoadedConfig) {
        let group = config
            .groups
            .iter()
            .find(|group| group.name == child.spec.group);
        let spec = group.and_then(|group| {
            let mut specs = group.processes.iter();
            specs.find(|spec| spec.name == child.spec.name)
        });
        let orphan = Orphan {
            group: child.spec.group.clone(),
            name: child.spec.name.clone(),
            pid: child.pid,
            started: (child.born.mono, child.born.wall),
            changed: spec.is_none_or(|spec| *spec != child.spec),
            ended: None,
            has_socket: false,
        };
        self.left_behind.insert(child.pid, child);
        let first = provost_model::Mono(0);
        self.agenda
            .add(first, 0, Coming::Fact(Input::Orphan(orphan)));
    }

    /// A process is taken over.
    pub(super) fn adopt(&mut self, run: Run, pid: Pid) {
        let Some(mut child) = self.left_behind.remove(&pid) else {
            return;
        };
        child.is_adopted = true;
        child.is_out_of_reach = false;
        // It is planned anew; it may have ended since it was found.
        let end = child.ends_at.take().zip(child.how);
        let speaks = child.spec.stdout.events_enabled || child.spec.stderr.capture_maxbytes > 0;
        self.children.add(run, child);
        if let Some((at, status)) = end
            && let Some(death) = self.children.doom(run, at, status)
        {
            self.later(at.since(self.now), Coming::Death(death));
        }
        if speaks {
            self.later(Duration::from_millis(100), Coming::Chatter(run));
        }
    }

    /// I01, I02: a process that lives twice, or that nobody knows. `is_owned` tells of the runs that supervisord has.
    pub(super) fn astray(&self, is_owned: impl Fn(Run) -> bool) -> Option<(&'static str, String)> {
        let mut names = BTreeSet::new();
        let within_reach = self
            .children
            .living()
            .filter(|(_, child)| !child.is_out_of_reach);
        for (run, child) in within_reach {
            let name = child.spec.namespec();
            if !is_owned(run) {
                return Some(("I02", format!("nobody knows {name} with pid {}", child.pid)));
            }
            if !names.insert(name.clone()) {
                return Some(("I01", format!("{name} lives twice")));
            }
        }
        None
    }
}
