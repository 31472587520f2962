//! Whether each order may be given now.

use super::Monitor;
use super::shutdown::Mood;
use provost_core::{Effect, Input, SpoolOrder};
use provost_model::{Notice, ProcId, ProcessState, Request, Run, Signal, SpoolId, Ticket};

impl Monitor {
    /// Sees one order if a run begins with it.
    pub(super) fn start(&mut self, effect: &Effect) {
        match effect {
            Effect::Spawn { proc, run, .. } => self.spawn(*proc, *run),
            Effect::Adopt { proc, run, pid } => self.adopted(*proc, *run, *pid),
            _ => {}
        }
    }

    /// Sees one order, which may be anything but a spawn.
    pub(super) fn order(&mut self, input: &Input, effect: &Effect) {
        if matches!(self.mood, Mood::Ended { .. }) && !matches!(effect, Effect::Notice(_)) {
            self.fail("I25", format!("an order after the end: {effect:?}"));
        }
        match effect {
            Effect::ProcessRemoved { proc } => {
                let expected = self.dismissed.remove(proc);
                self.check(expected, "I24", || {
                    format!("{proc:?} went out of service unasked")
                });
            }
            Effect::Kill {
                run,
                signal,
                whole_group,
            } => self.kill(*run, *signal, *whole_group),
            Effect::KillTree { run, signal } => self.kill_tree(*run, *signal),
            Effect::Probe { ticket, proc } => {
                self.tickets.insert(*ticket);
                let prober = match input {
                    Input::Requested { id, .. } => Some(*id),
                    _ => None,
                };
                self.probes.insert(*ticket, (*proc, prober));
                if let Some(asked) = prober.and_then(|id| self.requests.get_mut(&id)) {
                    asked.looks.insert(*proc, *ticket);
                }
            }
            Effect::WriteStdin { ticket, run, .. } => {
                self.tickets.insert(*ticket);
                self.must_live(*run, "bytes");
            }
            Effect::Deliver { run, envelope } => self.deliver(*run, envelope),
            Effect::CallHelper {
                run, call, body, ..
            } => self.call_sent(*run, *call, body),
            Effect::HangUp { run } => self.hung_up(*run),
            Effect::Print { text } => {
                let text = String::from_utf8_lossy(text);
                let mut pools = self.pools.by_group.values_mut();
                let due = pools.any(|pool| pool.printed(&text));
                self.check(due, "I16", || format!("{text:?} was printed unasked"));
            }
            Effect::Spool {
                ticket,
                spool,
                order,
            } => self.spool(*ticket, *spool, order),
            Effect::LoadConfig {
                ticket,
                for_restart,
            } => {
                let purpose = match input {
                    Input::Requested {
                        id,
                        request: Request::ReloadConfig,
                    } => Some(*id),
                    _ => None,
                };
                self.check(purpose.is_none() == *for_restart, "I17", || {
                    format!("a reading of the configuration with for_restart {for_restart}")
                });
                self.tickets.insert(*ticket);
                self.loads.insert(*ticket, (self.now.mono, purpose));
            }
            Effect::ReadProgram { ticket, group, .. } => {
                self.tickets.insert(*ticket);
                let asked = match input {
                    Input::Requested {
                        id,
                        request: Request::AddProgramToGroup { .. },
                    } => Some(*id),
                    _ => None,
                };
                self.check(asked.is_some(), "I17", || {
                    format!("a program for {group} that nobody gave")
                });
                let began = self.now.mono;
                let noted = asked.map(|id| (*ticket, (began, id, group.clone())));
                self.programs.extend(noted);
            }
            Effect::ReserveSerials { until } => {
                let mut report = super::Report(&mut self.violations);
                self.pools.reserve(*until, &mut report);
            }
            Effect::Reply { id, answer } => self.answer(*id, answer),
            Effect::Notice(notice) => self.notice(notice),
            Effect::Exit { restart } => self.leave(*restart),
            Effect::Fence { ticket }
            | Effect::ClearLogs { ticket, .. }
            | Effect::ClearMainLog { ticket } => {
                self.tickets.insert(*ticket);
            }
            Effect::Rehearse { .. } | Effect::HandOver { .. } => self.upgrade_ordered(effect),
            // They were looked at before all else.
            Effect::ProcessAdded { .. }
            | Effect::Changed { .. }
            | Effect::Spawn { .. }
            | Effect::Adopt { .. }
            | Effect::OpenSocket { .. }
            | Effect::CloseSocket { .. }
            | Effect::TrySocket { .. }
            | Effect::ReopenLogs => {}
        }
    }

