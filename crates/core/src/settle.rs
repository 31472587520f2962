//! What follows from what processes did: counts of groups, events, listeners, waiting clients.

use crate::Effect;
use crate::program::Process;
use crate::supervisor::Core;
use crate::turn::{Happening, Turn};
use provost_model::{Event, Notice, ProcId, ProcessState};
use std::sync::Arc;

impl Core {
    /// Follows everything that happened. `early`: it is the first answer to a start, which orders result arrays.
    pub(crate) fn settle(&mut self, turn: &mut Turn<'_>, early: bool) {
        while let Some(happening) = self.happened.pop_front() {
            match happening {
                Happening::Changed {
                    proc,
                    from,
                    to,
                    event,
                } => {
                    turn.out.push(Effect::Changed { proc, state: to });
                    self.count(proc, from, to);
                    self.publish(turn, event);
                    self.follow_listener(turn, proc, to);
                    self.follow_helper(turn, proc, to);
                    self.watched_changed(turn, proc, to, early);
                }
                Happening::Adopted { proc, from, to } => {
                    turn.out.push(Effect::Changed { proc, state: to });
                    self.count(proc, from, to);
                }
                Happening::Born { proc } => {
                    // Where it has gone on already, that is told of next.
                    let state = self.procs.get(proc).map(Process::published);
                    if let Some(state @ ProcessState::Starting) = state {
                        turn.out.push(Effect::Changed { proc, state });
                    }
                    self.watched_born(turn, proc);
                }
            }
        }
    }

    fn count(&mut self, proc: ProcId, from: ProcessState, to: ProcessState) {
        let Some(home) = self.procs.get(proc).map(|process| process.home) else {
            return;
        };
        let Some(group) = self.groups.get_mut(home) else {
            return;
        };
        match (from.is_stopped(), to.is_stopped()) {
            (true, false) => group.unstopped = group.unstopped.saturating_add(1),
            (false, true) => {
                group.unstopped = group.unstopped.saturating_sub(1);
                if group.unstopped == 0 {
                    self.group_ended(home);
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    fn follow_listener(&mut self, turn: &mut Turn<'_>, proc: ProcId, to: ProcessState) {
        let Some(home) = self.procs.get(proc).map(|process| process.home) else {
            return;
        };
        let Some(pool) = self.pools.get_mut(&home) else {
            return;
        };
        match to {
            ProcessState::Starting => pool.started(proc),
            ProcessState::Running => pool.set_up(proc, true),
            ProcessState::Stopping | ProcessState::Unknown => pool.set_up(proc, false),
            ProcessState::Stopped
            | ProcessState::Backoff
            | ProcessState::Exited
            | ProcessState::Fatal => pool.ended(turn, proc),
        }
        self.stirred.insert(home);
    }

    /// Hands an event to the pools that subscribe to its kind. Without any it takes no serial.
    ///
    /// Once everything is stopped nobody will ever be told, and what was left is on its way to disk: then nothing is an
    /// event any more, so that none can be lost.
    pub(crate) fn publish(&mut self, turn: &mut Turn<'_>, event: Event) {
        if self.is_ending() {
            return;
        }
        let hearers = self.bus.hearers(event.kind()).to_vec();
        if hearers.is_empty() {
            return;
        }
        let serial = self.bus.serials.take();
        if let Some(until) = self.bus.reserve.renew(self.bus.serials) {
            turn.out.push(Effect::ReserveSerials { until });
        }
        let event = Arc::new(event);
        for home in hearers {
            if let Some(pool) = self.pools.get_mut(&home) {
                pool.accept(turn, serial, &event);
                self.stirred.insert(home);
            }
        }
    }

    /// Sends waiting events to listeners that can take one.
    pub(crate) fn dispatch(&mut self, turn: &mut Turn<'_>) {
        while let Some(home) = self.stirred.pop_first() {
            while let Some((proc, name, envelope)) = self
                .pools
                .get_mut(&home)
                .and_then(|pool| pool.next_delivery(turn))
            {
                let child = self.procs.get(proc).and_then(Process::child);
                let Some(child) = child else {
                    turn.anomaly(format!("listener {name} is ready without a child"));
                    break;
                };
                let serial = envelope.serial;
                turn.out.push(Effect::Deliver {
                    run: child.run,
                    envelope,
                });
                turn.notice(Notice::EventSent { name, serial });
            }
            self.tend(turn, home);
        }
    }
}
