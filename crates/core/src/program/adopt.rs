//! The way into service of a process that runs already.

use super::machine::{Child, Process, State};
use super::restart;
use crate::Effect;
use crate::turn::{Act, Happening};
use provost_model::{Notice, Orphan, ProcessState};

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
        let (mono, _) = orphan.started;
        self.started = Some(orphan.started);
        let up_at = mono.plus(restart::seconds(self.spec.startsecs));
        self.state = if up_at <= act.turn.now.mono {
            State::Running { child }
        } else {
            State::Starting { child, up_at }
        };
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
}
