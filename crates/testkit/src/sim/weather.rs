//! What comes from outside the machine's kernel: clients, signals, and whatever happens to a machine now and then.

use super::faults::Fault;
use super::scene;
use super::settings::{Habit, Kinds};
use super::world::{Coming, SECOND_NS, World};
use provost_core::Input;
use provost_model::{Request, Signal};
use std::time::Duration;

impl World {
    fn does(&self, habit: Habit) -> bool {
        self.kinds.has(Kinds::of_habit(habit))
    }

    /// Somebody asks for something, and somebody will again.
    pub(super) fn client_asks(&mut self) -> Option<Input> {
        if !self.busy || !self.does(Habit::Clients) {
            return None;
        }
        let wait = Duration::from_millis(self.dice.below(self.pace_ms * 2));
        self.later(wait, Coming::Client);
        if let Some(input) = self.signal_or_ending() {
            return Some(input);
        }
        let (id, request) = self.clients.draw(&mut self.dice, &self.file);
        if self.faults.strike(&mut self.dice, Fault::ClientLeaves) {
            let wait = Duration::from_millis(self.dice.below(5_000));
            self.later(wait, Coming::Leave(id));
        }
        Some(Input::Requested { id, request })
    }

    /// Rarely a signal to supervisord, and more rarely the order to end or to restart.
    fn signal_or_ending(&mut self) -> Option<Input> {
        if self.dice.chance(15) {
            let quiet = [Signal::USR2, Signal::CHLD, Signal::from_raw(28)];
            return Some(Input::Signal(*self.dice.pick(&quiet)));
        }
        let permille = if self.is_ending { 80 } else { 6 };
        if self.endings_left == 0 || !self.dice.chance(permille) {
            return None;
        }
        self.endings_left -= 1;
        self.is_ending = true;
        Some(match self.dice.below(4) {
            0 => Input::Signal(*self.dice.pick(&[Signal::TERM, Signal::INT, Signal::QUIT])),
            1 => Input::Signal(Signal::HUP),
            2 => Input::Requested {
                id: self.clients.number(),
                request: Request::Shutdown,
            },
            _ => Input::Requested {
                id: self.clients.number(),
                request: Request::Restart,
            },
        })
    }

    /// What happens to a machine now and then.
    pub(super) fn weather(&mut self) {
        if !self.busy {
            return;
        }
        let wait = Duration::from_millis(self.dice.between(100, 10_000));
        self.later(wait, Coming::Weather);
        if self.dice.chance(300) && self.does(Habit::Edits) {
            let mut file = scene::edit(&mut self.dice, &self.file);
            scene::shorten(&mut file, self.programs);
            self.sockets.hand_out(&self.file.groups, &mut file);
            self.file = file;
        }
        if self.faults.strike(&mut self.dice, Fault::WallJump) {
            let year_ns = 31_536_000 * SECOND_NS;
            let jump = i128::from(self.dice.below(2 * year_ns)) - i128::from(year_ns);
            let small = self.dice.chance(500);
            if !self.wall_is_fixed {
                self.wall_offset_ns += if small { jump / 1_000_000 } else { jump };
            }
        }
        if self.faults.strike(&mut self.dice, Fault::Suspend) {
            // Everybody else goes on living meanwhile; facts that came due wait.
            let away = Duration::from_millis(self.dice.between(10, 60_000));
            self.now = self.now.plus(away);
        }
        if self.faults.strike(&mut self.dice, Fault::PidShortage) {
            let left = self.dice.index(3);
            self.pids.crowd(left);
        }
    }
}
