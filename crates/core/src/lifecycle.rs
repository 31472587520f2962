//! The daemon's own life: start, signals, restart, and the ordered stop of everything.
//!
//! Groups stop in descending priority; those of equal priority stop together (upstream stops them one after another, and
//! so kills the last ones of many late). A stage begins when all of the stage before it have ended.

use crate::deadlines::Timer;
use crate::group::GroupId;
use crate::job::Purpose;
use crate::listener::spooling::SAVING_MAX;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::Turn;
use crate::{Effect, LoadedConfig};
use provost_model::fault::{Fault, FaultCode};
use provost_model::{Event, Notice, ProcId, Reply, RequestId, Signal, SupervisorState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Shortest time between two lines that say for whom the shutdown waits (upstream).
const SHUTDOWN_REPORT_PERIOD: Duration = Duration::from_secs(3);

/// What the daemon is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Not started yet.
    Waiting,
    /// Serving.
    Serving,
    /// Stopping everything.
    Stopping(Stopping),
    /// Everything is stopped; disks take what is left of listeners' events.
    Saving(Goal),
    /// The order to leave is given.
    Ended(Goal),
}

/// What follows when all have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Goal {
    Shutdown,
    Restart,
}

/// An ordered stop under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopping {
    goal: Goal,
    /// Groups that are being stopped and have not ended.
    stage: BTreeSet<GroupId>,
    /// Stages to come, the next one last.
    later: Vec<Vec<GroupId>>,
    has_begun: bool,
}

/// A configuration that is being read for a restart, and who asked for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RestartLoad {
    requesters: Vec<RequestId>,
}

impl RestartLoad {
    /// Clients that wait for it.
    pub(crate) fn requesters(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.requesters.iter().copied()
    }
}

impl Phase {
    /// Groups whose end is waited for.
    pub(crate) fn stopping(&self) -> impl Iterator<Item = GroupId> + '_ {
        let stopping = match self {
            Self::Stopping(stopping) => Some(stopping),
            Self::Waiting | Self::Serving | Self::Saving(_) | Self::Ended(_) => None,
        };
        stopping
            .into_iter()
            .flat_map(|stopping| stopping.stage.iter().copied())
    }

    /// Groups that are or will be stopped.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let later = match self {
            Self::Stopping(stopping) => stopping.later.as_slice(),
            Self::Waiting | Self::Serving | Self::Saving(_) | Self::Ended(_) => &[],
        };
        self.stopping().chain(later.iter().flatten().copied())
    }

    pub(crate) fn published(&self) -> SupervisorState {
        match self {
            Self::Waiting | Self::Serving => SupervisorState::Running,
            Self::Stopping(Stopping { goal, .. }) | Self::Saving(goal) | Self::Ended(goal) => {
                match goal {
                    Goal::Shutdown => SupervisorState::Shutdown,
                    Goal::Restart => SupervisorState::Restarting,
                }
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Waiting | Self::Serving => false,
            Self::Stopping(_) | Self::Saving(_) | Self::Ended(_) => true,
        }
    }
}

