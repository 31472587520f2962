//! The daemon's own life: ticks, signals, and the ordered stop of everything (I25).

use super::Monitor;
use provost_core::LoadedConfig;
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Event, EventKind, ProcId, ProcessState, Reply, Signal, Ticket};
use std::time::Duration;

/// Nanoseconds of a second.
const SECOND_NS: i128 = 1_000_000_000;

/// How long the end waits for disks.
const SAVING_MAX: Duration = Duration::from_secs(5);

/// Periods of ticks in seconds.
const PERIODS: &[(u32, EventKind)] = &[
    (5, EventKind::Tick5),
    (60, EventKind::Tick60),
    (3600, EventKind::Tick3600),
];

/// What the daemon is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Not started.
    Waiting,
    /// It serves.
    Serving,
    /// It stops everything; groups of this priority at the moment.
    Stopping { restart: bool, level: Option<i64> },
    /// It has left.
    Ended { restart: bool },
}

impl Mood {
    pub(super) fn is_stopping(self) -> bool {
        matches!(self, Self::Stopping { .. } | Self::Ended { .. })
    }
}

impl Monitor {
    pub(super) fn signalled(&mut self, signal: Signal) {
        if matches!(signal, Signal::TERM | Signal::INT | Signal::QUIT) {
            self.stop_everything(false);
        }
    }

    /// A shutdown takes the place of a restart, not the other way round.
    pub(super) fn stop_everything(&mut self, restart: bool) {
        match &mut self.mood {
            Mood::Serving => {
                self.mood = Mood::Stopping {
                    restart,
                    level: None,
                };
                self.pools.emit(&Event::SupervisorStopping);
            }
            Mood::Stopping { restart: goal, .. } => *goal = *goal && restart,
            Mood::Waiting | Mood::Ended { .. } => {}
        }
    }

    /// Everything that follows from deadlines and from the ordered stop.
    pub(super) fn settle_shutdown(&mut self) {
        while self.next_level() {
            self.deadlines();
        }
        let disks = !self.pools.spools.is_empty() || !self.saves.is_empty();
        if disks && self.all_stopped() {
            self.saving_since.get_or_insert(self.now.mono);
            self.pools.have_left = true;
            self.ticks.clear();
            self.helpers.rest();
        }
    }

    /// When all groups of the present priority are stopped, the next lower ones are told to stop, all of one
    /// priority together. True when any was told.
    fn next_level(&mut self) -> bool {
        let Mood::Stopping { restart, level } = self.mood else {
            return false;
        };
        let below = |priority: i64| level.is_none_or(|level| priority < level);
        let mut next: Option<i64> = None;
        for group in self.groups.values() {
            if below(group.spec.priority) {
                next = next.max(Some(group.spec.priority));
            } else if group.procs.iter().any(|id| !self.is_stopped(*id)) {
                return false;
            }
        }
        let Some(priority) = next else { return false };
        self.mood = Mood::Stopping {
            restart,
            level: Some(priority),
        };
        let members: Vec<ProcId> = self
            .groups
            .values()
            .filter(|group| group.spec.priority == priority)
            .flat_map(|group| group.procs.iter().copied())
            .collect();
        for id in members {
            match self.procs.get(&id).map(|proc| proc.state) {
                Some(ProcessState::Backoff) => self.give_up(id),
                Some(ProcessState::Starting | ProcessState::Running) => self.stop(id),
                // Once more, so that it does not live on beside the next daemon's copy of it.
                Some(ProcessState::Unknown) => self.ask_to_end(id),
                _ => {}
            }
        }
        true
    }

    pub(super) fn is_stopped(&self, id: ProcId) -> bool {
        self.procs
            .get(&id)
            .is_none_or(|proc| proc.state.is_stopped())
    }

    /// Whether the order to leave is due.
    pub(super) fn may_leave(&self) -> bool {
        self.all_stopped() && self.disks_have_all()
    }

    /// Whether nothing of events is on its way to a disk, or the longest wait for it is over.
    fn disks_have_all(&self) -> bool {
        let began = self.saving_since;
        let overdue = began.is_some_and(|began| self.now.mono.since(began) >= SAVING_MAX);
        self.pools.spools.is_empty() && (overdue || self.saves.is_empty())
    }

    pub(super) fn all_stopped(&self) -> bool {
        let Mood::Stopping { level, .. } = self.mood else {
            return false;
        };
        let done = |priority: i64| level.is_some_and(|level| level <= priority);
        self.groups.values().all(|group| done(group.spec.priority))
            && self.procs.keys().all(|id| self.is_stopped(*id))
    }

    /// A configuration was read.
    pub(super) fn loaded(&mut self, ticket: Ticket, result: &Result<LoadedConfig, String>) {
        let Some((_, purpose)) = self.loads.remove(&ticket) else {
            return;
        };
        match (purpose, result) {
            (None, Ok(_)) => {
                if self.mood == Mood::Serving {
                    self.stop_everything(true);
                }
            }
            (None, Err(_)) => self.restart_refused = true,
            (Some(id), Ok(config)) => {
                let answer = Ok(self.difference(config));
                self.latest.clone_from(config);
                self.expect(id, answer);
            }
            (Some(id), Err(reason)) => {
                self.expect(id, Err(Fault::about(FaultCode::CantReread, reason.clone())));
            }
        }
    }

    /// What differs between what is in service and `config`.
    fn difference(&self, config: &LoadedConfig) -> Reply {
        let mut added = Vec::new();
        let mut changed = Vec::new();
        for spec in &config.groups {
            match self.groups.get(&spec.name) {
                None => added.push(spec.name.clone()),
                Some(group) if group.spec != *spec => changed.push(spec.name.clone()),
                Some(_) => {}
            }
        }
        let gone = |name: &str| config.groups.iter().all(|spec| spec.name != name);
        let mut removed: Vec<_> = self.groups.iter().filter(|(name, _)| gone(name)).collect();
        removed.sort_by_key(|(_, group)| group.created);
        Reply::Reload {
            added,
            changed,
            removed: removed.into_iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    fn wall_ns(&self) -> i128 {
        i128::from(self.now.wall.secs) * SECOND_NS + i128::from(self.now.wall.nanos)
    }

    /// Ticks that are due happen, and those that somebody wants are armed: one for each period of real time, named
    /// after the slice of wall time that is nearest; a wall clock that is set makes none and swallows none.
    pub(super) fn tick(&mut self) {
        if self.saving_since.is_some() {
            self.ticks.clear();
            return;
        }
        let (now, wall) = (self.now.mono, self.wall_ns());
        for (period, kind) in PERIODS {
            let span = i128::from(*period) * SECOND_NS;
            if !self.pools.anyone_hears(*kind) {
                self.ticks.remove(period);
                continue;
            }
            let to_next = span - wall.rem_euclid(span);
            let wait = |ns: i128| Duration::from_nanos(u64::try_from(ns).unwrap_or(0));
            let due = *self.ticks.entry(*period).or_insert(now.plus(wait(to_next)));
            if due > now {
                continue;
            }
            // Up to half a second before a slice still means that slice; up to a second after it, it is made up for.
            let slice = (wall + SECOND_NS / 2).div_euclid(span) * span;
            let late = wall - slice;
            let next = if late <= SECOND_NS { span - late } else { span };
            self.ticks.insert(*period, now.plus(wait(next)));
            let when = i64::try_from(slice / SECOND_NS).unwrap_or(0);
            self.pools.emit(&Event::Tick {
                period: *period,
                when,
            });
        }
    }
}
