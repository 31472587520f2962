//! What each fact must do, by the table.

use super::shutdown::Mood;
use super::table::{self, Proc, RESPAWN_AHEAD, RESPAWN_FLOOR, RESPAWN_SHARE};
use super::{Group, Monitor};
use provost_core::{Input, StdinProblem};
use provost_model::spawn::SpawnProblem;
use provost_model::{
    Errno, Event, ExitStatus, GroupKind, GroupSpec, Notice, Pid, ProcId, ProcessState, Run, Signal,
};
use std::sync::Arc;

/// What upstream shows after an end before `startsecs`.
const TOO_QUICKLY: &str = "Exited too quickly (process log may have details)";

/// No such process: it is as good as ended.
const ESRCH: Errno = Errno(3);

impl Monitor {
    /// Takes in what the core was told.
    pub(super) fn take(&mut self, input: &Input) {
        match input {
            Input::Started => self.begin(),
            Input::Spawned { run, pid } => self.spawned(*run, *pid),
            Input::SpawnFailed { run, problem } => self.spawn_failed(*run, problem),
            Input::Exited { run, status, why } => self.exited(*run, *status, why.as_deref()),
            Input::KillFailed {
                run,
                errno,
                signal: _,
            } => self.kill_failed(*run, *errno),
            Input::Probed { ticket, result } => {
                self.tickets.remove(ticket);
                self.probed(*ticket, result.is_ok());
            }
            Input::ConfigLoaded { ticket, result } => {
                self.tickets.remove(ticket);
                self.loaded(*ticket, result);
            }
            Input::ProgramRead { ticket, result } => {
                self.tickets.remove(ticket);
                self.program_read(*ticket, result);
            }
            Input::ListenerSaid { run, data } => {
                if let Some(pool) = self.runs.get(run).and_then(|proc| self.pools.of(*proc)) {
                    pool.said(*run, data);
                }
            }
            Input::ListenerDeaf { run, serial } => {
                if let Some(pool) = self.runs.get(run).and_then(|proc| self.pools.of(*proc)) {
                    pool.deaf(*run, *serial);
                }
            }
            Input::HelperSaid { run, word } => self.helper_said(*run, word),
            Input::HelperHungUp { run } => self.helper_closed(*run),
            Input::CallNotSent { run, call, problem } => {
                self.call_lost(*run, *call, *problem == StdinProblem::Closed);
            }
            Input::Captured { run, channel, data } => self.wrote(*run, *channel, data, true),
            Input::Logged { run, channel, data } => self.wrote(*run, *channel, data, false),
            Input::Signal(signal) => self.signalled(*signal),
            Input::Requested { id, request } => self.asked(*id, request),
            Input::RequesterGone { id } => self.left(*id),
            Input::SpoolAnswered { ticket, answer } => {
                self.tickets.remove(ticket);
                self.saves.remove(ticket);
                self.pools.files.saved(*ticket, answer);
                for pool in self.pools.by_group.values_mut() {
                    if let Some(spool) = &mut pool.spool {
                        spool.answered(*ticket, answer, &mut self.pools.files);
                    }
                }
            }
            Input::UpgradeAsked => self.upgrade_asked(None),
            Input::Rehearsed { ticket, result } => self.upgrade_step(*ticket, false, result),
            Input::HandedOver { ticket, result } => self.upgrade_step(*ticket, true, result),
            Input::Fenced { ticket }
            | Input::StdinWritten { ticket, .. }
            | Input::LogsCleared { ticket, .. } => {
                self.tickets.remove(ticket);
            }
            Input::SerialsFrom { first, block } if self.mood == Mood::Waiting => {
                let mut report = super::Report(&mut self.violations);
                self.pools.number_from(*first, *block, &mut report);
            }
            Input::Orphan(orphan) if self.mood == Mood::Waiting => {
                self.orphans.push(orphan.clone());
            }
            Input::SerialsFrom { .. }
            | Input::Orphan(_)
            | Input::Resting(_)
            | Input::SocketTried { .. }
            | Input::AutoLogNamed { .. }
            // The logs of this world take everything.
            | Input::LogState { .. }
            | Input::Tick => {}
        }
    }