    fn spawn(&mut self, id: ProcId, run: Run) {
        let fresh = run.0 > self.last_run;
        self.check(fresh, "I01", || format!("{run:?} was used before"));
        self.last_run = self.last_run.max(run.0);
        let Some(proc) = self.procs.get(&id) else {
            self.fail("I01", format!("{id:?} was started and is not in service"));
            return;
        };
        let name = proc.spec.namespec();
        if let Some(living) = proc.run {
            self.fail("I01", format!("{name} was started while {living:?} lives"));
            return;
        }
        let (state, must) = (proc.state, proc.must_start);
        if self.mood.is_stopping() {
            self.fail("I06", format!("{name} was started while everything stops"));
        }
        // A client may ask at the very instant at which it would have started anyway; the client is heard first.
        let startable = matches!(
            state,
            ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal
        );
        let by_hand = startable && self.is_start_asked(id, must);
        self.check(must || by_hand, "I06", || {
            format!("{name} was started in {state} without a reason")
        });
        if !self.start_order.is_empty() {
            let first = self.start_order.remove(0);
            self.check(first == id, "I26", || {
                format!("{name} was started out of turn")
            });
        }
        self.spawn_ordered(id, run, by_hand);
    }

    fn kill(&mut self, run: Run, signal: Signal, whole_group: bool) {
        self.must_live(run, "a signal");
        let order = (run, signal, whole_group);
        if let Some(place) = self.kills.iter().position(|expected| *expected == order) {
            self.kills.remove(place);
            self.signalled_next(run, signal);
        } else {
            let rule = if self.mood.is_stopping() {
                "I25"
            } else {
                "I09"
            };
            self.fail(
                rule,
                format!("{signal} was sent to {run:?} (group: {whole_group}) for no reason"),
            );
        }
    }

    /// Comes before the signal to the child itself, whose end would cut the others off.
    fn kill_tree(&mut self, run: Run, signal: Signal) {
        self.must_live(run, "a signal");
        let is_it =
            |(child, expected, _): &(Run, Signal, bool)| (*child, *expected) == (run, signal);
        let first = self.kills.iter().any(is_it);
        let due = self.trees.iter().position(|tree| *tree == (run, signal));
        if let Some(place) = due.filter(|_| first) {
            self.trees.remove(place);
        } else {
            self.fail(
                "I09",
                format!("{signal} was sent to the tree of {run:?} for no reason, or too late"),
            );
        }
    }

    /// I08: nothing goes to a run that is not born or has ended.
    pub(super) fn must_live(&mut self, run: Run, what: &str) {
        let proc = self.runs.get(&run).and_then(|id| self.procs.get(id));
        let lives =
            proc.is_some_and(|proc| proc.run == Some(run) && proc.pid.is_some_and(|pid| pid.0 > 1));
        self.check(lives, "I08", || {
            format!("{what} for {run:?}, which does not live")
        });
    }

    fn deliver(&mut self, run: Run, envelope: &provost_model::Envelope) {
        self.must_live(run, "an event");
        let Some(id) = self.runs.get(&run).copied() else {
            return;
        };
        let up = self
            .procs
            .get(&id)
            .is_some_and(|proc| proc.state == ProcessState::Running);
        self.check(up, "I16", || {
            format!("an event for {run:?}, which is not RUNNING")
        });
        let home = self.pools.home.get(&id).cloned().unwrap_or_default();
        self.check(home == *envelope.pool, "I16", || {
            format!("an event of {} for {home}", envelope.pool)
        });
        let mut report = super::Report(&mut self.violations);
        if let Some(pool) = self.pools.by_group.get_mut(&home) {
            pool.delivered(run, envelope, &mut report);
        }
    }

