//! All pools, and what they share: numbers of events, files of spools, and who listens for which.

use super::pools::Pool;
use super::spools::Files;
use super::{Monitor, Report};
use provost_core::SERIALS_BLOCK;
use provost_model::spec::PoolSpec;
use provost_model::{Channel, Event, EventKind, ProcId, Run};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// All pools, and the numbers they share.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    pub(super) by_group: BTreeMap<String, Pool>,
    /// Events that at least one pool accepted.
    next_serial: u64,
    /// The same at the beginning of the step.
    first_of_step: u64,
    /// The number that the first event of a pool gets, and the same for a pool with a spool.
    first: u64,
    spooled: u64,
    /// No number from here on may be given: the next life begins with it after a kill.
    reserved: u64,
    /// The numbers that a life which was killed has given are below this one.
    used: u64,
    pub(super) home: BTreeMap<ProcId, String>,
    pub(super) files: Files,
    /// Pools by the numbers of their spools.
    pub(super) spools: BTreeMap<provost_model::SpoolId, String>,
    /// Pools that have gone in this step, and whose spool has not been saved.
    pub(super) leaving: BTreeMap<String, Pool>,
    /// All have gone, because everything ends: nobody hears of what is left to happen.
    pub(super) have_left: bool,
}

impl Pools {
    /// None, and all numbers that a core may give that is not told of others.
    pub(super) fn new() -> Self {
        Self {
            reserved: SERIALS_BLOCK,
            ..Self::default()
        }
    }

    /// The numbers of a next life go on where the former ended.
    pub(super) fn after(former: &Self) -> Self {
        let next_serial = former.next_serial;
        let mut left = former.clone();
        for pool in former.by_group.values() {
            left.leaves(pool);
        }
        Self {
            next_serial,
            first_of_step: next_serial,
            spooled: left.spooled,
            reserved: former.reserved,
            files: former.files.clone(),
            ..Self::default()
        }
    }

    /// After a kill nothing is left but files, and the numbers that were given must not be given again.
    pub(super) fn after_kill(&self, spools: BTreeMap<PathBuf, Vec<u64>>) -> Self {
        Self {
            used: self.next_serial.max(self.used),
            files: Files::after_kill(spools),
            ..Self::new()
        }
    }

    /// Numbers begin here.
    pub(super) fn number_from(&mut self, first: u64, block: u64, report: &mut Report<'_>) {
        report.check(first >= self.used, "I15", || {
            format!(
                "numbers begin at {first}, and were given up to {}",
                self.used
            )
        });
        (self.first, self.spooled) = (first, first);
        (self.next_serial, self.first_of_step) = (first, first);
        self.reserved = first + block;
    }

    /// More numbers may be given.
    pub(super) fn reserve(&mut self, until: u64, report: &mut Report<'_>) {
        report.check(until > self.reserved, "I15", || {
            format!("{until} is reserved after {}", self.reserved)
        });
        self.reserved = until;
    }

    /// The number that the first event of a pool gets.
    pub(super) fn base(&self, spec: &PoolSpec) -> u64 {
        match &spec.spool {
            Some(_) => self.spooled,
            None => self.first,
        }
    }

    /// A pool goes out of service. Events of one with a spool may lie in its file.
    pub(super) fn leaves(&mut self, pool: &Pool) {
        if pool.spool.is_some() {
            self.spooled = self.spooled.max(pool.next());
        }
    }

    /// Whether no number was given that is not reserved.
    pub(super) fn keep_to_reserved(&self) -> bool {
        self.next_serial <= self.reserved
    }

    /// Something happened that listeners may hear of.
    pub(super) fn emit(&mut self, event: &Event) {
        let mut heard = false;
        for pool in self
            .by_group
            .values_mut()
            .filter(|pool| pool.hears(event.kind()) && !self.have_left)
        {
            pool.accept(event.clone());
            heard = true;
        }
        self.next_serial += u64::from(heard);
    }

    /// Whether any pool wants this kind.
    pub(super) fn anyone_hears(&self, kind: EventKind) -> bool {
        self.by_group.values().any(|pool| pool.hears(kind))
    }

    /// The events of the step are complete.
    pub(super) fn close_step(&mut self) {
        let serials = (self.first_of_step, self.next_serial);
        self.first_of_step = self.next_serial;
        for pool in self.by_group.values_mut() {
            pool.close_step(serials);
        }
    }

    /// The pool that a process listens for.
    pub(super) fn of(&mut self, proc: ProcId) -> Option<&mut Pool> {
        self.by_group.get_mut(self.home.get(&proc)?)
    }
}

impl Monitor {
    /// A child wrote something that is an event.
    pub(super) fn wrote(&mut self, run: Run, channel: Channel, data: &[u8], captured: bool) {
        let Some(proc) = self.runs.get(&run).and_then(|id| self.procs.get(id)) else {
            return;
        };
        let Some(pid) = proc.pid else { return };
        let (process, group, data) = (proc.name.clone(), proc.group.clone(), data.to_vec());
        self.pools.emit(&if captured {
            Event::ProcessCommunication {
                process,
                group,
                pid,
                channel,
                data,
            }
        } else {
            Event::ProcessLog {
                process,
                group,
                pid,
                channel,
                data,
            }
        });
    }
}