    fn begin(&mut self) {
        if self.mood != Mood::Waiting {
            return;
        }
        self.mood = Mood::Serving;
        let mut order = Vec::new();
        for spec in self.latest.groups.clone() {
            order.extend(self.add_group(&spec));
        }
        self.pools.emit(&Event::SupervisorRunning);
        self.autostart(&order);
        self.take_over();
        self.start_order = order
            .into_iter()
            .filter(|id| self.procs.get(id).is_some_and(|proc| proc.must_start))
            .collect();
    }

    /// Takes a group into service. Tells its processes in order.
    pub(super) fn add_group(&mut self, spec: &Arc<GroupSpec>) -> Vec<ProcId> {
        let mut procs = Vec::new();
        for process in &spec.processes {
            let place = self
                .introduced
                .iter()
                .position(|(_, group, name)| **group == **spec && *name == process.name);
            let Some(place) = place else {
                self.fail(
                    "I24",
                    format!("{} was not taken into service", process.namespec()),
                );
                continue;
            };
            let (id, _, _) = self.introduced.remove(place);
            self.procs.insert(id, Proc::new(id, process.clone()));
            procs.push(id);
        }
        if let GroupKind::Pool(pool) = &spec.kind {
            // A pool hears of its own arrival.
            let base = self.pools.base(pool);
            let watched = super::pools::Pool::new(&spec.name, pool, base);
            self.pools.by_group.insert(spec.name.clone(), watched);
            self.pools
                .home
                .extend(procs.iter().map(|id| (*id, spec.name.clone())));
        }
        if let (GroupKind::Helper(helper), Some(proc)) = (&spec.kind, procs.first()) {
            self.helpers.add(&spec.name, helper, *proc);
        }
        self.created += 1;
        let group = Group {
            spec: spec.clone(),
            procs: procs.clone(),
            created: self.created,
        };
        self.groups.insert(spec.name.clone(), group);
        self.pools.emit(&Event::GroupAdded {
            group: Arc::from(spec.name.as_str()),
        });
        procs
    }

    /// What comes into service starts by itself if it is to.
    pub(super) fn autostart(&mut self, procs: &[ProcId]) {
        for id in procs {
            if let Some(proc) = self.procs.get_mut(id) {
                proc.must_start = proc.spec.autostart;
            }
        }
    }

    /// A process changes its state, and listeners hear of it.
    pub(super) fn change(&mut self, id: ProcId, to: ProcessState) {
        let step = self.step;
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        let from = proc.state;
        if proc.held.0 != step {
            proc.held = (step, Vec::new());
        }
        proc.held.1.push(from);
        proc.state = to;
        let event = Event::ProcessState {
            process: proc.name.clone(),
            group: proc.group.clone(),
            from,
            to,
            tries: proc.tries,
            pid: proc.pid.map_or(0, |pid| pid.0),
            expected: proc.exit.is_some_and(|status| proc.is_expected(status)),
        };
        self.pools.emit(&event);
        self.helper_changed(id, to);
    }

    /// The order to spawn was given.
    pub(super) fn spawn_ordered(&mut self, id: ProcId, run: Run, by_hand: bool) {
        let now = self.now.mono;
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        if by_hand {
            proc.tries = 0;
            proc.shortages = 0;
            proc.spread_until = provost_model::Mono::default();
        }
        proc.must_start = false;
        proc.due = None;
        proc.by_hand_at = if by_hand { Some(now) } else { proc.by_hand_at };
        proc.started = Some(now);
        proc.exit = None;
        proc.spawnerr.clear();
        proc.stop_wished = false;
        proc.run = Some(run);
        proc.pid = None;
        self.runs.insert(run, id);
        self.change(id, ProcessState::Starting);
        if let Some(pool) = self.pools.of(id) {
            pool.started(run);
        }
    }