impl Core {
    /// Everything is ready: groups come into service, then what starts with the daemon starts.
    pub(crate) fn started(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Waiting => self.phase = Phase::Serving,
            Phase::Serving | Phase::Stopping(_) | Phase::Saving(_) | Phase::Ended(_) => {
                turn.anomaly("started twice, or after the end");
                return;
            }
        }
        for spec in self.latest.clone() {
            self.add_group(turn, &spec);
        }
        self.publish(turn, Event::SupervisorRunning);
        self.adopt_orphans(turn);
        self.let_rest(turn);
        let order: Vec<ProcId> = self
            .groups
            .by_priority()
            .into_iter()
            .flat_map(|(_, group)| group.procs.iter().copied())
            .collect();
        for proc in order {
            self.start_automatically(turn, proc);
        }
    }

    /// A signal to the daemon.
    pub(crate) fn signalled(&mut self, turn: &mut Turn<'_>, signal: Signal) {
        match signal {
            Signal::TERM | Signal::INT | Signal::QUIT => {
                turn.notice(Notice::ExitRequested { signal });
                self.stop_everything(turn, Goal::Shutdown);
            }
            Signal::HUP => match &self.phase {
                Phase::Waiting | Phase::Serving => {
                    turn.notice(Notice::RestartRequested);
                    self.load_for_restart(turn, None);
                }
                Phase::Stopping(Stopping { goal, .. })
                | Phase::Saving(goal)
                | Phase::Ended(goal) => {
                    let notice = match goal {
                        Goal::Shutdown => Notice::RestartIgnored,
                        Goal::Restart => Notice::RestartRequested,
                    };
                    turn.notice(notice);
                }
            },
            Signal::USR2 => {
                turn.notice(Notice::ReopenRequested);
                turn.notice(Notice::Reopening);
                turn.out.push(Effect::ReopenLogs);
            }
            Signal::CHLD => turn.notice(Notice::ChildQuit),
            other => turn.notice(Notice::SignalIgnored { signal: other }),
        }
    }

    /// A restart begins with the new configuration: one that cannot be used must not cost what runs.
    pub(crate) fn load_for_restart(&mut self, turn: &mut Turn<'_>, requester: Option<RequestId>) {
        if let Some(load) = &mut self.restart_load {
            load.requesters.extend(requester);
            return;
        }
        self.restart_load = Some(RestartLoad {
            requesters: requester.into_iter().collect(),
        });
        let for_restart = true;
        self.order(turn, Purpose::LoadForRestart, |ticket| Effect::LoadConfig {
            ticket,
            for_restart,
        });
    }

    /// The configuration for the restart was read, or not.
    pub(crate) fn loaded_for_restart(
        &mut self,
        turn: &mut Turn<'_>,
        result: Result<LoadedConfig, String>,
    ) {
        let Some(load) = self.restart_load.take() else {
            return;
        };
        let answer = match &result {
            _ if self.phase.is_over() => Err(Fault::bare(FaultCode::ShutdownState)),
            Ok(_) => Ok(Reply::Done),
            Err(reason) => Err(Fault::about(FaultCode::CantReread, reason.clone())),
        };
        for requester in load.requesters {
            self.reply(turn, requester, answer.clone());
        }
        if self.phase.is_over() {
            return;
        }
        match result {
            Ok(_) => self.stop_everything(turn, Goal::Restart),
            Err(reason) => turn.notice(Notice::RestartRefused { reason }),
        }
    }

    /// Begins to stop everything. A shutdown takes the place of a restart under way, not the other way round.
    pub(crate) fn stop_everything(&mut self, turn: &mut Turn<'_>, goal: Goal) {
        match &mut self.phase {
            Phase::Waiting | Phase::Serving => {
                let mut later: Vec<Vec<GroupId>> = Vec::new();
                let mut priority = None;
                for (id, group) in self.groups.by_priority() {
                    match later.last_mut() {
                        Some(stage) if priority == Some(group.spec.priority) => stage.push(id),
                        Some(_) | None => later.push(vec![id]),
                    }
                    priority = Some(group.spec.priority);
                }
                let stage = BTreeSet::new();
                self.phase = Phase::Stopping(Stopping {
                    goal,
                    stage,
                    later,
                    has_begun: false,
                });
                self.publish(turn, Event::SupervisorStopping);
            }
            Phase::Stopping(stopping) => {
                if goal == Goal::Shutdown {
                    stopping.goal = goal;
                }
            }
            Phase::Saving(then) => {
                if goal == Goal::Shutdown {
                    *then = goal;
                }
            }
            Phase::Ended(_) => {}
        }
    }

    /// Goes on with an ordered stop. Tells whether anything was done.
    pub(crate) fn advance_shutdown(&mut self, turn: &mut Turn<'_>) -> bool {
        let stopping = match &mut self.phase {
            Phase::Stopping(stopping) => stopping,
            Phase::Saving(goal) if self.saving.is_empty() => {
                let goal = *goal;
                self.leave(turn, goal);
                return true;
            }
            Phase::Waiting | Phase::Serving | Phase::Saving(_) | Phase::Ended(_) => return false,
        };
        if !stopping.stage.is_empty() {
            let is_first = !std::mem::replace(&mut stopping.has_begun, true);
            if is_first {
                self.report_shutdown(turn);
            }
            return false;
        }
        if let Some(stage) = stopping.later.pop() {
            for id in stage.iter().rev() {
                self.stop_group_for_shutdown(turn, *id);
            }
            self.await_groups(&stage);
        } else {
            let goal = stopping.goal;
            self.end(turn, goal);
        }
        true
    }

    /// The next stage begins when these have ended.
    fn await_groups(&mut self, stage: &[GroupId]) {
        let groups = &self.groups;
        let lives = |id: &GroupId| groups.get(*id).is_some_and(|group| group.unstopped > 0);
        match &mut self.phase {
            Phase::Stopping(stopping) => {
                stopping.stage = stage.iter().copied().filter(lives).collect();
            }
            Phase::Waiting | Phase::Serving | Phase::Saving(_) | Phase::Ended(_) => {}
        }
    }

    /// The last process of a group ended.
    pub(crate) fn group_ended(&mut self, id: GroupId) {
        match &mut self.phase {
            Phase::Stopping(stopping) => {
                stopping.stage.remove(&id);
            }
            Phase::Waiting | Phase::Serving | Phase::Saving(_) | Phase::Ended(_) => {}
        }
    }

    fn stop_group_for_shutdown(&mut self, turn: &mut Turn<'_>, id: GroupId) {
        let members = self.groups.get(id).map(|group| group.by_priority.clone());
        for proc in members.unwrap_or_default().into_iter().rev() {
            self.with_process(turn, proc, Process::stop_for_shutdown);
        }
        self.settle(turn, false);
    }

    /// All have ended: what is left of events goes to disk, and then we leave.
    fn end(&mut self, turn: &mut Turn<'_>, goal: Goal) {
        self.deadlines.keep_answers();
        if self.all_pools_leave(turn) {
            self.phase = Phase::Saving(goal);
            let at = turn.now.mono.plus(SAVING_MAX);
            self.deadlines.set(Timer::Saving, Some(at));
        } else {
            self.leave(turn, goal);
        }
    }

    fn leave(&mut self, turn: &mut Turn<'_>, goal: Goal) {
        self.phase = Phase::Ended(goal);
        self.deadlines.clear();
        self.jobs_end(turn);
        turn.out.push(Effect::Exit {
            restart: goal == Goal::Restart,
        });
    }

    /// Says for whom the shutdown waits, and when to say it next.
    pub(crate) fn report_shutdown(&mut self, turn: &mut Turn<'_>) {
        let waiting: Vec<_> = self
            .groups
            .created()
            .flat_map(|(_, group)| group.procs.iter())
            .filter_map(|&proc| self.procs.get(proc))
            .filter(|process| !process.published().is_stopped())
            .map(|process| (process.name.clone(), process.published()))
            .collect();
        let names = waiting.iter().map(|(name, _)| name.clone()).collect();
        turn.notice(Notice::WaitingToDie { names });
        for (name, state) in waiting {
            turn.notice(Notice::WaitingState { name, state });
        }
        let next = turn.now.mono.plus(SHUTDOWN_REPORT_PERIOD);
        self.deadlines.set(Timer::ShutdownReport, Some(next));
    }
}
