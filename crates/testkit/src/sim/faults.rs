//! What may go wrong, and how often, drawn for each seed.
//!
//! A third of the kinds is switched off in each seed, so that single faults are seen alone, too; some seeds have none.

use super::rng::Rng;
use super::settings::Kinds;

macro_rules! fault_kinds {
    ($($(#[$doc:meta])* $name:ident up to $max:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Fault { $($(#[$doc])* $name,)* }

        /// Every kind with its highest rate, in permille of the chances it has.
        const KINDS: &[(Fault, u64)] = &[$((Fault::$name, $max),)*];
    };
}

fault_kinds! {
    /// A spawn fails because of the command.
    SpawnCommand up to 120;
    /// A spawn fails because the system is short of something.
    SpawnShortage up to 120;
    /// A spawn fails otherwise.
    SpawnSystem up to 120;
    /// The answer to a spawn takes long.
    SlowSpawn up to 200;
    /// A signal is refused with EPERM.
    KillRefused up to 60;
    /// An exit is reaped long before it is told.
    LateExit up to 300;
    /// An answer to another order takes long.
    SlowAnswer up to 200;
    /// The command of a program is gone when it is looked at.
    ProbeFails up to 200;
    /// A child does not take input.
    StdinRefused up to 300;
    /// A log cannot be cleared.
    ClearFails up to 300;
    /// The configuration file is broken.
    BrokenConfig up to 300;
    /// The wall clock is set.
    WallJump up to 30;
    /// Supervisord does not get to run for a while.
    Suspend up to 20;
    /// Strangers take most pids.
    PidShortage up to 20;
    /// A client leaves before its answer.
    ClientLeaves up to 300;
    /// A child ends before it is up.
    QuickExit up to 700;
    /// A child does not obey the stop signal.
    IgnoresStop up to 400;
    /// A child hangs in the kernel for a while after SIGKILL.
    SurvivesKill up to 300;
    /// A listener speaks nonsense.
    ListenerGarbage up to 60;
    /// A listener refuses events.
    ListenerRejects up to 300;
    /// A listener ends instead of answering.
    ListenerDies up to 100;
    /// A listener does not read its stdin.
    ListenerDeaf up to 100;
    /// A listener takes long over an event.
    ListenerSlow up to 400;
    /// An order for a spool cannot be carried out.
    SpoolFails up to 200;
    /// The disk of a spool takes long.
    SpoolSlow up to 200;
    /// A fact arrives that cannot be: twice, or of nobody.
    ImpossibleFact up to 30;
    /// A shared socket cannot be opened.
    SocketFails up to 200;
    /// A helper does not say what it should.
    HelperSilent up to 100;
    /// A helper answers a call twice.
    HelperTwice up to 60;
    /// A helper ends instead of answering.
    HelperDies up to 100;
    /// A helper speaks nonsense.
    HelperGarbage up to 60;
    /// A helper closes a pipe and lives on.
    HelperCloses up to 60;
    /// A call does not get through to its helper.
    CallRefused up to 100;
    /// A helper takes long.
    HelperSlow up to 300;
    /// Somebody has halted a child: it does not see its stop signal before it is woken up.
    Halted up to 300;
    /// Supervisord is killed in the middle of what it does.
    DaemonKilled up to 6;
    /// Doing an order panics.
    DaemonPanics up to 6;
    /// Whoever has the file of a spool open breaks down over an order. Last, and with dice of its own: seeds that are
    /// older stay as they were without it.
    SpoolLost up to 60;
}

/// How many kinds there are.
pub(super) fn count() -> usize {
    KINDS.len()
}

/// What the kinds are called.
pub(super) fn names() -> impl Iterator<Item = String> {
    KINDS.iter().map(|(kind, _)| format!("{kind:?}"))
}

/// The rates of one seed.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    rates: Vec<u32>,
    active: bool,
}

impl Faults {
    /// Draws the rates of a seed.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        // One seed in sixteen has no fault at all: the plain way must be right by itself.
        let none = rng.chance(62);
        let mut rates: Vec<u32> = KINDS
            .iter()
            .map(|(_, max)| {
                let off = rng.below(3) == 0;
                let rate = rng.between(0, *max);
                if none || off {
                    0
                } else {
                    u32::try_from(rate).unwrap_or(0)
                }
            })
            .collect();
        // What a kill leaves of a file that was lost before, and in which order, is more than the monitor can tell.
        let is_killed = rates
            .get(Fault::DaemonKilled as usize)
            .is_some_and(|rate| *rate > 0);
        if let Some(rate) = rates.get_mut(Fault::SpoolLost as usize)
            && is_killed
        {
            *rate = 0;
        }
        Self {
            rates,
            active: true,
        }
    }

    /// Whether this fault happens now. Draws a number in any case, so that rates do not shift other draws.
    pub(super) fn strike(&self, rng: &mut Rng, fault: Fault) -> bool {
        let rate = self.rates.get(fault as usize).copied().unwrap_or(0);
        rng.chance(rate) && self.active
    }

    /// Switches kinds off.
    pub(super) fn leave_out(&mut self, without: Kinds) {
        for (place, rate) in self.rates.iter_mut().enumerate() {
            if without.has(Kinds::of_fault(place)) {
                *rate = 0;
            }
        }
    }

    /// The kinds that can happen.
    pub(super) fn kinds(&self) -> Kinds {
        let rates = self.rates.iter().enumerate();
        let on = rates.filter(|(_, rate)| **rate > 0);
        on.map(|(place, _)| Kinds::of_fault(place))
            .fold(Kinds::NONE, Kinds::and)
    }

    /// From now on nothing goes wrong any more.
    pub(super) fn cease(&mut self) {
        self.active = false;
    }

    /// The kinds that can happen with their rates, for people.
    pub(super) fn describe(&self) -> String {
        let shown = KINDS.iter().zip(&self.rates).filter(|(_, rate)| **rate > 0);
        let shown: Vec<String> = shown
            .map(|((kind, _), rate)| format!("{kind:?} {rate}‰"))
            .collect();
        if shown.is_empty() {
            "none".to_owned()
        } else {
            shown.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_a_third_of_the_kinds_is_off_and_all_are_off_once_they_cease() {
        let mut rng = Rng::new(3);
        let off: usize = (0..300)
            .map(|_| {
                Faults::draw(&mut rng)
                    .rates
                    .iter()
                    .filter(|rate| **rate == 0)
                    .count()
            })
            .sum();
        let share = off * 100 / (300 * KINDS.len());
        assert!((30..50).contains(&share), "{share} %");
        let mut faults = Faults::draw(&mut rng);
        faults.cease();
        assert!(!(0..2000).any(|_| faults.strike(&mut rng, Fault::QuickExit)));
    }

    #[test]
    fn each_kind_stands_at_its_own_place() {
        for (place, (kind, _)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, place);
        }
    }
}