    fn spool(&mut self, ticket: Ticket, spool: SpoolId, order: &SpoolOrder) {
        self.tickets.insert(ticket);
        let mut report = super::Report(&mut self.violations);
        let pools = &mut self.pools;
        if let SpoolOrder::Open { pool, .. } = order {
            pools.spools.insert(spool, pool.to_string());
        }
        let Some(name) = pools.spools.get(&spool) else {
            return report.fail("I14", format!("{order:?} for a spool that was not opened"));
        };
        let leaving = pools.leaving.get_mut(name);
        let Some(pool) = leaving.or_else(|| pools.by_group.get_mut(name)) else {
            return report.fail("I14", format!("{order:?} for a pool that is not there"));
        };
        pool.spool_ordered(ticket, order, &mut pools.files, &mut report);
        if matches!(order, SpoolOrder::Save { .. }) {
            self.saves.insert(ticket);
            pools.leaving.remove(name);
            pools.spools.remove(&spool);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Anomaly { what } => {
                let odd = self.may_be_odd;
                self.check(odd, "I41", || format!("an anomaly: {what}"));
            }
            Notice::WaitingToStop { name } => self.waits_for_stop(notice, name),
            Notice::RestartRefused { .. } => {
                let refused = self.restart_refused || self.is_restart_load_overdue();
                let serves_on = refused && self.mood == Mood::Serving;
                self.check(serves_on, "I25", || format!("not refused: {notice:?}"));
            }
            Notice::PoolOverflow { pool, serial } | Notice::PoolOverflowGoesOn { pool, serial } => {
                let first = matches!(notice, Notice::PoolOverflow { .. });
                let mut report = super::Report(&mut self.violations);
                if let Some(pool) = self.pools.by_group.get_mut(&**pool) {
                    pool.overflowed(*serial, first, &mut report);
                }
            }
            Notice::PoolOverflowOver { pool, more, .. } => {
                let mut report = super::Report(&mut self.violations);
                if let Some(pool) = self.pools.by_group.get_mut(&**pool) {
                    pool.summed_up(*more, &mut report);
                }
            }
            Notice::Spawned { .. }
            | Notice::SpawnFailed { .. }
            | Notice::EnteredRunning { .. }
            | Notice::GaveUp { .. }
            | Notice::Stopped { .. }
            | Notice::Exited { .. }
            | Notice::Said { .. }
            | Notice::UpgradeRequested
            | Notice::Upgraded { .. }
            | Notice::UpgradeFailed { .. }
            | Notice::ProcessAdded { .. }
            | Notice::ProcessRemoved { .. }
            | Notice::Adopted { .. }
            | Notice::KillingHard { .. } => {
                if let Some(place) = self.notices.iter().position(|expected| expected == notice) {
                    self.notices.swap_remove(place);
                } else {
                    self.fail(rule_of(notice), format!("said for no reason: {notice:?}"));
                }
            }
            _ => {}
        }
    }

    fn leave(&mut self, restart: bool) {
        let due = self.may_leave();
        self.check(due, "I25", || {
            "left before everything was stopped".to_owned()
        });
        if let Mood::Stopping {
            restart: wanted, ..
        } = self.mood
        {
            self.check(wanted == restart, "I25", || {
                format!("left with restart {restart}")
            });
        }
        self.mood = Mood::Ended { restart };
    }
}

/// The invariant that speaks of this line.
pub(super) fn rule_of(notice: &Notice) -> &'static str {
    match notice {
        Notice::GaveUp { .. } => "I05",
        Notice::KillingHard { .. } => "I07",
        Notice::Stopped { .. } | Notice::Exited { .. } => "I10",
        Notice::UpgradeRequested | Notice::Upgraded { .. } | Notice::UpgradeFailed { .. } => "I45",
        Notice::Adopted { .. } => "I02",
        _ => "I04",
    }
}
