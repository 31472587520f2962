//! Upgrades in place, in some seeds: who asks for them, and programs that can take over or not. They have dice of their
//! own, so that a seed without them is what it was.

use super::world::{Coming, World};
use provost_core::Input;
use provost_model::{Request, Ticket};
use std::time::Duration;

impl World {
    /// Somebody asks for an upgrade, and somebody will again.
    pub(super) fn upgrader(&mut self) -> Option<Input> {
        if !self.busy {
            return None;
        }
        let wait = Duration::from_millis(self.upgrade_dice.between(100, 40_000));
        self.upgrade_later(wait, Coming::Upgrader);
        if self.upgrade_dice.chance(200) {
            return Some(Input::UpgradeAsked);
        }
        let id = self.clients.number();
        if self.upgrade_dice.chance(200) {
            let wait = Duration::from_millis(self.upgrade_dice.below(5_000));
            self.upgrade_later(wait, Coming::Leave(id));
        }
        let binary = self.upgrade_dice.chance(500);
        let binary = binary.then(|| "/usr/bin/supervisord".to_owned());
        let request = Request::Upgrade { binary };
        Some(Input::Requested { id, request })
    }

    /// A program is looked at.
    pub(super) fn rehearse(&mut self, ticket: Ticket) {
        let result = self.upgrade_result("it exits at once");
        self.upgrade_answer(Input::Rehearsed { ticket, result });
    }

    /// A program takes over, or comes back.
    pub(super) fn hand_over(&mut self, ticket: Ticket) {
        let result = self.upgrade_result("it cannot read the state");
        self.upgrade_answer(Input::HandedOver { ticket, result });
    }

    fn upgrade_result(&mut self, why: &str) -> Result<String, String> {
        if self.upgrade_dice.chance(250) {
            Err(why.to_owned())
        } else {
            Ok("0.2.0".to_owned())
        }
    }

    fn upgrade_answer(&mut self, input: Input) {
        // Now and then longer than anybody waits.
        let most_ms = *self.upgrade_dice.pick(&[20, 20, 5_000, 90_000]);
        let wait = Duration::from_millis(self.upgrade_dice.below(most_ms));
        self.upgrade_later(wait, Coming::Fact(input));
    }

    pub(super) fn upgrade_later(&mut self, wait: Duration, what: Coming) {
        let dice = self.upgrade_dice.next_u64();
        self.agenda.add(self.now.plus(wait), dice, what);
    }
}
