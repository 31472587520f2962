//! The children of the simulated kernel: born, alive, zombies, reaped.

use super::script::Script;
use provost_model::spec::ResultHandler;
use provost_model::{ExitStatus, Mono, Now, Pid, ProcessSpec, Run, Signal};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Where a child is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It runs.
    Alive,
    /// It has ended and holds its pid still.
    Zombie,
    /// Its pid is free again; that it has ended is on its way to the core.
    Reaped,
}

/// One process that the core ordered.
#[derive(Clone, Debug)]
pub(super) struct Child {
    /// How it was configured when it was born.
    pub(super) spec: Arc<ProcessSpec>,
    /// The result handler of its pool, if it listens.
    pub(super) listens: Option<ResultHandler>,
    /// Its pid.
    pub(super) pid: Pid,
    /// What it will do.
    pub(super) script: Script,
    /// Where it is in its life.
    pub(super) phase: Phase,
    /// When and how it will end, if that is known.
    pub(super) ends_at: Option<Mono>,
    pub(super) how: Option<ExitStatus>,
    /// When it was born.
    pub(super) born: Now,
    /// It is no child of the supervisord that has it now.
    pub(super) is_adopted: bool,
    /// A signal to it was refused: from then on it may have no owner.
    pub(super) is_out_of_reach: bool,
    /// Its stop signal waits until it is woken up.
    pub(super) must_be_woken: bool,
    /// Each time its end is brought forward, the number grows; ends of older plans are void.
    pub(super) plan: u32,
}

impl Child {
    /// What a signal does to it: after how long it ends, and how, if it does.
    pub(super) fn reaction(&mut self, signal: Signal) -> Option<(Duration, ExitStatus)> {
        if signal == Signal::KILL {
            let status = ExitStatus::Signaled {
                signal,
                core_dumped: false,
            };
            return Some((self.script.dies, status));
        }
        if signal == Signal::CONT && std::mem::take(&mut self.must_be_woken) {
            self.script.is_halted = false;
            return self.script.obeys;
        }
        if signal != self.spec.stopsignal {
            return None;
        }
        self.must_be_woken = self.script.is_halted;
        self.script.obeys.filter(|_| !self.must_be_woken)
    }
}

/// All children whose end has not been told yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    by_run: BTreeMap<Run, Child>,
}

/// A plan for the end of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Death {
    /// Whose.
    pub(super) run: Run,
    /// Valid only while the child has this plan.
    pub(super) plan: u32,
    /// When.
    pub(super) at: Mono,
    /// How.
    pub(super) status: ExitStatus,
}

impl Children {
    /// A child is born.
    pub(super) fn add(&mut self, run: Run, child: Child) {
        self.by_run.insert(run, child);
    }

    /// The child of a run.
    pub(super) fn get(&self, run: Run) -> Option<&Child> {
        self.by_run.get(&run)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, run: Run) -> Option<&mut Child> {
        self.by_run.get_mut(&run)
    }

    /// Takes all of them away.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = (Run, Child)> + use<> {
        std::mem::take(&mut self.by_run).into_iter()
    }

    /// The child of a run while it lives.
    pub(super) fn alive(&self, run: Run) -> Option<&Child> {
        self.get(run).filter(|child| child.phase == Phase::Alive)
    }

    /// Plans an end for a living child; none when it will have ended by then.
    pub(super) fn doom(&mut self, run: Run, at: Mono, status: ExitStatus) -> Option<Death> {
        let child = self
            .by_run
            .get_mut(&run)
            .filter(|child| child.phase == Phase::Alive)?;
        if child.ends_at.is_some_and(|ends_at| ends_at <= at) {
            return None;
        }
        child.ends_at = Some(at);
        child.how = Some(status);
        child.plan += 1;
        Some(Death {
            run,
            plan: child.plan,
            at,
            status,
        })
    }

    /// Carries out a plan; false when it is void.
    pub(super) fn die(&mut self, death: &Death) -> bool {
        match self.by_run.get_mut(&death.run) {
            Some(child) if child.phase == Phase::Alive && child.plan == death.plan => {
                child.phase = Phase::Zombie;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Frees the pid of a zombie; none when it is free already.
    pub(super) fn reap(&mut self, run: Run) -> Option<Pid> {
        let child = self
            .by_run
            .get_mut(&run)
            .filter(|child| child.phase == Phase::Zombie)?;
        child.phase = Phase::Reaped;
        Some(child.pid)
    }

    /// The end has been told.
    pub(super) fn remove(&mut self, run: Run) {
        self.by_run.remove(&run);
    }

    /// All runs that live.
    pub(super) fn living(&self) -> impl Iterator<Item = (Run, &Child)> {
        self.by_run
            .iter()
            .filter(|(_, child)| child.phase == Phase::Alive)
            .map(|(run, child)| (*run, child))
    }
}
