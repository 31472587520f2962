//! Simulated helpers and their callers. They have dice of their own, so that a seed without a helper is what it was.

use super::agenda::Lane;
use super::faults::Fault;
use super::world::{Coming, World};
use provost_core::{Input, StdinProblem};
use provost_model::helper::{HelperAnswer, HelperAnswerKind, HelperMethod, HelperWord};
use provost_model::{ExitStatus, Request, RequestId, Run};
use std::time::Duration;

/// The namespace of the helper.
pub(super) const NAMESPACE: &str = "h0";

/// What a helper does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It says this.
    Say(HelperWord),
    /// It closes a pipe and lives on.
    Close,
    /// It ends.
    Die,
}

impl World {
    /// Somebody calls the helper, and somebody will again.
    pub(super) fn caller(&mut self) -> Option<Input> {
        if !self.busy {
            return None;
        }
        let wait = Duration::from_millis(self.helper_dice.below(self.pace_ms * 2));
        self.later(wait, Coming::Caller);
        let id = self.clients.number();
        let dice = &mut self.helper_dice;
        let request = if dice.chance(50) {
            Request::HelperMethods
        } else {
            let namespace = *dice.pick(&[NAMESPACE, NAMESPACE, NAMESPACE, NAMESPACE, "g0", "x"]);
            let method = *dice.pick(&["add", "add", "add", "sub", "nothing"]);
            Request::CallHelper {
                namespace: namespace.to_owned(),
                method: method.to_owned(),
                // So that the call can be told from others when it is sent.
                body: id.0.to_string().into_bytes(),
            }
        };
        if self.helper_dice.chance(100) {
            let wait = Duration::from_millis(self.helper_dice.below(5_000));
            self.later(wait, Coming::Leave(id));
        }
        Some(Input::Requested { id, request })
    }

    fn helper_thinks(&mut self) -> Duration {
        let slow = self.faults.strike(&mut self.helper_dice, Fault::HelperSlow);
        let wait_ms = if slow {
            self.helper_dice.between(500, 40_000)
        } else {
            self.helper_dice.below(20)
        };
        Duration::from_millis(wait_ms)
    }

    fn helper_will(&mut self, run: Run, wait: Duration, act: Act) {
        self.later(wait, Coming::Helper(run, act));
    }

    /// A helper is born.
    pub(super) fn helper_greets(&mut self, run: Run) {
        let wait = self.helper_thinks();
        let act = match self.helper_fault() {
            Some(Fault::HelperSilent) => return,
            Some(Fault::HelperGarbage) => Act::Say(self.nonsense()),
            Some(Fault::HelperCloses) => Act::Close,
            _ => Act::Say(hello()),
        };
        self.helper_will(run, wait, act);
    }

    /// What a helper does wrong this time.
    fn helper_fault(&mut self) -> Option<Fault> {
        let kinds = [
            Fault::HelperSilent,
            Fault::HelperTwice,
            Fault::HelperDies,
            Fault::HelperGarbage,
            Fault::HelperCloses,
            Fault::CallRefused,
        ];
        let faults = &self.faults;
        let dice = &mut self.helper_dice;
        let struck = kinds.map(|kind| faults.strike(dice, kind).then_some(kind));
        struck.into_iter().flatten().next()
    }

    fn nonsense(&mut self) -> HelperWord {
        match self.helper_dice.below(3) {
            0 => HelperWord::Nonsense("it wrote x".to_owned()),
            1 => hello(),
            _ => answer(1 << 40, HelperAnswerKind::Result),
        }
    }

    /// A helper is sent a call.
    pub(super) fn helper_called(&mut self, run: Run, call: u64) {
        let lost = |problem| Input::CallNotSent { run, call, problem };
        if self.children.alive(run).is_none() || self.hung_up.contains(&run) {
            if self.helper_dice.chance(500) {
                let fact = lost(StdinProblem::Closed);
                self.later(Duration::from_micros(50), Coming::Fact(fact));
            }
            return;
        }
        let kind = *self.helper_dice.pick(&[
            HelperAnswerKind::Result,
            HelperAnswerKind::Result,
            HelperAnswerKind::Fault,
        ]);
        let wait = self.helper_thinks();
        let act = match self.helper_fault() {
            Some(Fault::HelperSilent) => return,
            Some(Fault::HelperDies) => Act::Die,
            Some(Fault::HelperGarbage) => Act::Say(self.nonsense()),
            Some(Fault::HelperCloses) => Act::Close,
            Some(Fault::CallRefused) => {
                let closed = self.helper_dice.chance(300);
                let problem = if closed {
                    StdinProblem::Closed
                } else {
                    StdinProblem::Full
                };
                self.later(Duration::from_micros(50), Coming::Fact(lost(problem)));
                return;
            }
            Some(Fault::HelperTwice) => {
                let again = wait + Duration::from_millis(1);
                self.helper_will(run, again, Act::Say(answer(call, kind)));
                Act::Say(answer(call, kind))
            }
            _ => Act::Say(answer(call, kind)),
        };
        self.helper_will(run, wait, act);
    }

    /// A helper does something, if it can.
    pub(super) fn helper_acts(&mut self, run: Run, act: Act) {
        if self.children.alive(run).is_none() || self.hung_up.contains(&run) {
            return;
        }
        let (lane, soon) = (Lane::Run(run), Duration::from_micros(200));
        match act {
            Act::Say(word) => {
                let fact = Input::HelperSaid { run, word };
                self.later_in_lane(lane, soon, Coming::Fact(fact));
            }
            Act::Close => {
                let fact = Input::HelperHungUp { run };
                self.later_in_lane(lane, soon, Coming::Fact(fact));
            }
            Act::Die => {
                let status = ExitStatus::Code(1);
                if let Some(death) = self.children.doom(run, self.now, status) {
                    self.later(Duration::ZERO, Coming::Death(death));
                }
            }
        }
    }

    /// A caller has its answer, and cannot make a value of some.
    pub(super) fn helper_answered(&mut self, answer: &HelperAnswer) {
        let bad = self
            .faults
            .strike(&mut self.helper_dice, Fault::HelperGarbage);
        if bad {
            let id: RequestId = self.clients.number();
            let (run, what) = (answer.run, "it is no JSON".to_owned());
            let wait = Duration::from_micros(self.helper_dice.below(2_000));
            self.later(wait, Coming::Ask(id, Request::HelperMisspoke { run, what }));
        }
    }
}

fn hello() -> HelperWord {
    let method = |name: &str| HelperMethod {
        name: name.to_owned(),
        signature: Vec::new(),
        help: String::new(),
    };
    HelperWord::Hello(vec![method("add"), method("sub")])
}

fn answer(call: u64, kind: HelperAnswerKind) -> HelperWord {
    let body = format!("answer to {call}").into_bytes();
    HelperWord::Answer { call, kind, body }
}
