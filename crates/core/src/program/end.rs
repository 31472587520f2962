//! Exits: which were wished for, which came too early, and what follows.

use super::machine::{Process, State};
use super::restart;
use crate::turn::Act;
use provost_model::{ExitStatus, Notice, Run};

/// `spawnerr` after an exit before `startsecs` (upstream's words).
const EXITED_TOO_QUICKLY: &str = "Exited too quickly (process log may have details)";

/// What an end may lead to, once everything of the child is gone.
enum Sequel {
    /// Nothing.
    Rest,
    /// A retry was planned; there may be none left, or a stop may be wished.
    Retry { stop: bool },
    /// A start, if the configuration says so.
    Restart,
}

impl Process {
    /// The child ended.
    pub(crate) fn exited(
        &mut self,
        act: &mut Act<'_, '_>,
        run: Run,
        status: ExitStatus,
        why: Option<String>,
    ) {
        act.runs.end(run);
        let sequel = self.take_end(act, run, status, why);
        // A socket of which it was the last user is closed, and opened again by the next start, as under upstream.
        act.sockets.leave(act.turn, run);
        match sequel {
            Sequel::Rest => {}
            Sequel::Retry { stop } => {
                self.give_up_if_spent(act);
                if stop {
                    self.stop(act);
                }
            }
            Sequel::Restart => self.restart_if_wanted(act, status),
        }
    }

    fn take_end(
        &mut self,
        act: &mut Act<'_, '_>,
        run: Run,
        status: ExitStatus,
        why: Option<String>,
    ) -> Sequel {
        let expected = self.spec.exitcodes.contains(&status.code());
        match self.state {
            State::Stopping { child, .. } if child.run == run => {
                self.end_stopped(act, status, expected)
            }
            State::Starting { child, up_at } if child.run == run => {
                if act.turn.now.mono < up_at {
                    self.end_too_quickly(act, status, why, false)
                } else {
                    self.change(act, State::Running { child });
                    self.end_by_itself(act, status, why, expected)
                }
            }
            State::Running { child } if child.run == run => {
                self.end_by_itself(act, status, why, expected)
            }
            State::Unknown { child, stop_wished } if child.run == run => {
                if stop_wished {
                    self.end_stopped(act, status, expected)
                } else {
                    self.end_by_itself(act, status, why, expected)
                }
            }
            State::Awaited { run: awaited, stop } if awaited == run => {
                self.unexpected(act, "a child ended");
                self.end_too_quickly(act, status, why, stop)
            }
            State::Awaited { .. }
            | State::Stopped
            | State::Starting { .. }
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Stopping { .. }
            | State::Exited { .. }
            | State::Fatal
            | State::Unknown { .. } => {
                self.unexpected(act, "a child ended");
                Sequel::Rest
            }
        }
    }

    /// The exit that a stop request brought about.
    fn end_stopped(&mut self, act: &mut Act<'_, '_>, status: ExitStatus, expected: bool) -> Sequel {
        self.ended = Some(act.turn.now.wall);
        self.exitstatus = Some(status.code());
        self.past.exit = Some(status);
        self.change(act, State::Stopped);
        act.turn.notice(Notice::Stopped {
            name: self.name.clone(),
            status,
            expected,
        });
        Sequel::Rest
    }

    /// An exit before `startsecs`: never expected, whatever the code.
    fn end_too_quickly(
        &mut self,
        act: &mut Act<'_, '_>,
        status: ExitStatus,
        why: Option<String>,
        stop: bool,
    ) -> Sequel {
        self.ended = Some(act.turn.now.wall);
        self.exitstatus = None;
        self.past.exit = Some(status);
        self.spawnerr = why.unwrap_or_else(|| EXITED_TOO_QUICKLY.to_owned());
        self.back_off(act);
        act.turn.notice(Notice::Exited {
            name: self.name.clone(),
            status,
            expected: false,
        });
        Sequel::Retry { stop }
    }

    /// An exit after it was up, without a stop request.
    fn end_by_itself(
        &mut self,
        act: &mut Act<'_, '_>,
        status: ExitStatus,
        why: Option<String>,
        expected: bool,
    ) -> Sequel {
        let code = status.code();
        self.ended = Some(act.turn.now.wall);
        self.exitstatus = Some(code);
        self.past.exit = Some(status);
        self.tries = 0;
        self.shortages = 0;
        if status == ExitStatus::Unknown {
            "Exit status unknown".clone_into(&mut self.spawnerr);
        } else if !expected {
            self.spawnerr = why.unwrap_or_else(|| format!("Bad exit code {code}"));
        }
        self.change(act, State::Exited { again_at: None });
        act.turn.notice(Notice::Exited {
            name: self.name.clone(),
            status,
            expected,
        });
        Sequel::Restart
    }

    /// A start after an end by itself, at once or when the shortest time between two starts has passed.
    fn restart_if_wanted(&mut self, act: &mut Act<'_, '_>, status: ExitStatus) {
        if !act.may_start || !restart::wants_restart(&self.spec, status.code()) {
            return;
        }
        let now = act.turn.now.mono;
        let floor = self
            .started
            .map_or(now, |(started, _)| restart::respawn_at(started));
        if floor > now {
            self.tell_respawning(act);
        }
        let (at, is_limit_new) = self.respawns.take(floor.max(now));
        if is_limit_new {
            act.turn.notice(Notice::RespawnsLimited {
                name: self.name.clone(),
                a_second: restart::RESPAWNS_A_SECOND,
            });
        }
        if at > now {
            self.state = State::Exited { again_at: Some(at) };
        } else {
            self.begin_again(act);
        }
    }

    fn tell_respawning(&mut self, act: &mut Act<'_, '_>) {
        if !std::mem::replace(&mut self.told_respawning, true) {
            let pause_ms = restart::RESPAWN_FLOOR_MS;
            act.turn.notice(Notice::Respawning {
                name: self.name.clone(),
                pause_ms,
            });
        }
    }

    /// BACKOFF with one try more.
    pub(super) fn back_off(&mut self, act: &mut Act<'_, '_>) {
        self.tries = self.tries.saturating_add(1);
        self.shortages = 0;
        let retry_at = act.turn.now.mono.plus(restart::backoff_delay(self.tries));
        self.change(
            act,
            State::Backoff {
                retry_at: Some(retry_at),
            },
        );
    }

    /// BACKOFF to FATAL when no try is left.
    pub(super) fn give_up_if_spent(&mut self, act: &mut Act<'_, '_>) {
        if restart::is_spent(&self.spec, self.tries) {
            self.give_up(act);
            act.turn.notice(Notice::GaveUp {
                name: self.name.clone(),
            });
        }
    }

    /// BACKOFF to FATAL.
    pub(super) fn give_up(&mut self, act: &mut Act<'_, '_>) {
        self.tries = 0;
        self.shortages = 0;
        self.change(act, State::Fatal);
    }
}
