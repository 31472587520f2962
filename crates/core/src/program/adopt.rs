//! The way into service of a process that runs already, or rests as it did under a supervisord before.

use super::machine::{Child, Process, State};
use super::restart;
use crate::Effect;
use crate::turn::{Act, Happening};
use provost_model::{Notice, Orphan, ProcessState, Resting};

impl Process {
    /// An earlier supervisord has started it: it is RUNNING, or STARTING until `startsecs` have passed since its start.
    pub(crate) fn adopt(&mut self, act: &mut Act<'_, '_>, orphan: &Orphan) {
        if self.state != State::Stopped || self.started.is_some() {
            return self.unexpected(act, "an orphan was found");
        }
        let run = act.runs.begin(self.id);
        let child = Child {
            run,
            pid: orphan.pid,
        };
        if let Some(shared) = &self.spec.socket {
            act.sockets.take(act.turn, shared, run);
        }
        let (mono, _) = orphan.started;
        self.started = Some(orphan.started);
        self.ended = orphan.ended;
        let up_at = mono.plus(restart::seconds(self.spec.startsecs));
        self.state = if up_at <= act.turn.now.mono {
            State::Running { child }
        } else {
            State::Starting { child, up_at }
        };
        self.past.note(self.published(), act.turn.now.wall);
        act.happened.push_back(Happening::Adopted {
            proc: self.id,
            from: ProcessState::Stopped,
            to: self.published(),
        });
        act.turn.notice(Notice::Adopted {
            name: self.name.clone(),
            pid: orphan.pid,
            changed: orphan.changed,
        });
        act.turn.out.push(Effect::Adopt {
            proc: self.id,
            run,
            pid: orphan.pid,
        });
    }

    /// It does not run: it is in the state in which the supervisord before left it, and is started by nobody but those who
    /// would have started it there. Nobody tells how many tries were made; BACKOFF begins with the first.
    pub(crate) fn rest(&mut self, act: &mut Act<'_, '_>, resting: &Resting) {
        if self.state != State::Stopped || self.started.is_some() {
            return self.unexpected(act, "a resting process was found");
        }
        let now = act.turn.now.mono;
        let code = resting.exitstatus.unwrap_or(0);
        self.state = match resting.state {
            ProcessState::Stopped => State::Stopped,
            ProcessState::Fatal => State::Fatal,
            ProcessState::Exited => State::Exited {
                again_at: restart::wants_restart(&self.spec, code).then_some(now),
            },
            ProcessState::Backoff => {
                self.tries = 1;
                let retry_at = now.plus(restart::backoff_delay(self.tries));
                State::Backoff {
                    retry_at: Some(retry_at),
                }
            }
            ProcessState::Starting
            | ProcessState::Running
            | ProcessState::Stopping
            | ProcessState::Unknown => {
                return self.unexpected(act, "what does not run was found");
            }
        };
        self.started = resting.started;
        self.ended = resting.ended;
        self.exitstatus = resting.exitstatus;
        self.spawnerr.clone_from(&resting.spawnerr);
        self.past.note(self.published(), act.turn.now.wall);
        act.happened.push_back(Happening::Adopted {
            proc: self.id,
            from: ProcessState::Stopped,
            to: self.published(),
        });
    }
}