    fn spawned(&mut self, run: Run, pid: Pid) {
        let now = self.now.mono;
        let Some(id) = self.runs.get(&run).copied() else {
            return;
        };
        let Some(proc) = self.procs.get_mut(&id).filter(|proc| proc.pid.is_none()) else {
            return;
        };
        proc.pid = Some(pid);
        proc.started = Some(now);
        proc.due = Some(now.plus(table::secs(proc.spec.startsecs)));
        let stop = std::mem::take(&mut proc.stop_wished);
        self.notices.push(Notice::Spawned {
            name: proc.name.clone(),
            pid,
        });
        if stop {
            self.stop(id);
        }
    }

    /// It stayed up long enough.
    pub(super) fn up(&mut self, id: ProcId) {
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        proc.tries = 0;
        proc.shortages = 0;
        proc.due = None;
        let (name, startsecs) = (proc.name.clone(), proc.spec.startsecs);
        self.notices
            .push(Notice::EnteredRunning { name, startsecs });
        self.change(id, ProcessState::Running);
    }

    fn spawn_failed(&mut self, run: Run, problem: &SpawnProblem) {
        let now = self.now.mono;
        let Some(id) = self.runs.get(&run).copied() else {
            return;
        };
        let Some(proc) = self.procs.get_mut(&id).filter(|proc| proc.pid.is_none()) else {
            return;
        };
        self.runs.remove(&run);
        proc.run = None;
        let text = problem.sentence(&proc.name);
        proc.spawnerr.clone_from(&text);
        self.notices.push(Notice::SpawnFailed {
            name: proc.name.clone(),
            text,
        });
        let shortage = table::is_shortage(problem);
        if shortage {
            proc.shortages += 1;
        } else {
            proc.shortages = 0;
            proc.tries += 1;
        }
        proc.due = Some(now.plus(proc.retry_delay()));
        let stop = std::mem::take(&mut proc.stop_wished);
        self.change(id, ProcessState::Backoff);
        if stop {
            self.stop(id);
        } else if !shortage {
            self.give_up_if_spent(id);
        }
    }

    fn give_up_if_spent(&mut self, id: ProcId) {
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        if i64::from(proc.tries) > proc.spec.startretries {
            self.notices.push(Notice::GaveUp {
                name: proc.name.clone(),
            });
            self.give_up(id);
        }
    }

    /// BACKOFF becomes FATAL.
    pub(super) fn give_up(&mut self, id: ProcId) {
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        proc.tries = 0;
        proc.shortages = 0;
        proc.due = None;
        self.change(id, ProcessState::Fatal);
    }

    fn exited(&mut self, run: Run, status: ExitStatus, why: Option<&str>) {
        let now = self.now.mono;
        let Some(id) = self.runs.get(&run).copied() else {
            return;
        };
        let Some(proc) = self.procs.get_mut(&id).filter(|proc| proc.pid.is_some()) else {
            return;
        };
        self.runs.remove(&run);
        proc.run = None;
        let (name, expected) = (proc.name.clone(), proc.is_expected(status));
        let early = proc.state == ProcessState::Starting && proc.due.is_some_and(|due| now < due);
        let after_stop = match proc.state {
            ProcessState::Stopping => true,
            ProcessState::Unknown => proc.stop_wished,
            _ => false,
        };
        let was_starting = proc.state == ProcessState::Starting;
        proc.stop_wished = false;
        proc.due = None;
        proc.exit = Some(status);
        if after_stop {
            self.change(id, ProcessState::Stopped);
            self.notices.push(Notice::Stopped {
                name,
                status,
                expected,
            });
        } else if early {
            proc.exit = None;
            why.unwrap_or(TOO_QUICKLY).clone_into(&mut proc.spawnerr);
            proc.shortages = 0;
            proc.tries += 1;
            proc.due = Some(now.plus(proc.retry_delay()));
            self.change(id, ProcessState::Backoff);
            self.notices.push(Notice::Exited {
                name,
                status,
                expected: false,
            });
            self.give_up_if_spent(id);
        } else {
            proc.tries = 0;
            proc.shortages = 0;
            proc.tell_end(status, why);
            if was_starting {
                self.change(id, ProcessState::Running);
            }
            self.change(id, ProcessState::Exited);
            self.notices.push(Notice::Exited {
                name,
                status,
                expected,
            });
            self.respawn(id, status);
        }
        if let Some(proc) = self.procs.get_mut(&id) {
            proc.pid = None;
        }
        if let Some(pool) = self.pools.of(id) {
            pool.ended(run);
        }
    }

