//! Children from their birth to their end: what the kernel and they themselves do, and when the core hears of it.

use super::agenda::Lane;
use super::children::{Child, Death, Phase};
use super::faults::Fault;
use super::world::{Coming, Known, World};
use super::{listeners, script};
use provost_core::Input;
use provost_model::{ExitStatus, Run};
use std::time::Duration;

impl World {
    /// How an end is told: of what is no child of the present supervisord, older kernels do not say it.
    fn known_status(&mut self, death: &Death) -> ExitStatus {
        let child = self.children.get(death.run);
        let is_adopted = child.is_some_and(|child| child.is_adopted);
        if is_adopted && self.kill_dice.chance(500) {
            ExitStatus::Unknown
        } else {
            death.status
        }
    }

    /// A child ends.
    pub(super) fn end(&mut self, death: &Death) {
        if !self.children.die(death) {
            return;
        }
        let status = self.known_status(death);
        let told = Input::Exited {
            run: death.run,
            status,
            why: (status.code() == 1).then(|| "why".to_owned()),
        };
        let late = self.faults.strike(&mut self.dice, Fault::LateExit);
        let mut wait = Duration::from_micros(self.dice.below(2_000));
        if late {
            self.later(wait, Coming::Reap(death.run));
            wait += Duration::from_millis(self.dice.below(1_500));
        }
        self.later_in_lane(Lane::Run(death.run), wait, Coming::End(death.run, told));
    }

    /// A child writes.
    pub(super) fn chatter(&mut self, run: Run) {
        use provost_model::Channel;
        let Some(child) = self.children.alive(run) else {
            return;
        };
        let spec = child.spec.clone();
        let facts = [
            (
                spec.stdout.events_enabled,
                Input::Logged {
                    run,
                    channel: Channel::Stdout,
                    data: b"a\n".to_vec(),
                },
            ),
            (
                spec.stderr.capture_maxbytes > 0,
                Input::Captured {
                    run,
                    channel: Channel::Stderr,
                    data: b"b".to_vec(),
                },
            ),
        ];
        for (wanted, fact) in facts {
            if wanted && self.busy {
                let wait = Duration::from_micros(self.dice.below(5_000));
                self.later_in_lane(Lane::Run(run), wait, Coming::Fact(fact));
            }
        }
        let wait = Duration::from_millis(self.dice.between(50, 5_000));
        self.later(wait, Coming::Chatter(run));
    }

    /// A child is born and begins its life.
    pub(super) fn birth(&mut self, run: Run, pid: provost_model::Pid, known: &Known) {
        let mut script = script::draw(&mut self.dice, &self.faults, &known.spec);
        script.is_halted = self.faults.strike(&mut self.kill_dice, Fault::Halted);
        let ends = script.ends;
        let child = Child {
            spec: known.spec.clone(),
            listens: known.listens,
            pid,
            script,
            phase: Phase::Alive,
            ends_at: None,
            how: None,
            born: self.clocks(),
            is_adopted: false,
            is_out_of_reach: false,
            must_be_woken: false,
            plan: 0,
        };
        self.children.add(run, child);
        if known.listens.is_some() {
            let deeds = listeners::greeting(&mut self.dice, &self.faults);
            self.plan_deeds(run, 0, deeds.into());
        } else if known.serves {
            self.helper_greets(run);
        } else if known.spec.stdout.events_enabled || known.spec.stderr.capture_maxbytes > 0 {
            self.later(Duration::from_millis(100), Coming::Chatter(run));
        }
        if let Some((after, status)) = ends {
            let at = self.now.plus(after);
            if let Some(death) = self.children.doom(run, at, status) {
                self.later(after, Coming::Death(death));
            }
        }
    }
}