    fn respawn(&mut self, id: ProcId, status: ExitStatus) {
        let now = self.now.mono;
        let serving = self.mood == Mood::Serving;
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        if serving && proc.restarts_after(status) {
            // The floor is reached at once by whatever ran for longer than it.
            let floor = proc.started.map(|started| started.plus(RESPAWN_FLOOR));
            let soonest = floor.unwrap_or(now).max(now);
            let late = proc
                .spread_until
                .since(soonest)
                .saturating_sub(RESPAWN_AHEAD);
            let due = soonest.plus(late);
            proc.spread_until = proc.spread_until.max(due).plus(RESPAWN_SHARE);
            proc.due = Some(due);
        }
    }

    fn kill_failed(&mut self, run: Run, errno: Errno) {
        let Some(id) = self.runs.get(&run).copied() else {
            return;
        };
        if errno == ESRCH {
            return;
        }
        let Some(proc) = self.procs.get_mut(&id).filter(|proc| proc.pid.is_some()) else {
            return;
        };
        match proc.state {
            ProcessState::Starting | ProcessState::Running => proc.stop_wished = false,
            ProcessState::Stopping => proc.stop_wished = true,
            _ => {
                self.signal_refused(id);
                return;
            }
        }
        proc.due = None;
        self.change(id, ProcessState::Unknown);
        self.signal_refused(id);
    }

    /// Somebody wants it stopped.
    pub(super) fn stop(&mut self, id: ProcId) {
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        match (proc.state, proc.pid) {
            (ProcessState::Starting | ProcessState::Running, Some(_)) => self.ask_to_end(id),
            (ProcessState::Starting, None) => proc.stop_wished = true,
            (ProcessState::Backoff, _) => {
                proc.due = None;
                self.change(id, ProcessState::Stopped);
            }
            _ => {}
        }
    }

    /// The stop signal must be sent to its child, and SIGKILL when that does not help in time.
    pub(super) fn ask_to_end(&mut self, id: ProcId) {
        let now = self.now.mono;
        let Some(proc) = self.procs.get_mut(&id) else {
            return;
        };
        let Some(run) = proc.run else { return };
        proc.due = Some(now.plus(table::secs(proc.spec.stopwaitsecs)));
        let whole_group = proc.spec.stopasgroup;
        let wakes = proc.spec.stop_cont.then_some(Signal::CONT);
        for signal in [proc.spec.stopsignal].into_iter().chain(wakes) {
            self.kills.push((run, signal, whole_group));
            if proc.spec.stop_tree {
                self.trees.push((run, signal));
            }
        }
        self.change(id, ProcessState::Stopping);
    }

    /// What is due by now.
    pub(super) fn deadlines(&mut self) {
        let now = self.now.mono;
        let serving = self.mood == Mood::Serving;
        let due = |proc: &&Proc| proc.due.is_some_and(|due| due <= now);
        let due: Vec<ProcId> = self
            .procs
            .values()
            .filter(due)
            .map(|proc| proc.id)
            .collect();
        for id in due {
            let Some(proc) = self.procs.get_mut(&id) else {
                continue;
            };
            match proc.state {
                ProcessState::Starting => self.up(id),
                ProcessState::Backoff | ProcessState::Exited => {
                    proc.due = None;
                    proc.must_start = serving;
                }
                ProcessState::Stopping => {
                    proc.due = Some(now.plus(proc.kill_period()));
                    if let (Some(run), Some(pid)) = (proc.run, proc.pid) {
                        self.kills.push((run, Signal::KILL, proc.spec.killasgroup));
                        if proc.spec.stop_tree {
                            self.trees.push((run, Signal::KILL));
                        }
                        self.notices.push(Notice::KillingHard {
                            name: proc.name.clone(),
                            pid,
                        });
                    }
                }
                ProcessState::Stopped
                | ProcessState::Running
                | ProcessState::Fatal
                | ProcessState::Unknown => proc.due = None,
            }
        }
        self.helper_deadlines();
        self.upgrade_deadline();
        self.tick();
    }
}
